import { unfilledBuffer } from "../backends/cpu/host-memory.js";
import { AtomgradError } from "../tensor/error.js";
import { npyItemBytes, partsOf } from "./npy-header.js";
import type { NpyDType, NpyHeader } from "./npy-header.js";

/** The typed array that holds the numbers: f2 is widened to Float32Array, 64-bit integers are bigint arrays, complex numbers stand as pairs. */
export type NpyData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** Kinds of typed arrays by number type. */
export const arrays = {
  f2: Float32Array,
  f4: Float32Array,
  f8: Float64Array,
  c8: Float32Array,
  c16: Float64Array,
  i1: Int8Array,
  i2: Int16Array,
  i4: Int32Array,
  i8: BigInt64Array,
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
  u8: BigUint64Array,
  bool: Uint8Array,
} as const;

/** An array for the numbers of a file, not yet filled. Errors: VALUE where it is larger than memory or arrays can be. */
export function newArray({ dtype, count }: Pick<NpyHeader, "dtype" | "count">, name: string): NpyData {
  const kind = arrays[dtype];
  const bytes = count * partsOf(dtype) * kind.BYTES_PER_ELEMENT;
  return within(count, dtype, name, () => new kind(unfilledBuffer(bytes)));
}

/** All of a buffer as numbers of a type that the machine knows. Errors: VALUE where it is larger than arrays can be. */
export function arrayOverBuffer(buffer: ArrayBuffer, dtype: Exclude<NpyDType, "f2">, name: string): NpyData {
  return within(buffer.byteLength / npyItemBytes[dtype], dtype, name, () => new arrays[dtype](buffer));
}

function within(count: number, dtype: NpyDType, name: string, make: () => NpyData): NpyData {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new AtomgradError(
      "VALUE",
      `${name}: ${count} numbers of ${dtype} are more than this machine's memory or one array holds; read some of its rows`,
      { cause: error },
    );
  }
}
