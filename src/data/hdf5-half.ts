import { toHalf } from "./half.js";

/**
 * Half precision in files that the HDF5 library writes, which knows float32 and float64 alone: an array is written as float32
 * with a mark for its first number, then its header in the file is changed to say IEEE half precision, little endian, and its
 * bytes are put in. Format: "HDF5 File Format Specification 3.0", IV.A.1.b (version 2 object headers).
 */
export class HalfArrays {
  private readonly arrays: (readonly number[] | Float64Array)[] = [];

  /** What is written in place of an array. */
  marked(data: Float64Array): Float32Array {
    const stand = new Float32Array(data.length);
    if (data.length > 0) new Uint32Array(stand.buffer)[0] = firstMark + this.arrays.push(data) - 1;
    return stand;
  }

  /** Changes the bytes of the file that was written. */
  putInto(file: Uint8Array): void {
    if (this.arrays.length === 0) return;
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const found = new Set<number>();
    for (const header of headers(file, view)) {
      const type = header.messages.find(({ kind, from }) => kind === 3 && isFloat32(file, from));
      const layout = header.messages.find(({ kind, from }) => kind === 8 && isContiguous(view, from));
      if (type === undefined || layout === undefined) continue;
      const at = Number(view.getBigUint64(layout.from + 2, true));
      const array = at + 4 <= file.length ? view.getUint32(at, true) - firstMark : -1;
      if (!(array >= 0 && array < this.arrays.length)) continue;
      const data = this.arrays[array];
      file.set(half, type.from);
      view.setBigUint64(layout.from + 10, BigInt(2 * data.length), true);
      view.setUint32(header.end, lookup3(file.subarray(header.from, header.end)), true);
      file.fill(0, at, at + 4 * data.length);
      data.forEach((value, k) => view.setUint16(at + 2 * k, toHalf(value), true));
      found.add(array);
    }
    if (found.size !== this.arrays.length)
      throw new Error("the HDF5 library writes headers of another version");
  }
}

/** Marks are not-a-numbers with a number in them, which no array that is written holds. */
const firstMark = 0x7fe00000;

/** Datatype messages: class and version, sign bit, size, offset and width in bits, places and sizes of exponent and fraction, bias. */
const float32 = [0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0];
const half = [0x11, 0x20, 15, 0, 2, 0, 0, 0, 0, 0, 16, 0, 10, 5, 0, 10, 15, 0, 0, 0];

function isFloat32(file: Uint8Array, from: number): boolean {
  return float32.every((byte, k) => file[from + k] === byte);
}

/** A layout message of version 3: the array lies at one place. */
function isContiguous(view: DataView, from: number): boolean {
  return view.getUint8(from) === 3 && view.getUint8(from + 1) === 1;
}

interface Header {
  readonly from: number;
  /** Where the checksum stands. */
  readonly end: number;
  readonly messages: readonly { readonly kind: number; readonly from: number }[];
}

function* headers(file: Uint8Array, view: DataView): Generator<Header> {
  for (let from = file.indexOf(0x4f); from >= 0; from = file.indexOf(0x4f, from + 1)) {
    const isHeader = from + 32 <= file.length && view.getUint32(from) === 0x4f484452;
    if (!isHeader || view.getUint8(from + 4) !== 2) continue;
    const flags = view.getUint8(from + 5);
    const width = 1 << (flags & 3);
    const sizeAt = from + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    const size = width === 1 ? view.getUint8(sizeAt) : width === 2 ? view.getUint16(sizeAt, true) : 0;
    const end = sizeAt + width + size;
    if (size === 0 || end + 4 > file.length) continue;
    if (view.getUint32(end, true) !== lookup3(file.subarray(from, end))) continue;
    const messages: { kind: number; from: number }[] = [];
    const head = flags & 4 ? 6 : 4;
    for (let at = sizeAt + width; at + head <= end; at += head + view.getUint16(at + 1, true))
      messages.push({ kind: view.getUint8(at), from: at + head });
    yield { from, end, messages };
  }
}

/** Jenkins' hash lookup3, "hashlittle", from 0: the checksum of HDF5's headers. */
function lookup3(bytes: Uint8Array): number {
  const start = 0xdeadbeef + bytes.length;
  let [a, b, c] = [start | 0, start | 0, start | 0];
  const turn = (x: number, by: number): number => (x << by) | (x >>> (32 - by));
  const word = (at: number): number => {
    let value = 0;
    for (let k = 0; k < 4; k++) value |= (bytes[at + k] ?? 0) << (8 * k);
    return value;
  };
  let at = 0;
  for (; bytes.length - at > 12; at += 12) {
    [a, b, c] = [(a + word(at)) | 0, (b + word(at + 4)) | 0, (c + word(at + 8)) | 0];
    a = ((a - c) ^ turn(c, 4)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ turn(a, 6)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ turn(b, 8)) | 0;
    b = (b + a) | 0;
    a = ((a - c) ^ turn(c, 16)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ turn(a, 19)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ turn(b, 4)) | 0;
    b = (b + a) | 0;
  }
  [a, b, c] = [(a + word(at)) | 0, (b + word(at + 4)) | 0, (c + word(at + 8)) | 0];
  c = ((c ^ b) - turn(b, 14)) | 0;
  a = ((a ^ c) - turn(c, 11)) | 0;
  b = ((b ^ a) - turn(a, 25)) | 0;
  c = ((c ^ b) - turn(b, 16)) | 0;
  a = ((a ^ c) - turn(c, 4)) | 0;
  b = ((b ^ a) - turn(a, 14)) | 0;
  return ((c ^ b) - turn(b, 24)) >>> 0;
}
