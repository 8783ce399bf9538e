import { AtomgradError } from "../tensor/error.js";
import { repeatedKey } from "./text/json-entries.js";
import { writeFileAtomicSync } from "./atomic-write.js";
import { hostIsLittleEndian, swapBytes } from "./byte-order.js";
import { fromBfloat16, fromHalf } from "./half.js";
import { memorySource, withFile } from "./read-file.js";
import type { ByteSource } from "./read-file.js";

/** Number types of a safetensors file, in the format's own spelling. */
export type SafeDType =
  "F64" | "F32" | "F16" | "BF16" | "I64" | "I32" | "I16" | "I8" | "U64" | "U32" | "U16" | "U8" | "BOOL";

/** One tensor: C order, little endian; `bytes` is a view of the file's memory. */
export interface SafeTensor {
  readonly dtype: SafeDType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Content of a safetensors file. `metadata` is the free text part (`__metadata__`). */
export interface SafetensorsFile {
  readonly tensors: Map<string, SafeTensor>;
  readonly metadata: Record<string, string>;
}

/** A tensor to write. The typed array must be the one of its dtype (F16, BF16: Uint16Array of bit patterns). */
export interface SafeTensorData {
  readonly dtype: SafeDType;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

const itemBytes: Readonly<Record<SafeDType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};

const arrays = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

/** The format's own limit. */
const maxHeaderBytes = 100_000_000;

/**
 * Reads a safetensors file. Every offset is checked against the file's length before memory is taken: tensors must lie
 * inside the file, fill it without gap or overlap, and have the size their shape and dtype ask for.
 *
 * @throws AtomgradError FILE or FORMAT, naming the tensor
 */
export function readSafetensors(path: string): SafetensorsFile {
  return withFile(path, decode);
}

/** Decodes a safetensors file held in memory; `name` is for messages. */
export function parseSafetensors(bytes: Uint8Array, name: string): SafetensorsFile {
  return decode(memorySource(bytes, name));
}

/** Reads the free text part (`__metadata__`) without the tensors. */
export function readSafetensorsMetadata(path: string): Record<string, string> {
  return withFile(path, (source) => readSafetensorsHeader(source).metadata);
}

/** The numbers as stored: a view of the file's memory where it is aligned, else a copy. F16 and BF16 come as bit patterns. */
export function tensorNumbers(tensor: SafeTensor): InstanceType<(typeof arrays)[SafeDType]> {
  const width = itemBytes[tensor.dtype];
  const inPlace = tensor.bytes.byteOffset % width === 0 && (hostIsLittleEndian || width === 1);
  const bytes = inPlace ? tensor.bytes : tensor.bytes.slice();
  if (!hostIsLittleEndian && width > 1) swapBytes(bytes, width);
  return new arrays[tensor.dtype](bytes.buffer, bytes.byteOffset, bytes.length / width);
}

/** The numbers as float64 (for F64 as `tensorNumbers`; 64-bit integers beyond 2^53 lose digits). */
export function tensorToFloat64(tensor: SafeTensor): Float64Array {
  const numbers = tensorNumbers(tensor);
  if (numbers instanceof Float64Array) return numbers;
  if (tensor.dtype === "F16") return Float64Array.from(numbers as Uint16Array, fromHalf);
  if (tensor.dtype === "BF16") return Float64Array.from(numbers as Uint16Array, fromBfloat16);
  return Float64Array.from(numbers as ArrayLike<number | bigint>, Number);
}

/**
 * The bytes of a safetensors file, in pieces that can be written without a copy. Tensors are laid out by falling item
 * size, then by name, so that every one is aligned.
 */
export function encodeSafetensors(
  tensors: Iterable<readonly [string, SafeTensorData]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const ordered = [...tensors].sort(
    ([a, x], [b, y]) => itemBytes[y.dtype] - itemBytes[x.dtype] || (a < b ? -1 : a > b ? 1 : 0),
  );
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set("__metadata__", metadata);
  let offset = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    const count = shape.reduce((product, extent) => product * extent, 1);
    if (header.has(name) || name === "__metadata__")
      throw new AtomgradError("VALUE", `safetensors: two tensors named "${name}"`);
    if (count * itemBytes[dtype] !== data.byteLength) {
      throw new AtomgradError(
        "SHAPE",
        `safetensors: "${name}" has ${data.byteLength} bytes, [${shape.join(", ")}] of ${dtype} needs ${count * itemBytes[dtype]}`,
      );
    }
    header.set(name, { dtype, shape, data_offsets: [offset, offset + data.byteLength] });
    offset += data.byteLength;
  }
  return [
    encodeHeader(header),
    ...ordered.map(([, { dtype, data }]) => littleEndianBytes(data, itemBytes[dtype])),
  ];
}

