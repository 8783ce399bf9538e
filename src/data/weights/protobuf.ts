import { AtomgradError } from "../../tensor/error.js";

/** One field of a protobuf message: a whole number (wire types 0, 1, 5) or bytes (2). */
export interface ProtoField {
  readonly number: number;
  /** Of varints; safe where at most 53 bits are used. */
  readonly value: bigint;
  /** Of length-delimited fields and of fixed 32 and 64 bit numbers. */
  readonly bytes: Uint8Array;
  readonly wire: 0 | 1 | 2 | 5;
}

const none = new Uint8Array(0);

/** A varint at `at`: its value and the position after it. */
export function readVarint(bytes: Uint8Array, at: number, name: string): [value: bigint, next: number] {
  let value = 0n;
  for (let k = 0; k < 10; k++) {
    if (at + k >= bytes.length) break;
    const byte = bytes[at + k];
    value |= BigInt(byte & 127) << BigInt(7 * k);
    if (byte < 128) return [BigInt.asUintN(64, value), at + k + 1];
  }
  throw new AtomgradError("FORMAT", `${name}: a number in it does not end; the file is damaged or cut short`);
}

/** As `readVarint`, for a length: one beyond `limit` is an error. */
export function readLength(
  bytes: Uint8Array,
  at: number,
  name: string,
  limit = bytes.length,
): [number, number] {
  const [value, next] = readVarint(bytes, at, name);
  if (value <= BigInt(limit)) return [Number(value), next];
  throw new AtomgradError(
    "FORMAT",
    `${name}: a length of ${value} in a file that has less; it is damaged or cut short`,
  );
}

/** The fields of a message, in their order. Groups (an obsolete form) are refused. */
export function* protoFields(bytes: Uint8Array, name: string): Generator<ProtoField> {
  const bad = (what: string): AtomgradError =>
    new AtomgradError("FORMAT", `${name}: not a readable protobuf file: ${what}`);
  let at = 0;
  while (at < bytes.length) {
    const [tag, start] = readVarint(bytes, at, name);
    const number = Number(tag >> 3n);
    const wire = Number(tag & 7n);
    if (number === 0 || number > 536870911) throw bad(`an impossible field at byte ${at}`);
    if (wire === 0) {
      const [value, next] = readVarint(bytes, start, name);
      yield { number, value, bytes: none, wire };
      at = next;
    } else if (wire === 2 || wire === 1 || wire === 5) {
      const [length, content] = wire === 2 ? readLength(bytes, start, name) : [wire === 1 ? 8 : 4, start];
      if (content + length > bytes.length)
        throw bad("a field reaches beyond the end; the file was cut short");
      yield { number, value: 0n, bytes: bytes.subarray(content, content + length), wire };
      at = content + length;
    } else throw bad(`wire type ${wire} at byte ${at}`);
  }
}
