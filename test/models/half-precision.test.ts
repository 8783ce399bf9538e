import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { fromBfloat16, fromHalf, nearestBfloat16, nearestHalf } from "../../src/data/half.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { readModel } from "../../src/models/deepmd/model-file.js";
import { halfPrecisionNotes } from "../../src/models/deepmd/half-nets.js";
import { asHeld } from "../../src/models/deepmd/held-weights.js";
import type { NetPrecision } from "../../src/models/deepmd/net-precision.js";
import { saveModel } from "../../src/models/deepmd/save-model.js";
import { readModelTree } from "../../src/models/deepmd/serialize/from-tree.js";
import { type NamedModel, toNamedModel } from "../../src/models/deepmd/serialize/named-weights.js";
import { Program } from "../cli/program.js";
import { f8, putSystem } from "../data/deepmd-folder.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import { potentialOf, readFixture, treeOf } from "./deepmd-fixture.js";

const fixtures = join(import.meta.dirname, "../fixtures/deepmd");
const scratch = temporaryFolder();
const program = new Program();

type Values = Readonly<Record<"force" | "virial" | "atomEnergy", number[]>> & { readonly energy: number };
interface HalfCase {
  readonly coord: number[];
  readonly types: number[];
  readonly box: number[];
  readonly precision: { readonly descriptor: NetPrecision; readonly fitting_net: NetPrecision };
  /** As DeePMD-kit computes it, and in float64 with the same rounded weights. */
  readonly half: Values;
  readonly exact: Values;
  readonly tree: unknown;
}
const { cases } = readFixture("half-precision.json") as unknown as { cases: Record<string, HalfCase> };
const names = Object.keys(cases);

/** The model of a case with the precision it has in DeePMD-kit. */
function halfModel(name: string): NamedModel {
  const { precision, tree } = cases[name];
  const whole = treeOf({ trees: { tree } }, { model: { tree: "tree", set: {} } });
  const { config, ...model } = toNamedModel(readModelTree(whole, name), name);
  const descriptor = { ...config.descriptor, precision: precision.descriptor };
  const fitting = { ...config.fitting_net, precision: precision.fitting_net };
  return { ...model, config: { ...config, descriptor, fitting_net: fitting } };
}

/** The largest difference, relative to the largest value. */
function difference(found: ArrayLike<number>, wanted: readonly number[]): number {
  const scale = Math.max(...wanted.map(Math.abs));
  return Math.max(...wanted.map((x, k) => Math.abs(x - found[k]))) / scale;
}

/** Units in which a type rounds numbers near 1. */
const unitOf = (names: readonly string[]): number => (names.includes("bfloat16") ? 2 ** -8 : 2 ** -11);

beforeAll(openCpu);

describe("half-precision numbers", () => {
  it("are those of the type, nearest and ties to even", () => {
    for (let bits = 0; bits < 0x7c00; bits++) expect(nearestHalf(fromHalf(bits))).toBe(fromHalf(bits));
    for (let bits = 0; bits < 0x7f80; bits += 7)
      expect(nearestBfloat16(fromBfloat16(bits))).toBe(fromBfloat16(bits));
    for (const [round, value, wanted] of [
      [nearestHalf, 1 + 2 ** -11, 1],
      [nearestHalf, 1 + 3 * 2 ** -11, 1 + 2 ** -9],
      [nearestHalf, -1 - 2 ** -11 - 2 ** -40, -1 - 2 ** -10],
      [nearestHalf, 2 ** -25, 0],
      [nearestHalf, 3 * 2 ** -25, 2 ** -23],
      [nearestHalf, 65519.9, 65504],
      [nearestHalf, 65520, Infinity],
      [nearestBfloat16, 1 + 2 ** -8, 1],
      [nearestBfloat16, 1 + 3 * 2 ** -8, 1 + 2 ** -6],
      [nearestBfloat16, -187.1, -187],
      [nearestBfloat16, 3.4e38, Infinity],
    ] as const)
      expect(round(value)).toBe(wanted);
    expect(Object.is(nearestHalf(-0), -0)).toBe(true);
    expect(nearestHalf(NaN)).toBeNaN();
  });
});