/** Writes a safetensors file, atomically. */
export function writeSafetensorsSync(
  path: string,
  tensors: Iterable<readonly [string, SafeTensorData]>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  writeFileAtomicSync(path, encodeSafetensors(tensors, metadata));
}

function littleEndianBytes(data: ArrayBufferView, width: number): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (hostIsLittleEndian || width === 1) return bytes;
  const swapped = bytes.slice();
  swapBytes(swapped, width);
  return swapped;
}

function encodeHeader(header: Map<string, unknown>): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const length = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, 8);
  return bytes;
}

/** Where a tensor lies among the bytes that follow the header. */
export interface SafeTensorEntry {
  readonly name: string;
  readonly dtype: SafeDType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What the header of a safetensors file says, checked against the file's length. */
export interface SafetensorsHeader {
  readonly entries: readonly SafeTensorEntry[];
  readonly metadata: Record<string, string>;
  /** Byte of the file where the tensors begin. */
  readonly start: number;
}

function decode(source: ByteSource): SafetensorsFile {
  const { entries, metadata, start } = readSafetensorsHeader(source);
  const body = new Uint8Array(source.size - start);
  source.read(body, start);
  const tensors = new Map<string, SafeTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    tensors.set(name, { dtype, shape, bytes: body.subarray(begin, end) });
  }
  return { tensors, metadata };
}

/** Reads only the header, so that tensors can be read one by one. */
export function readSafetensorsHeader(source: ByteSource): SafetensorsHeader {
  const { name, size } = source;
  const bad = (what: string): AtomgradError =>
    new AtomgradError("FORMAT", `${name}: not a readable safetensors file: ${what}`);
  if (size < 8) throw bad(`${size} bytes are too few`);
  const prefix = new Uint8Array(8);
  source.read(prefix, 0);
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  if (length > BigInt(size - 8))
    throw bad(`its header announces ${length} bytes, the file has ${size - 8}; it was cut short`);
  if (length > BigInt(maxHeaderBytes))
    throw bad(`a header of ${length} bytes is more than the format allows`);
  const bytes = new Uint8Array(Number(length));
  source.read(bytes, 8);
  let header: unknown;
  let twice: string | null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    header = JSON.parse(text);
    twice = repeatedKey(text);
  } catch (error) {
    throw bad(`its header is not JSON (${(error as Error).message.slice(0, 100)})`);
  }
  if (!isRecord(header)) throw bad("its header is not a JSON object");
  if (twice !== null)
    throw bad(`the tensor ${JSON.stringify(twice.slice(0, 80))} stands in its header twice`);
  const start = 8 + bytes.length;
  const { __metadata__: metadata = {}, ...described } = header;
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== "string")) {
    throw bad("__metadata__ is not an object of strings");
  }
  const entries = Object.entries(described).map(([key, value]) => checkEntry(key, value, bad));
  checkLayout(entries, size - start, bad);
  return { entries, metadata: metadata as Record<string, string>, start };
}

function checkEntry(name: string, value: unknown, bad: (what: string) => AtomgradError): SafeTensorEntry {
  if (!isRecord(value)) throw bad(`${label(name)} is not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(itemBytes, dtype)) {
    throw bad(
      `${label(name)} has ${dtype === undefined ? "no dtype" : `dtype ${JSON.stringify(dtype).slice(0, 40)}`}; known: ${Object.keys(itemBytes).join(" ")}`,
    );
  }
  if (!isSizes(shape)) throw bad(`${label(name)} has an impossible shape`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1])
    throw bad(`${label(name)} has impossible data_offsets`);
  const [begin, end] = offsets;
  const needed = shape.reduce((product, extent) => product * extent, 1) * itemBytes[dtype as SafeDType];
  if (needed !== end - begin) {
    throw bad(
      `${label(name)} of shape [${shape.join(", ")}] and dtype ${dtype} needs ${needed} bytes, its offsets give ${end - begin}`,
    );
  }
  return { name, dtype: dtype as SafeDType, shape, begin, end };
}

function checkLayout(
  entries: readonly SafeTensorEntry[],
  held: number,
  bad: (what: string) => AtomgradError,
): void {
  const ordered = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let reached = 0;
  for (const { name, begin, end } of ordered) {
    if (end > held) throw bad(`${label(name)} ends at byte ${end}, the file has ${held}; it was cut short`);
    if (begin < reached) throw bad(`${label(name)} overlaps the one before it`);
    if (begin > reached) throw bad(`${begin - reached} bytes before ${label(name)} belong to no tensor`);
    reached = end;
  }
  if (reached !== held) throw bad(`${held - reached} bytes at its end belong to no tensor`);
}

function label(name: string): string {
  return `tensor ${JSON.stringify(name.slice(0, 80))}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return (
    Array.isArray(value) &&
    value.length <= 32 &&
    value.every((extent) => Number.isSafeInteger(extent) && extent >= 0)
  );
}
