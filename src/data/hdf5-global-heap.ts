import type { ByteSource } from "./read-file.js";

const signature = 0x4c4f4347; // "GCOL", least byte first
const headBytes = 16;

/**
 * Whether what lies at `position` is no global heap of HDF5 (where strings of any length are kept), or one whose objects
 * follow each other to its end. The HDF5 library (1.14) goes from object to object by the sizes they name and never comes
 * to an end where one names nothing.
 *
 * Format: signature, version, 3 bytes, length of the heap; then objects of number (0: free space), count, 4 bytes, size and
 * data, filled up to 8 bytes; the size of free space has its 16 bytes of head in it (HDF5 File Format Specification 3.0, III.E).
 */
export function isSoundHeap(source: ByteSource, position: number): boolean {
  const rest = source.size - position;
  if (rest < headBytes) return true;
  const head = view(source, position, headBytes);
  if (head.getUint32(0, true) !== signature) return true;
  const length = Number(head.getBigUint64(8, true));
  if (length > rest) return false;
  const heap = view(source, position, length);
  for (let at = headBytes; at + headBytes <= length;) {
    const size = Number(heap.getBigUint64(at + 8, true));
    const taken = heap.getUint16(at, true) === 0 ? size : headBytes + Math.ceil(size / 8) * 8;
    if (taken < headBytes || at + taken > length) return false;
    at += taken;
  }
  return true;
}

function view(source: ByteSource, position: number, length: number): DataView {
  const bytes = new Uint8Array(length);
  source.read(bytes, position);
  return new DataView(bytes.buffer);
}
