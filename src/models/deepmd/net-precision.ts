import { nearestBfloat16, nearestHalf } from "../../data/half.js";
import type { DeviceName } from "../../tensor/backend.js";
import { widestType } from "../../tensor/device.js";
import type { DType } from "../../tensor/dtype.js";

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

/** Whether a net is of double precision. */
export function isDouble(precision: NetPrecision): boolean {
  return precision === "default" || precision === "float64";
}

/** Whether the weights of a net are of half precision, narrower than what it computes in. */
export function isHalf(precision: NetPrecision): boolean {
  return precision === "float16" || precision === "bfloat16";
}

/**
 * The number type a net computes in; f32 on devices that have no other. Nets of half precision compute in f32: sums of
 * hundreds of products, and distances, do not go into 11 or 8 bits.
 */
export function precisionType(precision: NetPrecision, device: DeviceName): DType {
  return isDouble(precision) ? widestType(device) : "f32";
}

type Rounding = (value: number) => number;
const roundings: Readonly<Partial<Record<NetPrecision, Rounding>>> = {
  float32: Math.fround,
  float16: nearestHalf,
  bfloat16: nearestBfloat16,
};

/** How the weights of a net of this precision are rounded; undefined for nets of double precision. */
export function roundingOf(precision: NetPrecision): Rounding | undefined {
  return roundings[precision];
}
