import type { ModelConfig } from "./config/schema-model.js";
import { type NetPrecision, roundingOf } from "./net-precision.js";
import type { Weights } from "./parameters.js";

/** Statistics of environments and of fparam and aparam. */
const isStatistic = (name: string): boolean => /\.(mean|stddev|[fa]param_(avg|inv_std))$/.test(name);

/**
 * The precision of the net that a weight belongs to; undefined for what is of double precision beside every net: energies of
 * atoms, and statistics by TensorFlow's rules.
 */
export function precisionOf(config: ModelConfig, name: string): NetPrecision | undefined {
  if (config.rules === "tf" && isStatistic(name)) return undefined;
  if (name.startsWith("descriptor.type_embedding.") && config.type_embedding !== null)
    return config.type_embedding.precision;
  if (name.startsWith("descriptor.")) return config.descriptor.precision;
  const isBias = name === "fitting_net.bias_atom_e" || !name.startsWith("fitting_net.");
  return isBias ? undefined : config.fitting_net.precision;
}

/** The weights as their nets hold them: rounded to the type of the net, with the statistics beside them. */
export function asHeld(weights: Weights, config: ModelConfig): Weights {
  const held: Weights = new Map(weights);
  for (const [name, { shape, data }] of weights) {
    const rounding = roundingOf(precisionOf(config, name) ?? "default");
    if (rounding !== undefined) held.set(name, { shape, data: data.map(rounding) });
  }
  return held;
}
