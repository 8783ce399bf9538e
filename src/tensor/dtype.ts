import { AtomgradError } from "./error.js";

/** Number types. `bool` and `u8` hold data at the edges (masks of files, types); kernels compute in f32, f64 and i32. */
export type DType = "f32" | "f64" | "i32" | "u8" | "bool";

/** The typed array that holds a number type on the host (`bool`: one byte, 0 or 1). */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Position of a number type in a kernel's list of bodies; also its code in the command block. */
export const typeCode = { f32: 0, f64: 1, i32: 2, u8: 3, bool: 3 } as const satisfies Record<DType, number>;

const constructors = {
  f32: Float32Array,
  f64: Float64Array,
  i32: Int32Array,
  u8: Uint8Array,
  bool: Uint8Array,
} as const;

const bytes = { f32: 4, f64: 8, i32: 4, u8: 1, bool: 1 } as const;

/** Bytes of one element on the host and on the CPU. */
export function itemBytes(dtype: DType): number {
  return bytes[dtype];
}

/** A new zero-filled host array of `size` elements. */
export function hostArray(dtype: DType, size: number): TypedArray {
  return new constructors[dtype](size);
}

/** All of a buffer as elements of a type. */
export function arrayOver(dtype: DType, buffer: ArrayBuffer): TypedArray {
  return new constructors[dtype](buffer);
}

/** The number type a typed array stands for; plain number arrays are f32 unless said. */
export function dtypeOf(data: ArrayLike<number>): DType {
  if (data instanceof Float32Array) return "f32";
  if (data instanceof Float64Array) return "f64";
  if (data instanceof Int32Array) return "i32";
  if (data instanceof Uint8Array) return "u8";
  if (Array.isArray(data)) return "f32";
  throw new AtomgradError(
    "DTYPE",
    "tensor data must be a number array, Float32Array, Float64Array, Int32Array or Uint8Array",
  );
}

/** Whether gradients make sense for this type. */
export function isFloat(dtype: DType): boolean {
  return dtype === "f32" || dtype === "f64";
}
