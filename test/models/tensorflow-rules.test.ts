import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { readDeepmdSystem } from "../../src/data/deepmd-npy.js";
import { readNpy } from "../../src/data/npy.js";
import { withWeights } from "../../src/data/weights/open.js";
import { parseDeepmdInput } from "../../src/models/deepmd/config/deepmd-input.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import type { HostArray, Weights } from "../../src/models/deepmd/parameters.js";
import { close } from "./deepmd-fixture.js";

const frozen = join(import.meta.dirname, "../../../shared/data/weights-deepmd/frozen-tf");
const missing = !existsSync(frozen);

type Tensors = ReadonlyMap<string, HostArray>;

function tensorsOf(name: string): Tensors {
  return withWeights(join(frozen, "models", `${name}.pb`), ({ tensors }) => {
    const numbers = tensors.filter(({ array, dtype }) => array !== null && dtype === "float64");
    return new Map(numbers.map((t) => [t.name, { shape: t.shape, data: t.array!.float64() }]));
  });
}

/** First row of [types, slots * 4] per type. */
const perType = ({ data }: HostArray, types = 2): HostArray => ({
  shape: [types, 4],
  data: Float64Array.from(
    { length: 4 * types },
    (_, k) => data[(data.length / types) * Math.floor(k / 4) + (k % 4)],
  ),
});

/** Query, key and value side by side. */
function joined(parts: readonly HostArray[]): HostArray {
  const rows = parts[0].shape.length === 1 ? 1 : parts[0].shape[0];
  const width = parts[0].data.length / rows;
  const data = Array.from({ length: rows }, (_, r) =>
    parts.flatMap((part) => [...part.data.subarray(r * width, (r + 1) * width)]),
  );
  return { shape: [rows, width * parts.length], data: Float64Array.from(data.flat()) };
}

/** A frozen graph's weights by PyTorch's names. */
function renamed(from: Tensors, kind: "se_atten" | "se_e2_a"): Weights {
  const out: Weights = new Map();
  const put = (name: string, array: HostArray | undefined): unknown => array && out.set(name, array);
  const block = kind === "se_atten" ? "descriptor.se_atten" : "descriptor.sea";
  put(`${block}.mean`, perType(from.get("descrpt_attr/t_avg")!));
  put(`${block}.stddev`, perType(from.get("descrpt_attr/t_std")!));
  const nets = kind === "se_atten" ? [["all", ""]] : [0, 1].flatMap((c) => [0, 1].map((n) => [c, `_${n}`]));
  for (const [centre, suffix] of nets)
    for (let l = 0; l < 3; l++) {
      const net = kind === "se_atten" ? 0 : Number(centre) + 2 * Number(String(suffix).slice(1));
      const layer = `${block}.filter_layers.networks.${net}.layers.${l}`;
      put(`${layer}.matrix`, from.get(`filter_type_${centre}/matrix_${l + 1}${suffix}`));
      put(`${layer}.bias`, from.get(`filter_type_${centre}/bias_${l + 1}${suffix}`));
    }
  put(
    "descriptor.type_embedding.embedding.embedding_net.layers.0.matrix",
    from.get("type_embed_net/matrix_1"),
  );
  for (let k = 0; from.has(`attention_layer_${k}/c_out/matrix`); k++) {
    const [tf, pt] = [`attention_layer_${k}`, `${block}.dpa1_attention.attention_layers.${k}`];
    for (const part of ["matrix", "bias"]) {
      const own = ["query", "key", "value"].map((q) => from.get(`${tf}/c_${q}/${part}`)!);
      put(`${pt}.attention_layer.in_proj.${part}`, joined(own));
      put(`${pt}.attention_layer.out_proj.${part}`, from.get(`${tf}/c_out/${part}`));
    }
    const norm = k === 0 ? "layer_normalization" : `layer_normalization_${k}`;
    const first = from.has(`${tf}/${norm}/gamma`) ? norm : "layer_normalization";
    put(`${pt}.attn_layer_norm.matrix`, from.get(`${tf}/${first}/gamma`));
    put(`${pt}.attn_layer_norm.bias`, from.get(`${tf}/${first}/beta`));
  }
  for (let t = 0; t < (kind === "se_atten" ? 1 : 2); t++)
    for (let l = 0; l < 4; l++) {
      const type = kind === "se_atten" ? "" : `_type_${t}`;
      const scope = l === 3 ? `final_layer${type}` : `layer_${l}${type}`;
      for (const part of ["matrix", "bias", "idt"])
        put(`fitting_net.filter_layers.networks.${t}.layers.${l}.${part}`, from.get(`${scope}/${part}`));
    }
  put("fitting_net.bias_atom_e", from.get("fitting_attr/t_bias_atom_e"));
  put("out_bias", from.get("model_attr/model_attr/t_out_bias"));
  put("out_std", from.get("model_attr/model_attr/t_out_std"));
  return out;
}

