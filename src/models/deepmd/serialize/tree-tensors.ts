import { memoryStorage, isArrayDType, StridedArray } from "../../../data/strided-array.js";
import type { WeightTensor } from "../../../data/weights/weights.js";
import { toHalf } from "../../../data/half.js";
import { isArray, isSection } from "./tree.js";
import type { NdArray, Tree } from "./tree.js";

/**
 * The arrays of a backend-neutral model file, named by their paths: keys and list indices joined with a point, the
 * sections `@variables` left out.
 */
export function treeTensors(tree: Tree, file: string): WeightTensor[] {
  const found: WeightTensor[] = [];
  const visit = (value: Tree, path: readonly string[]): void => {
    if (isArray(value)) {
      found.push(tensorOf(path.join("."), value, file));
    } else if (Array.isArray(value)) {
      (value as readonly Tree[]).forEach((item, k) => visit(item, [...path, String(k)]));
    } else if (isSection(value)) {
      for (const [key, item] of Object.entries(value))
        visit(item, key === "@variables" ? path : [...path, key]);
    }
  };
  visit(tree, []);
  return found;
}

function tensorOf(name: string, { dtype, shape, data }: NdArray, file: string): WeightTensor {
  const array = {
    bytes: () => encode(data, dtype),
    float64: () =>
      isArrayDType(dtype)
        ? new StridedArray(dtype, shape, memoryStorage(array.bytes(), file)).float64()
        : data,
  };
  return { name, shape, dtype, array };
}

/** Numbers that were widened to float64, as little-endian items of the type they had in the file. */
function encode(data: Float64Array, dtype: string): Uint8Array {
  const [, kind, bits] = /^(float|int|uint|bool|bfloat)(\d*)$/.exec(dtype) ?? [];
  const width = kind === "bool" ? 1 : Number(bits) / 8;
  const out = new Uint8Array(data.length * width);
  const view = new DataView(out.buffer);
  data.forEach((value, k) => {
    const at = k * width;
    if (dtype === "float64") view.setFloat64(at, value, true);
    else if (dtype === "float32") view.setFloat32(at, value, true);
    else if (dtype === "float16") view.setUint16(at, toHalf(value), true);
    else if (kind === "bfloat") view.setUint16(at, upperHalf(value), true);
    else if (width === 8) view.setBigInt64(at, BigInt.asIntN(64, BigInt(value)), true);
    else if (width === 4) view.setInt32(at, value, true);
    else if (width === 2) view.setInt16(at, value, true);
    else view.setInt8(at, value);
  });
  return out;
}

/** A bfloat16 that was widened is the upper half of its float32. */
function upperHalf(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint16(0);
}
