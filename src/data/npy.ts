import { basename } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { writeFileAtomicSync } from "./atomic-write.js";
import { hostIsLittleEndian, swapBytes } from "./byte-order.js";
import { fromHalf, toHalf } from "./half.js";
import { arrayOverBuffer, arrays, newArray } from "./npy-arrays.js";
import type { NpyData } from "./npy-arrays.js";
import { isComplex, npyItemBytes, parseNpyHeader, partsOf, refuseComplex } from "./npy-header.js";
import type { NpyDType, NpyHeader } from "./npy-header.js";
import { memorySource, withFile } from "./read-file.js";
import type { ByteSource } from "./read-file.js";

/**
 * An array of an npy file in C order; `dtype` is the type in the file. A 0-d array has shape [] and one number. Complex
 * numbers ("c8", "c16") stand as pairs in a Float32Array or Float64Array, the real part first: `data` is twice as long as
 * `shape` says.
 */
export interface NpyArray {
  readonly dtype: NpyDType;
  readonly shape: readonly number[];
  readonly data: NpyData;
}

const chunkItems = 1 << 17;

/** Reads only the header of an npy file, checked against the file's length. */
export function readNpyHeader(path: string, label = basename(path)): NpyHeader {
  return withFile(path, parseNpyHeader, label);
}

export interface ReadNpyOptions {
  /**
   * "c", as in `numpy.load(path, mmap_mode="c")`: the file becomes the array's memory and is read where it is touched, page
   * by page; writing to the array changes the memory alone, never the file. The numbers must lie in the file as they lie in
   * memory (this machine's byte order, C order, no float16). The file must not become shorter as long as the array lives:
   * the system would end the process. A mapped array is copied when it is sent to a worker.
   */
  readonly mmapMode?: "c";
}

/**
 * Reads an npy file: format versions 1 to 3, every numeric dtype, both byte orders, C and Fortran order.
 *
 * @throws AtomgradError FILE, FORMAT (damaged, cut short), DTYPE (objects, text; with `mmapMode` what cannot be mapped) or VALUE (larger than memory)
 */
export function readNpy(path: string, { mmapMode }: ReadNpyOptions = {}): NpyArray {
  if (mmapMode === undefined) return withFile(path, decodeNpy);
  if (mmapMode === "c") return withFile(path, mapNpy);
  const asked = JSON.stringify(mmapMode);
  throw new AtomgradError("VALUE", `${basename(path)}: mmapMode ${asked}; "c" (copy on write) is there`);
}

/** Decodes an npy file held in memory; `name` is for messages. */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  return decodeNpy(memorySource(bytes, name));
}

/** Reads an npy file of floating-point numbers as float64 (float32 and float16 are widened exactly). */
export function readNpyFloat64(path: string): { shape: readonly number[]; data: Float64Array } {
  const { shape, count } = readNpyHeader(path);
  const data = newArray({ dtype: "f8", count }, basename(path)) as Float64Array;
  readNpyFloat64Into(data, path);
  return { shape, data };
}

/** As `readNpyFloat64`, into memory of the right length that the caller owns. */
export function readNpyFloat64Into(target: Float64Array, path: string, label = basename(path)): void {
  const use = (source: ByteSource): void => {
    const header = parseNpyHeader(source);
    refuseComplex(header.dtype, label);
    if (header.dtype[0] !== "f") {
      throw new AtomgradError(
        "DTYPE",
        `${label}: holds ${header.dtype}; float32 or float64 is needed; convert it with astype`,
      );
    }
    if (header.count !== target.length) {
      throw new AtomgradError(
        "SHAPE",
        `${label}: holds ${header.count} numbers, ${target.length} are needed`,
      );
    }
    decodeInto(target, source, header);
    if (header.fortranOrder) target.set(toRowMajor(target, header));
  };
  withFile(path, use, label);
}

