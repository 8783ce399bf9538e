import { nearestBfloat16, nearestHalf } from "../../../data/half.js";

/** An array of a model file: numbers widened to float64, with the type they have in the file. C order. */
export interface NdArray {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** What a backend-neutral model file of DeePMD-kit holds (deepmd.md 4.2): sections, lists, plain values and arrays. */
export type Tree = null | boolean | number | string | NdArray | readonly Tree[] | TreeSection;
export interface TreeSection {
  readonly [key: string]: Tree;
}

/** Number types an array may have. */
export const arrayTypes: ReadonlySet<string> = new Set([
  ...["float64", "float32", "float16", "bfloat16", "bool"],
  ...["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"],
]);

export function isArray(value: Tree | undefined): value is NdArray {
  return typeof value === "object" && value !== null && (value as NdArray).data instanceof Float64Array;
}

export function isSection(value: Tree | undefined): value is TreeSection {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isArray(value);
}

const roundings: Readonly<Record<string, (value: number) => number>> = {
  float32: Math.fround,
  float16: nearestHalf,
  bfloat16: nearestBfloat16,
};

/** A new array; numbers are rounded to what its type can hold. */
export function ndArray(shape: readonly number[], data: ArrayLike<number>, dtype = "float64"): NdArray {
  const rounding = Object.hasOwn(roundings, dtype) ? roundings[dtype] : undefined;
  return { dtype, shape, data: Float64Array.from(data, rounding ?? Number) };
}

/** Number of entries of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
