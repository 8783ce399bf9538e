import { AtomgradError } from "../tensor/error.js";
import { hostIsLittleEndian, swapBytes } from "./byte-order.js";
import { fromBfloat16, fromHalf } from "./half.js";
import type { NpyData } from "./npy-arrays.js";
import { memorySource } from "./read-file.js";
import type { ByteSource } from "./read-file.js";

/** Number types of arrays in foreign files, named as NumPy and PyTorch do, with [bytes per item, bytes that swap together]. */
const widths = {
  bool: [1, 1],
  uint8: [1, 1],
  int8: [1, 1],
  int16: [2, 2],
  uint16: [2, 2],
  int32: [4, 4],
  uint32: [4, 4],
  int64: [8, 8],
  uint64: [8, 8],
  float16: [2, 2],
  bfloat16: [2, 2],
  float32: [4, 4],
  float64: [8, 8],
  complex64: [8, 4],
  complex128: [16, 8],
  float8_e4m3fn: [1, 1],
  float8_e4m3fnuz: [1, 1],
  float8_e5m2: [1, 1],
  float8_e5m2fnuz: [1, 1],
  float8_e8m0fnu: [1, 1],
} as const satisfies Record<string, readonly [number, number]>;

export type ArrayDType = keyof typeof widths;

/** Whether `name` is a number type an array can have. */
export function isArrayDType(name: string): name is ArrayDType {
  return Object.hasOwn(widths, name);
}

/** Bytes of one item. */
export function arrayItemBytes(dtype: ArrayDType): number {
  return widths[dtype][0];
}

/** Where the items of an array lie. Several arrays may share one storage. */
export interface ArrayStorage {
  /** Null until the file's reader has found the storage. */
  source: ByteSource | null;
  /** First byte in the source. */
  position: number;
  /** Length in bytes. */
  readonly byteLength: number;
}

/** Items beyond those a storage holds that an array with repeated items (stride 0) may have. */
const maxRepeatedItems = 1 << 24;

const typed = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

/** An array of numbers in a foreign file: a view of a storage, read when its items are asked for. */
export class StridedArray {
  /**
   * @param strides steps between neighbours along each axis, in items
   * @param offset first item of the view
   * @throws AtomgradError FORMAT when the view reaches outside its storage
   */
  constructor(
    readonly dtype: ArrayDType,
    readonly shape: readonly number[],
    readonly storage: ArrayStorage,
    readonly strides: readonly number[] = rowMajorStrides(shape),
    readonly offset = 0,
    readonly littleEndian = true,
    /** Names the file in messages. */
    private readonly name = "array",
  ) {
    const bad = (what: string): AtomgradError =>
      new AtomgradError("FORMAT", `${name}: an array of shape [${shape.join(", ").slice(0, 100)}] ${what}`);
    if (shape.length !== strides.length || shape.length > 64) throw bad("has impossible strides");
    if (![...shape, ...strides, offset].every((size) => Number.isSafeInteger(size) && size >= 0)) {
      throw bad("has impossible sizes, strides or offset");
    }
    const held = Math.floor(storage.byteLength / arrayItemBytes(dtype));
    if (this.count === 0) return;
    const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], offset);
    if (last >= held) throw bad(`needs ${last + 1} items of a storage that has ${held}; the file is damaged`);
    if (this.count > held + maxRepeatedItems) throw bad(`repeats the ${held} items of its storage too often`);
  }

  /** Number of items. */
  get count(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  /** The items in C order, little endian, freshly read. */
  bytes(): Uint8Array<ArrayBuffer> {
    const width = arrayItemBytes(this.dtype);
    const { count, storage } = this;
    const out = new Uint8Array(count * width);
    if (count === 0) return out;
    if (storage.source === null) {
      throw new AtomgradError("FORMAT", `${this.name}: the data of an array are missing from the file`);
    }
    if (this.isContiguous()) {
      storage.source.read(out, storage.position + this.offset * width);
    } else {
      this.gather(out, width, storage.source, storage.position);
    }
    if (!this.littleEndian) swapBytes(out, widths[this.dtype][1]);
    return out;
  }

  /** The items as numbers; float16 and bfloat16 are widened to float32, complex numbers stand as pairs. */
  numbers(): NpyData {
    const bytes = this.bytes();
    if (!hostIsLittleEndian) swapBytes(bytes, widths[this.dtype][1]);
    switch (this.dtype) {
      case "float16":
        return Float32Array.from(new Uint16Array(bytes.buffer), fromHalf);
      case "bfloat16":
        return Float32Array.from(new Uint16Array(bytes.buffer), fromBfloat16);
      case "complex64":
        return new Float32Array(bytes.buffer);
      case "complex128":
        return new Float64Array(bytes.buffer);
      default:
        if (this.dtype.startsWith("float8")) {
          throw new AtomgradError(
            "DTYPE",
            `${this.name}: ${this.dtype} cannot be read as numbers; convert it to float32`,
          );
        }
        return new typed[this.dtype as keyof typeof typed](bytes.buffer);
    }
  }

  /** The items as float64; 64-bit integers are rounded to what float64 can hold. */
  float64(): Float64Array {
    const numbers = this.numbers();
    if (numbers instanceof Float64Array) return numbers;
    if (numbers instanceof BigInt64Array) return fromWords(numbers, new Int32Array(numbers.buffer));
    if (numbers instanceof BigUint64Array) return fromWords(numbers, new Uint32Array(numbers.buffer));
    return new Float64Array(numbers);
  }

  private isContiguous(): boolean {
    const expected = rowMajorStrides(this.shape);
    return this.shape.every((size, axis) => size === 1 || this.strides[axis] === expected[axis]);
  }

  private gather(out: Uint8Array, width: number, source: ByteSource, start: number): void {
    const { shape, strides } = this;
    const first = this.offset;
    const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], first);
    const window = new Uint8Array((last - first + 1) * width);
    source.read(window, start + first * width);
    const index = new Array<number>(shape.length).fill(0);
    let from = 0;
    for (let to = 0; to < out.length; to += width) {
      for (let k = 0; k < width; k++) out[to + k] = window[from * width + k];
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        from += strides[axis];
        if (++index[axis] < shape[axis]) break;
        from -= strides[axis] * shape[axis];
        index[axis] = 0;
      }
    }
  }
}

/** 64-bit integers as float64, rounded as Number rounds them, without a BigInt for each. */
function fromWords(numbers: BigInt64Array | BigUint64Array, halves: Int32Array | Uint32Array): Float64Array {
  const [low, high] = hostIsLittleEndian ? [0, 1] : [1, 0];
  const out = new Float64Array(numbers.length);
  for (let k = 0; k < out.length; k++)
    out[k] = halves[2 * k + high] * 4294967296 + (halves[2 * k + low] >>> 0);
  return out;
}

/** Strides of a C-order array, in items. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = strides[axis + 1] * Math.max(1, shape[axis + 1]);
  }
  return strides;
}

/** Strides of a Fortran-order array, in items. */
export function columnMajorStrides(shape: readonly number[]): number[] {
  return rowMajorStrides([...shape].reverse()).reverse();
}

/** Bytes in memory as a storage. */
export function memoryStorage(bytes: Uint8Array, name: string): ArrayStorage {
  return { source: memorySource(bytes, name), position: 0, byteLength: bytes.length };
}