/** Reads an npy file of whole numbers as int32; a number outside that range is an error. */
export function readNpyInt32(
  path: string,
  label = basename(path),
): { shape: readonly number[]; data: Int32Array } {
  const { dtype, shape, data } = withFile(path, decodeNpy, label);
  refuseComplex(dtype, label);
  if (dtype[0] === "f" || dtype === "bool") {
    throw new AtomgradError(
      "DTYPE",
      `${label}: holds ${dtype}; integers are needed; convert it with astype(numpy.int32)`,
    );
  }
  const out = new Int32Array(data.length);
  for (let k = 0; k < data.length; k++) {
    const value = Number(data[k]);
    out[k] = value;
    if (out[k] !== value) {
      throw new AtomgradError(
        "VALUE",
        `${label}: entry ${k} is ${value}, outside the range of int32; correct it`,
      );
    }
  }
  return { shape, data: out };
}

/** The bytes of an npy file in C order, in pieces (header, numbers) that can be written without a copy. */
export function encodeNpy(array: {
  shape: readonly number[];
  data: NpyData;
  dtype?: NpyDType;
}): Uint8Array[] {
  const { shape, data } = array;
  const dtype = array.dtype ?? dtypeOf(data);
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (count * partsOf(dtype) !== data.length || !(data instanceof arrays[dtype])) {
    throw new AtomgradError(
      "SHAPE",
      `npy: ${data.length} numbers do not fill shape (${shape.join(", ")}) of ${dtype}${isComplex(dtype) ? ", two for each" : ""}`,
    );
  }
  const order = npyItemBytes[dtype] === 1 ? "|" : hostIsLittleEndian ? "<" : ">";
  const descr = order + (dtype === "bool" ? "b1" : dtype);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  return [
    encodeHeader(text),
    rawBytes(dtype === "f2" ? Uint16Array.from(data as Float32Array, toHalf) : data),
  ];
}

/** The bytes of an npy file of texts, as `numpy.array(texts, dtype="S")`: UTF-8, padded with zeros. */
export function encodeNpyTexts(texts: readonly string[]): Uint8Array[] {
  const encoded = texts.map((text) => new TextEncoder().encode(text));
  const width = Math.max(1, ...encoded.map(({ length }) => length));
  const items = new Uint8Array(width * texts.length);
  encoded.forEach((bytes, k) => items.set(bytes, k * width));
  return [
    encodeHeader(`{'descr': '|S${width}', 'fortran_order': False, 'shape': (${texts.length},), }`),
    items,
  ];
}

/** Writes an array as an npy file, atomically; the dtype follows the typed array unless given. Complex numbers need "c8" or "c16". */
export function writeNpySync(
  path: string,
  array: { shape: readonly number[]; data: NpyData; dtype?: NpyDType },
): void {
  writeFileAtomicSync(path, encodeNpy(array));
}

const pieces = 16;

/** About `most` numbers of an npy file in file order, from places spread over it; all of them where there are no more. */
export function npyPieces(source: ByteSource, header: NpyHeader, most: number): NpyData[] {
  const { dtype, count, offset } = header;
  const places = count <= most ? 1 : pieces;
  const length = count <= most ? count : Math.floor(most / pieces);
  return Array.from({ length: places }, (_, k) => {
    const first = Math.floor((k * count) / places);
    const piece = { ...header, count: length, offset: offset + first * npyItemBytes[dtype] };
    const data = newArray(piece, source.name);
    decodeInto(data, source, piece);
    return data;
  });
}

/** All of an npy file, as `readNpy`. */
export function decodeNpy(source: ByteSource): NpyArray {
  const header = parseNpyHeader(source);
  const data = newArray(header, source.name);
  decodeInto(data, source, header);
  const ordered = header.fortranOrder ? toRowMajor(data, header) : data;
  return { dtype: header.dtype, shape: header.shape, data: ordered };
}

/** The numbers as they lie in the file. */
function mapNpy(source: ByteSource): NpyArray {
  const header = parseNpyHeader(source);
  const { dtype, shape, count, offset } = header;
  const obstacle = source.map === undefined ? "it is packed" : obstacleToMapping(header);
  if (dtype === "f2" || obstacle !== null)
    throw new AtomgradError(
      "DTYPE",
      `${source.name}: cannot be mapped: ${obstacle}; read it without mmapMode, or save it as memory holds it (C order)`,
    );
  if (count === 0) return { dtype, shape, data: newArray(header, source.name) };
  const buffer = source.map!(offset, count * npyItemBytes[dtype]);
  return { dtype, shape, data: arrayOverBuffer(buffer, dtype, source.name) };
}

