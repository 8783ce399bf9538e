import type { ModelConfig } from "../../src/models/deepmd/config/deepmd-input.js";
import { parseDeepmdInput } from "../../src/models/deepmd/config/deepmd-input.js";
import { initialWeights } from "../../src/models/deepmd/initial-weights.js";
import type { Weights } from "../../src/models/deepmd/parameters.js";

/** The geometry of the formula fixtures (spec deepmd 6): 6 atoms, types O H H O H H, 13 A cube. */
export const coords = Float64Array.of(
  ...[12.83, 2.56, 2.18, 12.09, 2.87, 2.74, 0.25, 3.32, 1.68],
  ...[3.36, 3.0, 1.81, 3.51, 2.51, 2.6, 4.27, 3.22, 1.56],
);
export const types = Int32Array.of(0, 1, 1, 0, 1, 1);
export const box = Float64Array.of(13, 0, 0, 0, 13, 0, 0, 0, 13);

const bases = {
  se_e2_a: { rcut: 4, rcut_smth: 0.5, sel: [5, 8], neuron: [4, 8], axis_neuron: 3 },
  se_atten: {
    rcut: 4,
    rcut_smth: 0.5,
    sel: 12,
    neuron: [4, 8],
    axis_neuron: 3,
    tebd_dim: 4,
    attn: 5,
    attn_layer: 2,
    ln_eps: 1e-5,
    smooth_type_embedding: true,
  },
} as const;

/** A model of spec deepmd 6.6: every tensor is filled by a formula in its running number. */
export function formulaModel(
  descriptor: Record<string, unknown>,
  davg: boolean,
  type: "se_atten" | "se_e2_a" = "se_atten",
  fitting: Record<string, unknown> = { neuron: [6, 6], resnet_dt: true },
): { config: ModelConfig; weights: Weights } {
  const { input } = parseDeepmdInput(
    JSON.stringify({
      model: {
        type_map: ["O", "H"],
        descriptor: { type, ...bases[type], ...descriptor },
        fitting_net: fitting,
      },
      learning_rate: { type: "exp", start_lr: 1e-3, stop_lr: 1e-8 },
      loss: { type: "ener" },
      training: { training_data: { systems: ["x"] }, numb_steps: 1 },
    }),
    "formula.json",
  );
  const statistics = { mean: new Float64Array(8), stddev: new Float64Array(8) };
  for (let t = 0; t < 2; t++) {
    if (davg) statistics.mean[4 * t] = 0.1 + 0.02 * t;
    statistics.stddev.set([0.2 + 0.05 * t, ...new Array<number>(3).fill(0.12 + 0.03 * t)], 4 * t);
  }
  const none = { mean: new Float64Array(0), scale: new Float64Array(0) };
  const data = {
    environment: statistics,
    energy: { bias: new Float64Array(2), deviation: new Float64Array(2).fill(1) },
    parameters: { fparam: none, aparam: none },
  };
  const weights = initialWeights(input.model, data, 1);
  let number = 0;
  for (const [name, { data }] of weights) {
    const kind = kindOf(name);
    if (kind === undefined) continue;
    for (let k = 0; k < data.length; k++) data[k] = kind(Math.sin(1 + 0.7 * k + 1.3 * number));
    number++;
  }
  weights.get("fitting_net.bias_atom_e")!.data.set([-1, -0.5]);
  return { config: input.model, weights };
}

/** What the formula makes of a sine, by the kind of tensor; undefined for statistics and biases of energy. */
function kindOf(name: string): ((z: number) => number) | undefined {
  if (/(se_atten|sea)\.(mean|stddev)$|bias_atom_e|^out_/.test(name)) return undefined;
  if (name.endsWith("attn_layer_norm.matrix")) return (z) => 1 + 0.1 * z;
  if (name.endsWith("attn_layer_norm.bias")) return (z) => 0.1 * z;
  if (name.endsWith(".idt")) return (z) => 0.1 + 0.05 * z;
  return name.endsWith(".bias") ? (z) => 0.2 * z : (z) => 0.5 * z;
}
