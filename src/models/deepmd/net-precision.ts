import { nearestBfloat16, nearestHalf } from "../../data/half.js";
import type { DeviceName } from "../../tensor/backend.js";
import { widestType } from "../../tensor/device.js";
import type { DType } from "../../tensor/dtype.js";
import type { ModelConfig } from "./config/schema-model.js";
import type { Weights } from "./parameters.js";

/** `precision` of a net, as an input says it; `default` is double precision, as in DeePMD-kit. */
export type NetPrecision = "default" | "float64" | "float32" | "float16" | "bfloat16";

/** All of them. */
export const netPrecisions: readonly NetPrecision[] = [
  "default",
  "float16",
  "float32",
  "float64",
  "bfloat16",
];

/** Other names that DeePMD-kit takes for them. */
export const otherNames: Readonly<Record<string, NetPrecision>> = {
  double: "float64",
  single: "float32",
  half: "float16",
};

/**
 * The number type a net computes in; f32 on devices that have no other. Nets of half precision compute in f32: sums of
 * hundreds of products, and distances, do not go into 11 or 8 bits.
 */
export function precisionType(precision: NetPrecision, device: DeviceName): DType {
  return precision === "default" || precision === "float64" ? widestType(device) : "f32";
}

type Rounding = (value: number) => number;
const halfTypes: Readonly<Partial<Record<NetPrecision, Rounding>>> = {
  float16: nearestHalf,
  bfloat16: nearestBfloat16,
};

/** How the weights of a net of this precision are rounded; undefined where the type it computes in holds them. */
export function roundingOf(precision: NetPrecision): Rounding | undefined {
  return halfTypes[precision];
}

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

/** What is told of the half-precision nets of a model: a sentence for each type. */
export function halfPrecisionNotes(
  model: Pick<ModelConfig, "type_embedding"> &
    Readonly<Record<"descriptor" | "fitting_net", { precision: NetPrecision }>>,
): string[] {
  const sections = [model.descriptor, model.fitting_net, model.type_embedding];
  const types = new Set(sections.map((section) => section?.precision ?? "default"));
  return [...types]
    .filter((type) => roundingOf(type) !== undefined)
    .map((type) => `${type} nets: weights are rounded to ${type}, sums are float32`);
}
