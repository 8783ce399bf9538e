import { AtomgradError } from "../../tensor/error.js";
import type { ByteSource } from "../read-file.js";
import { readPart } from "../slice-source.js";
import { maskedCrc32c } from "./crc32c.js";
import { readLength } from "./protobuf.js";

const footerBytes = 48;
const magic = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
const maxEntries = 1_000_000;

/** Whether a source ends like a sorted table of LevelDB. */
export function isSsTable(source: ByteSource): boolean {
  if (source.size < footerBytes) return false;
  const end = readPart(source, source.size - magic.length, magic.length);
  return magic.every((byte, k) => end[k] === byte);
}

/**
 * The entries of a sorted table of LevelDB, which TensorFlow uses as the index of a checkpoint. Keys come as latin1
 * text, because TensorFlow's keys for slices are no UTF-8.
 *
 * @throws AtomgradError FORMAT: damaged (checksums are compared), or packed with snappy
 */
export function readSsTable(source: ByteSource): (readonly [key: string, value: Uint8Array])[] {
  if (!isSsTable(source)) {
    throw new AtomgradError(
      "FORMAT",
      `${source.name}: not the index of a TensorFlow checkpoint; it may be cut short`,
    );
  }
  const footer = readPart(source, source.size - footerBytes, footerBytes);
  const [, afterMeta] = handle(footer, 0, source);
  const [index] = handle(footer, afterMeta, source);
  const found: (readonly [string, Uint8Array])[] = [];
  for (const [, value] of entriesOf(readBlock(source, index), source.name)) {
    found.push(...entriesOf(readBlock(source, handle(value, 0, source)[0]), source.name));
    if (found.length > maxEntries)
      throw new AtomgradError("FORMAT", `${source.name}: more than ${maxEntries} entries`);
  }
  return found;
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

function handle(bytes: Uint8Array, at: number, source: ByteSource): [Handle, number] {
  const [offset, next] = readLength(bytes, at, source.name, source.size);
  const [size, end] = readLength(bytes, next, source.name, source.size);
  return [{ offset, size }, end];
}

/** Content, kind of packing (one byte), checksum of both (four bytes). */
function readBlock(source: ByteSource, { offset, size }: Handle): Uint8Array {
  const bytes = readPart(source, offset, size + 5);
  const stored = new DataView(bytes.buffer).getUint32(size + 1, true);
  if (bytes[size] > 1 || maskedCrc32c(bytes.subarray(0, size + 1)) !== stored) {
    throw new AtomgradError(
      "FORMAT",
      `${source.name}: the block at byte ${offset} is damaged (its checksum differs)`,
    );
  }
  if (bytes[size] === 1) {
    throw new AtomgradError(
      "FORMAT",
      `${source.name}: packed with snappy, which TensorFlow's own writer never does`,
    );
  }
  return bytes.subarray(0, size);
}

/** Keys share their beginning with the key before; restart points at the end are not needed to read from the front. */
function* entriesOf(block: Uint8Array, name: string): Generator<readonly [string, Uint8Array]> {
  const bad = (): AtomgradError => new AtomgradError("FORMAT", `${name}: a block of the index is damaged`);
  if (block.length < 4) throw bad();
  const restarts = new DataView(block.buffer, block.byteOffset).getUint32(block.length - 4, true);
  const end = block.length - 4 - 4 * restarts;
  if (end < 0) throw bad();
  let key = "";
  for (let at = 0; at < end;) {
    const [shared, afterShared] = readLength(block, at, name);
    const [own, afterOwn] = readLength(block, afterShared, name);
    const [length, start] = readLength(block, afterOwn, name);
    if (shared > key.length || start + own + length > end) throw bad();
    key = key.slice(0, shared) + latin1(block.subarray(start, start + own));
    if (key.length > 1 << 16) throw bad();
    at = start + own + length;
    yield [key, block.subarray(start + own, at)];
  }
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