function potential(name: string, kind: "se_atten" | "se_e2_a"): DeepPot {
  const text = readFileSync(join(frozen, "inputs", `${name}.json`), "utf8");
  const { input } = parseDeepmdInput(text, `${name}.json`, "tf");
  return DeepPot.of(new EnergyModel(input.model, renamed(tensorsOf(name), kind)));
}

beforeAll(openCpu);

describe.skipIf(missing)(
  "TensorFlow's rules against frozen graphs [needs ../shared/data/weights-deepmd]",
  () => {
    it.each([
      ["water-se_e2_a", "se_e2_a", 1e-12],
      ["water-dpa1", "se_atten", 1e-10],
    ] as const)("%s", (name, kind, tolerance) => {
      const pot = potential(name, kind);
      for (const folder of ["wtiny", "wopen", "wtri", "w192"]) {
        const system = readDeepmdSystem(join(frozen, "systems", folder), { typeMap: pot.typeMap });
        const options = { atomic: true, frames: system.frameCount };
        const found = pot.evalSync(system.positions, system.cells, system.types, options);
        const wanted = (file: string): number[] => [
          ...(readNpy(join(frozen, "ref", name, folder, `${file}.npy`)).data as Float64Array),
        ];
        close(found.energy, wanted("energy"), tolerance);
        close(found.force, wanted("force"), tolerance);
        close(found.virial, wanted("virial"), tolerance);
        close(found.atomEnergy!, wanted("atom_energy"), tolerance);
        close(found.atomVirial!, wanted("atom_virial"), tolerance);
        if (existsSync(join(frozen, "ref", name, folder, "descriptor.npy")))
          close(
            pot.evalDescriptorSync(system.positions, system.cells, system.types, {
              frames: system.frameCount,
            }),
            wanted("descriptor"),
            tolerance,
          );
      }
      pot.dispose();
    });
  },
);

describe("which rules a model follows", () => {
  const input = (model: object) =>
    JSON.stringify({
      model: { type_map: ["O", "H"], descriptor: { type: "se_atten", sel: 9 }, fitting_net: {}, ...model },
      learning_rate: { type: "exp", start_lr: 1e-3 },
      loss: {},
      training: { training_data: { systems: ["x"] }, numb_steps: 1 },
    });
  const masked = { descriptor: { type: "se_atten", sel: 9, attn_mask: true } };

  it.each([
    ["nothing asked for", {}, undefined, "pt"],
    ["--tf", {}, "tf", "tf"],
    ["a type_embedding block", { type_embedding: {} }, undefined, "tf"],
    ["attn_mask", masked, undefined, "tf"],
  ] as const)("%s", (_name, model, asked, rules) => {
    const { input: parsed, notes } = parseDeepmdInput(input(model), "input.json", asked);
    expect(parsed.model.rules).toBe(rules);
    expect(notes.join()).toMatch(rules === "tf" ? /follow the rules of .*TensorFlow/ : /^$/);
    expect(parsed.model.type_embedding?.activation_function).toBe(
      rules === "pt" ? undefined : "type_embedding" in model ? "tanh" : "linear",
    );
  });

  it("passes over the keys that TensorFlow passes over, and says so", () => {
    const keys = {
      atom_exclude_types: [1],
      pair_exclude_types: [[0, 1]],
      preset_out_bias: { energy: [1, 2] },
    };
    const { input: parsed, notes } = parseDeepmdInput(input(keys), "i.json", "tf");
    const none = { atom_exclude_types: [], pair_exclude_types: [], preset_out_bias: null };
    expect(parsed.model).toMatchObject(none);
    for (const key of Object.keys(none))
      expect(notes).toContain(
        `model.${key} acts only in DeePMD-kit's PyTorch backend; it has no effect here`,
      );
    expect(parseDeepmdInput(input(keys), "i.json").input.model).toMatchObject(keys);
  });

  it("refuses keys of the other backend", () => {
    expect(() => parseDeepmdInput(input({ type_embedding: {} }), "i.json", "pt")).toThrow(
      /model\.type_embedding: exists only in .*TensorFlow/,
    );
    const fixed = { type: "se_atten", sel: 9, temperature: 2, normalize: false, env_protection: 0.1 };
    expect(() => parseDeepmdInput(input({ descriptor: fixed }), "i.json", "tf")).toThrow(
      /normalize: is always true[^]*temperature: is always 1[^]*env_protection: TensorFlow has none/,
    );
  });
});
