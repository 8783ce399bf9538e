import { AtomgradError } from "../../tensor/error.js";
import { arrayItemBytes, memoryStorage, StridedArray } from "../strided-array.js";
import type { ArrayDType } from "../strided-array.js";
import type { TfType } from "./tf-types.js";
import type { WeightTensor } from "./weights.js";

/** A constant of a TensorFlow graph as the file gives it. */
export interface TfConstant {
  readonly name: string;
  readonly type: TfType;
  readonly shape: readonly number[];
  /** Items, little endian: all of them, or the first ones; then the last one stands for the rest. */
  readonly items: Uint8Array;
}

/** Bytes a constant may grow to when one value stands for many. */
const maxFilledBytes = 1 << 27;

/** A constant as a tensor of a weight file. Its content is checked against its shape here, and made when asked for. */
export function constantTensor({ name, type, shape, items }: TfConstant, file: string): WeightTensor {
  if (type.dtype === null) return { name, shape, dtype: "string", array: null };
  const { dtype } = type;
  const needed = shape.reduce((product, size) => product * size, 1) * arrayItemBytes(dtype);
  const bad = (what: string): AtomgradError =>
    new AtomgradError("FORMAT", `${file}: constant ${JSON.stringify(name.slice(0, 120))} ${what}`);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) throw bad("has an impossible shape");
  if (items.length > needed || items.length % arrayItemBytes(dtype) !== 0) {
    throw bad(`has ${items.length} bytes, its shape [${shape.join(", ")}] of ${dtype} needs ${needed}`);
  }
  if (items.length < needed && needed > maxFilledBytes) {
    throw bad(`of shape [${shape.join(", ")}] has only ${items.length} bytes in the file; it was cut short`);
  }
  const array = {
    bytes: () => filled(items, needed, arrayItemBytes(dtype)),
    float64: () => new StridedArray(dtype, shape, memoryStorage(array.bytes(), file)).float64(),
  };
  return { name, shape, dtype, array };
}

/** The items, the last one repeated; zeros where there is none. */
function filled(items: Uint8Array, needed: number, width: number): Uint8Array {
  if (items.length === needed) return items;
  const out = new Uint8Array(needed);
  out.set(items);
  if (items.length === 0) return out;
  const last = items.subarray(items.length - width);
  for (let at = items.length; at < needed; at += width) out.set(last, at);
  return out;
}

/** Whole numbers as little-endian items of a type. */
export function encodeIntegers(values: readonly bigint[], dtype: ArrayDType): Uint8Array {
  const width = arrayItemBytes(dtype);
  const out = new Uint8Array(values.length * width);
  const view = new DataView(out.buffer);
  values.forEach((value, k) => {
    const at = k * width;
    if (width === 1) view.setUint8(at, Number(value & 0xffn));
    else if (width === 2) view.setUint16(at, Number(value & 0xffffn), true);
    else if (width === 4) view.setUint32(at, Number(value & 0xffffffffn), true);
    else view.setBigUint64(at, BigInt.asUintN(64, value), true);
  });
  return out;
}

/** Real numbers as little-endian float32 or float64 items. */
export function encodeReals(values: readonly number[], bytesPerNumber: 4 | 8): Uint8Array {
  const out = new Uint8Array(values.length * bytesPerNumber);
  const view = new DataView(out.buffer);
  values.forEach((value, k) => {
    if (bytesPerNumber === 4) view.setFloat32(4 * k, value, true);
    else view.setFloat64(8 * k, value, true);
  });
  return out;
}
