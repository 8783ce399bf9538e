import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { type NetPrecision, netPrecisions } from "../../src/models/deepmd/net-precision.js";
import { saveModel } from "../../src/models/deepmd/save-model.js";
import type { NamedModel } from "../../src/models/deepmd/serialize/named-weights.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import { modelOf, potentialOf, readFixture } from "./deepmd-fixture.js";

const scratch = temporaryFolder();
const fixture = readFixture("energies.json");
const endings = ["safetensors", "dp", "yaml", "hdf5"] as const;

/** A model whose settings are of one precision and whose weights and statistics, as after a change of settings, are not. */
function widerModel(name: string, descriptor: NetPrecision, fitting: NetPrecision): NamedModel {
  const { config, weights, ...model } = modelOf(fixture, name);
  const wider = [...weights].map(([key, { shape, data }]) => {
    const statistics = /(mean|stddev|avg|inv_std)$/.test(key);
    return [key, { shape, data: data.map((x, k) => x * (1 + 1e-4 * k) + (statistics ? 0.1 : 0)) }] as const;
  });
  return {
    ...model,
    weights: new Map(wider),
    config: {
      ...config,
      descriptor: { ...config.descriptor, precision: descriptor },
      fitting_net: { ...config.fitting_net, precision: fitting },
    },
  };
}

/** Writes the model; DeePMD-kit writes the same tree under several endings. */
async function save(ending: (typeof endings)[number], name: string, model: NamedModel): Promise<string> {
  const path = join(scratch, `${name}.${ending}`);
  const written = ending === "hdf5" ? join(scratch, `${name}-as.dp`) : path;
  await saveModel(written, { ...model, training: undefined });
  if (written !== path) copyFileSync(written, path);
  return path;
}

const precisions: [NetPrecision, NetPrecision][] = [
  ...netPrecisions.map((precision): [NetPrecision, NetPrecision] => [precision, precision]),
  ["float16", "float32"],
  ["float32", "bfloat16"],
];

beforeAll(openCpu);

describe.each(["both-parameters", "atten-parameters"])(
  "%s, saved in every format and opened again",
  (name) => {
    const { coord, box, types, fparam, aparam } = fixture.cases[name];
    const evaluate = (pot: DeepPot): unknown => {
      const { energy, force, virial } = pot.evalSync(coord, box, types, { fparam: fparam!, aparam: aparam! });
      pot.dispose();
      return { energy, force, virial };
    };

    it.each(precisions)("%s descriptor, %s fitting net: the same bits", async (descriptor, fitting) => {
      const model = widerModel(name, descriptor, fitting);
      const before = evaluate(potentialOf(model));
      const inDouble = new Map<string, unknown>();
      for (const ending of endings) {
        const path = await save(ending, `${name}-${descriptor}-${fitting}`, model);
        expect(evaluate(await DeepPot.load(path)), ending).toEqual(before);
        inDouble.set(ending, evaluate(await DeepPot.load(path, { precision: "f64" })));
      }
      for (const ending of endings) expect(inDouble.get(ending), ending).toEqual(inDouble.get("dp"));
    });
  },
);
