import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { parseDeepmdInput } from "../../src/models/deepmd/config/deepmd-input.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import { initialWeights } from "../../src/models/deepmd/initial-weights.js";

interface Reference {
  config: { type_map: string[]; descriptor: Record<string, unknown> };
  cell: number[];
  coord: number[];
  atype: number[];
  descriptor: number[];
  se_atten_weights: Record<string, StoredArray>;
  type_embedding_weights: Record<string, StoredArray>;
}
interface StoredArray {
  shape: number[];
  data: number[] | number[][];
}

const path = resolve(import.meta.dirname, "../../../shared/data/weights-deepmd/dpa1_reference.json");
const hasReference = existsSync(path);

/** A potential with the reference's descriptor; its fitting net is of no matter here. */
function potentialOf(reference: Reference): DeepPot {
  const { type_map: typeMap, descriptor } = reference.config;
  const input = {
    model: {
      type_map: typeMap,
      descriptor: {
        ...descriptor,
        tebd_dim: 8,
        use_tebd_bias: true,
        smooth_type_embedding: true,
        concat_output_tebd: false,
      },
      fitting_net: { neuron: [4] },
    },
    learning_rate: { start_lr: 1e-3 },
    training: { training_data: { systems: ["none"] }, numb_steps: 1 },
  };
  const config = parseDeepmdInput(JSON.stringify(input), "reference.json").input.model;
  const weights = initialWeights(
    config,
    {
      environment: { mean: new Float64Array(8), stddev: new Float64Array(8).fill(1) },
      energy: { bias: new Float64Array(2), deviation: new Float64Array(2).fill(1) },
      parameters: {
        fparam: { mean: new Float64Array(0), scale: new Float64Array(0) },
        aparam: { mean: new Float64Array(0), scale: new Float64Array(0) },
      },
    },
    1,
  );
  const put = (name: string, { data }: StoredArray): void => {
    const own = weights.get(name);
    if (own === undefined) throw new Error(`the descriptor has no ${name}`);
    const values = Float64Array.from(data.flat(3));
    if (values.length !== own.data.length)
      // davg and dstd are stored for each of the sel equal slots.
      expect(values.length % own.data.length).toBe(0);
    weights.set(name, { shape: own.shape, data: firstSlots(values, own.shape) });
  };
  for (const [name, stored] of Object.entries(reference.se_atten_weights))
    if (!name.startsWith("filter_layers._networks")) put(`descriptor.se_atten.${name}`, stored);
  for (const [name, stored] of Object.entries(reference.type_embedding_weights))
    put(`descriptor.type_embedding.${name}`, stored);
  return DeepPot.of(new EnergyModel(config, weights));
}

/** Of [types, slots, 4] the first slot of each type; other arrays as they are. */
function firstSlots(values: Float64Array, shape: readonly number[]): Float64Array {
  const wanted = shape.reduce((a, b) => a * b, 1);
  if (values.length === wanted) return values;
  const [types, width] = shape;
  const perType = values.length / types;
  return Float64Array.from(
    { length: wanted },
    (_, k) => values[Math.floor(k / width) * perType + (k % width)],
  );
}

describe("the DPA-1 descriptor", () => {
  it.skipIf(!hasReference)(
    "is that of DeePMD-kit's own test to 1e-10 (needs ../shared/data/weights-deepmd)",
    () => {
      openCpu();
      const reference = JSON.parse(readFileSync(path, "utf8")) as Reference;
      const pot = potentialOf(reference);
      const found = pot.evalDescriptorSync(reference.coord, reference.cell, reference.atype);
      const wanted = reference.descriptor.flat(2);
      expect(found.length).toBe(5 * 32);
      expect(wanted.length).toBe(5 * 32);
      const difference = wanted.reduce((most, x, k) => Math.max(most, Math.abs(x - found[k])), 0);
      expect(difference).toBeLessThan(1e-10);
      pot.dispose();
    },
  );
});