/** Why the numbers do not lie in the file as an array holds them; null where they do. */
function obstacleToMapping({ dtype, shape, littleEndian, fortranOrder, offset }: NpyHeader): string | null {
  const itemBytes = npyItemBytes[dtype] / partsOf(dtype);
  if (dtype === "f2") return "there is no array of float16";
  if (itemBytes > 1 && littleEndian !== hostIsLittleEndian) return "its byte order is not this machine's";
  if (fortranOrder && shape.filter((extent) => extent > 1).length > 1) return "it is in Fortran order";
  return offset % itemBytes === 0 ? null : `its numbers begin at byte ${offset}, no multiple of ${itemBytes}`;
}

/** Reads numbers in file order. Where the target's type is the file's they go straight into its memory. */
export function decodeInto(target: NpyData, source: ByteSource, header: NpyHeader): void {
  const { dtype, offset } = header;
  const parts = partsOf(dtype);
  const count = header.count * parts;
  const itemBytes = npyItemBytes[dtype] / parts;
  const swap = itemBytes > 1 && header.littleEndian !== hostIsLittleEndian;
  const direct = dtype !== "f2" && target instanceof arrays[dtype];
  const step = direct && !swap ? count : Math.min(count, chunkItems);
  const scratch = direct ? null : new Uint8Array(step * itemBytes);
  for (let done = 0; done < count; done += step) {
    const items = Math.min(step, count - done);
    const bytes =
      scratch === null
        ? new Uint8Array(target.buffer, target.byteOffset + done * itemBytes, items * itemBytes)
        : scratch.subarray(0, items * itemBytes);
    source.read(bytes, offset + done * itemBytes);
    if (swap) swapBytes(bytes, itemBytes);
    if (scratch !== null) widen(target as Float32Array | Float64Array, done, scratch.buffer, items, dtype);
  }
}

function widen(
  target: Float32Array | Float64Array,
  at: number,
  buffer: ArrayBuffer,
  items: number,
  dtype: NpyDType,
): void {
  if (dtype === "f2") {
    const halves = new Uint16Array(buffer, 0, items);
    for (let k = 0; k < items; k++) target[at + k] = fromHalf(halves[k]);
  } else {
    target.set(new Float32Array(buffer, 0, items), at);
  }
}

/** Fortran order (first index fastest) to C order (last index fastest); the parts of a complex number stay together. */
function toRowMajor<T extends NpyData>(data: T, header: Pick<NpyHeader, "dtype" | "shape">): T {
  const out = data.slice() as T;
  const parts = partsOf(header.dtype);
  const shape = [...header.shape, parts];
  const rank = shape.length;
  const strides = header.shape.map((_, axis) =>
    shape.slice(0, axis).reduce((product, extent) => product * extent, parts),
  );
  strides.push(1);
  const index = new Array<number>(rank).fill(0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    out[to] = data[from];
    for (let axis = rank - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}

function encodeHeader(text: string): Uint8Array {
  const version = text.length > 60000 ? 2 : 1;
  const prefix = version === 1 ? 10 : 12;
  const total = Math.ceil((prefix + text.length + 1) / 64) * 64;
  const bytes = new Uint8Array(total).fill(0x20);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, total - prefix, true);
  else view.setUint32(8, total - prefix, true);
  bytes.set(new TextEncoder().encode(text), prefix);
  bytes[total - 1] = 0x0a;
  return bytes;
}

function rawBytes(data: NpyData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function dtypeOf(data: NpyData): NpyDType {
  const found = (Object.keys(arrays) as NpyDType[]).find(
    (dtype) => dtype !== "f2" && !isComplex(dtype) && data instanceof arrays[dtype],
  );
  if (found === undefined) throw new AtomgradError("DTYPE", "npy: a typed array of numbers is needed");
  return found;
}
