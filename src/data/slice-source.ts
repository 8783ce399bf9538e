import { AtomgradError } from "../tensor/error.js";
import type { ByteSource } from "./read-file.js";

/** A part of a source as a source of its own. */
export function sliceSource(source: ByteSource, start: number, size: number, name = source.name): ByteSource {
  const check = (from: number, length: number, held: number): void => {
    if (from >= 0 && from + length <= held) return;
    throw new AtomgradError(
      "FORMAT",
      `${name}: ends at byte ${held}, more is needed; the file was cut short`,
    );
  };
  check(start, size, source.size);
  return {
    name,
    size,
    read(target, position) {
      check(position, target.length, size);
      source.read(target, start + position);
    },
  };
}

/** Reads a part of a source into memory. */
export function readPart(source: ByteSource, start: number, length: number): Uint8Array<ArrayBuffer> {
  const part = sliceSource(source, start, length);
  const bytes = new Uint8Array(length);
  part.read(bytes, 0);
  return bytes;
}
