import type { ModelConfig } from "./config/schema-model.js";
import { isDouble, isHalf, type NetPrecision } from "./net-precision.js";

/**
 * What is told of the half-precision nets of a model: a sentence for each type. TensorFlow's net of types computes in the descriptor's
 * type, so that beside a descriptor of double precision only its weights are of half.
 */
export function halfPrecisionNotes(
  model: Pick<ModelConfig, "type_embedding"> &
    Readonly<Record<"descriptor" | "fitting_net", { precision: NetPrecision }>>,
): string[] {
  const { descriptor, fitting_net: fitting, type_embedding: types } = model;
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
