import type { ModelConfig } from "./config/schema-model.js";
import { isDouble, type NetPrecision, roundingOf } from "./net-precision.js";
import type { Weights } from "./parameters.js";

/** The precision of the net that a weight belongs to; undefined for energies of atoms, which are never rounded. */
export function precisionOf(config: ModelConfig, name: string): NetPrecision | undefined {
  if (name.startsWith("descriptor.type_embedding.") && config.type_embedding !== null)
    return config.type_embedding.precision;
  if (name.startsWith("descriptor.")) return config.descriptor.precision;
  const isBias = name === "fitting_net.bias_atom_e" || !name.startsWith("fitting_net.");
  return isBias ? undefined : config.fitting_net.precision;
}

/** The weights as their nets hold them: those of half precision, and the statistics beside them, rounded to their type. */
export function asHeld(weights: Weights, config: ModelConfig): Weights {
  const held: Weights = new Map(weights);
  for (const [name, { shape, data }] of weights) {
    const rounding = roundingOf(precisionOf(config, name) ?? "default");
    if (rounding !== undefined) held.set(name, { shape, data: data.map(rounding) });
  }
  return held;
}

/**
 * What is told of the half-precision nets of a model: a sentence for each type. TensorFlow's net of types computes in the descriptor's
 * type, so that beside a descriptor of double precision only its weights are of half.
 */
export function halfPrecisionNotes(
  model: Pick<ModelConfig, "type_embedding"> &
    Readonly<Record<"descriptor" | "fitting_net", { precision: NetPrecision }>>,
): string[] {
  const { descriptor, fitting_net: fitting, type_embedding: types } = model;
  const isHalf = (precision: NetPrecision): boolean => roundingOf(precision) !== undefined;
  const alone = types !== null && isHalf(types.precision) && isDouble(descriptor.precision);
  const sections = [descriptor, fitting, ...(types === null || alone ? [] : [types])];
  const precisions = [...new Set(sections.map(({ precision }) => precision))].filter(isHalf);
  return [
    ...precisions.map((type) => `${type} nets: weights are rounded to ${type}, sums are float32`),
    ...(alone
      ? [`${types.precision} net of types: weights are rounded to ${types.precision}, sums are float64`]
      : []),
  ];
}