describe("half-precision nets of DeePMD-kit 3.2 (fixtures/deepmd/half-precision.json)", () => {
  it.each(names)(
    "%s: closer to float64 with the same weights than DeePMD-kit, and within its rounding of it",
    (name) => {
      const { coord, box, types, precision, half, exact } = cases[name];
      const pot = potentialOf(halfModel(name));
      const found = pot.evalSync(coord, box, types, { atomic: true });
      pot.dispose();
      const bound = 24 * unitOf(Object.values(precision));
      for (const key of ["force", "virial", "atomEnergy"] as const) {
        const ours = difference(found[key]!, exact[key]);
        expect(ours, key).toBeLessThan(2e-6);
        expect(ours, key).toBeLessThan(difference(half[key], exact[key]));
        expect(difference(found[key]!, half[key]), key).toBeLessThan(bound);
      }
    },
  );

  it.each(names)(
    "%s: written as .dp, .yaml and .safetensors the weights come back as they were",
    async (name) => {
      const model = halfModel(name);
      for (const ending of ["dp", "yaml", "safetensors"]) {
        const path = join(scratch, `${name}.${ending}`);
        await saveModel(path, { ...model, training: undefined });
        const again = await readModel(path);
        for (const [key, { data }] of model.weights) expect(again.weights.get(key)!.data, key).toEqual(data);
        // DeePMD-kit opens no bfloat16 in these files; float32 holds it as it is.
        const kept = (precision: NetPrecision): string =>
          precision === "bfloat16" && ending !== "safetensors"
            ? "float32"
            : precision.replace("default", "float64");
        const { descriptor, fitting_net: fitting } = model.config;
        expect(again.config.descriptor.precision).toBe(kept(descriptor.precision));
        expect(again.config.fitting_net.precision).toBe(kept(fitting.precision));
        if (ending !== "safetensors")
          expect(again.script).toMatchObject({ descriptor: { precision: descriptor.precision } });
      }
    },
  );

  it.each([
    ["half-float16.dp", "se_e2_a-float16"],
    ["half-bfloat16.pth", "se_e2_a-bfloat16"],
  ])("%s, as DeePMD-kit wrote it, opens with the weights it has there", async (file, name) => {
    const wanted = halfModel(name);
    const model = await readModel(join(fixtures, file));
    expect(model.config.descriptor.precision).toBe(cases[name].precision.descriptor);
    expect(model.config.fitting_net.precision).toBe(cases[name].precision.fitting_net);
    for (const [key, { data }] of wanted.weights) expect(model.weights.get(key)!.data, key).toEqual(data);
    const pot = await DeepPot.load(join(fixtures, file));
    const { coord, box, types, exact } = cases[name];
    expect(difference(pot.evalSync(coord, box, types).force, exact.force)).toBeLessThan(2e-6);
    pot.dispose();
  });

  it("weights of a wider type are rounded when a model is made of them, energies of atoms are not", () => {
    const model = halfModel("se_e2_a-float16");
    const wider = new Map(
      [...model.weights].map(([key, { shape, data }]) => [
        key,
        { shape, data: data.map((x) => x * (1 + 1e-5)) },
      ]),
    );
    const held = asHeld(wider, model.config);
    const layer = "descriptor.sea.filter_layers.networks.0.layers.1.matrix";
    expect(held.get(layer)!.data).toEqual(model.weights.get(layer)!.data);
    expect(held.get("out_bias")).toEqual(wider.get("out_bias"));
    expect(halfPrecisionNotes(model.config)).toEqual([
      "float16 nets: weights are rounded to float16, sums are float32",
    ]);
  });
});

describe("TensorFlow's net of types in half precision", () => {
  const coord = Float64Array.from({ length: 36 }, (_, k) => (6 * ((k * k * 7) % 61)) / 61);
  const cell = [6, 0, 0, 0, 6, 0, 0, 0, 6];
  const types = Array.from({ length: 12 }, (_, k) => (k % 3 === 0 ? 0 : 1));
  const path = (name: string): string => join(scratch, `types-${name}.safetensors`);
  const note = (sums: string, net = "nets"): string =>
    `float16 ${net}: weights are rounded to float16, sums are ${sums}`;

  /** Two layers for types, in float16; the descriptor and the fitting net as they are told. */
  async function save(name: string, descriptor: NetPrecision, fitting: NetPrecision): Promise<string> {
    const graph = join(scratch, "graph.pb");
    writeFileSync(graph, gunzipSync(readFileSync(join(fixtures, "tensorflow/atten-types-tanh.pb.gz"))));
    const { config, ...model } = await readModel(graph);
    const changed = {
      ...config,
      descriptor: { ...config.descriptor, precision: descriptor },
      fitting_net: { ...config.fitting_net, precision: fitting },
      type_embedding: { ...config.type_embedding!, precision: "float16" as const },
    };
    const weights = asHeld(model.weights, changed);
    await saveModel(path(name), { ...model, weights, config: changed, training: undefined });
    return path(name);
  }

  async function evaluate(
    file: string,
    precision?: "f32" | "f64",
  ): Promise<[Float64Array, readonly string[]]> {
    const pot = await DeepPot.load(file, { precision });
    const { force } = pot.evalSync(coord, cell, types);
    const { notes } = pot;
    pot.dispose();
    return [force, notes];
  }

  it("computes in the descriptor's type, which is what is told", async () => {
    const file = await save("double", "float64", "default");
    const [own, notes] = await evaluate(file);
    const [wide, wideNotes] = await evaluate(file, "f64");
    const [single, singleNotes] = await evaluate(file, "f32");
    expect(notes).toEqual([note("float64", "net of types")]);
    expect([wideNotes, singleNotes]).toEqual([[], []]);
    expect(own).toEqual(wide);
    expect(difference(single, [...wide])).toBeGreaterThan(1e-9);
    expect((await evaluate(await save("mixed", "float64", "float16")))[1]).toEqual([
      note("float32"),
      note("float64", "net of types"),
    ]);
  });

  it("is told once beside a descriptor of half precision, and nothing where the user asked for a type", async () => {
    const file = await save("half", "float16", "float16");
    const [own, notes] = await evaluate(file);
    const [wide, wideNotes] = await evaluate(file, "f64");
    expect(notes).toEqual([note("float32")]);
    expect(wideNotes).toEqual([]);
    expect(difference(own, [...wide])).toBeLessThan(1e-5);
    expect(own).not.toEqual(wide);
  });

  it("commands print what they compute in", async () => {
    const file = await save("printed", "float16", "float16");
    const files = { "type.raw": `${types.join("\n")}\n`, "type_map.raw": "O\nH\n", "set.000/coord.npy": f8([1, 36], [...coord]), "set.000/box.npy": f8([1, 9], cell) }; // prettier-ignore
    putSystem(join(scratch, "water"), files);
    for (const command of ["eval", "eval-desc"]) {
      const run = (...more: string[]) =>
        program.run(scratch, [command, "-m", file, "-s", "water", "-o", `out-${command}`, ...more]);
      expect(run()).toMatchObject({ status: 0, stderr: `${file}: ${note("float32")}\n` });
      for (const precision of ["f64", "f32"])
        expect(run("--precision", precision)).toMatchObject({ status: 0, stderr: "" });
    }
  });
});
