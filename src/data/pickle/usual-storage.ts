import type { ByteSource } from "../read-file.js";
import { readPart } from "../slice-source.js";
import { arrayItemBytes } from "../strided-array.js";
import { asciiText } from "./byte-reader.js";
import { storageDType } from "./torch.js";
import { PickleGlobal, PickleStorage } from "./values.js";

const headBytes = 512;

const ascii = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));
const shortText = (text: string): number[] => [0x58, text.length, 0, 0, 0, ...ascii(text)];

let beginning: readonly number[] | undefined;

/** Magic number, protocol, machine facts, and the beginning of the persistent id up to the storage's class. */
const usualBeginning = (): readonly number[] => [
  ...[0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e],
  ...[0x80, 2, 0x4d, 0xe9, 3, 0x2e],
  ...[0x80, 2, 0x7d, 0x71, 0, 0x28],
  ...[...shortText("protocol_version"), 0x71, 1, 0x4d, 0xe9, 3],
  ...[...shortText("little_endian"), 0x71, 2, 0x88],
  ...[...shortText("type_sizes"), 0x71, 3, 0x7d, 0x71, 4, 0x28],
  ...[...shortText("short"), 0x71, 5, 0x4b, 2],
  ...[...shortText("int"), 0x71, 6, 0x4b, 4],
  ...[...shortText("long"), 0x71, 7, 0x4b, 4, 0x75, 0x75, 0x2e],
  ...[0x80, 2, 0x28, ...shortText("storage"), 0x71, 0],
  ...[0x63, ...ascii("torch\n")],
];

/**
 * The storage of a torch.save stream that is laid out byte for byte as PyTorch 1 and 2 write one storage: what
 * `readTorchStream` finds in it, without five pickles being interpreted. Null for everything else.
 */
export function usualStorage(source: ByteSource): PickleStorage | null {
  const head = source.memory?.subarray(0, headBytes) ?? readPart(source, 0, Math.min(headBytes, source.size));
  beginning ??= usualBeginning();
  for (let k = 0; k < beginning.length; k++) if (head[k] !== beginning[k]) return null;
  const text = new Matcher(head, beginning.length);
  const name = text.line();
  const key = text.matches([0x71, 1]) ? text.shortText() : null;
  const location = text.matches([0x71, 2]) ? text.shortText() : null;
  const items = text.matches([0x71, 3]) ? text.integer() : -1;
  if (name === null || key === null || location === null || items < 0) return null;
  const middle = [0x4e, 0x74, 0x71, 4, 0x51, 0x2e, 0x80, 2, 0x5d, 0x71, 0];
  if (!text.matches(middle) || text.shortText() !== key || !text.matches([0x71, 1, 0x61, 0x2e])) return null;
  if (text.u32() !== items || text.u32() !== 0) return null;
  const dtype = storageDType(new PickleGlobal("torch", name)) ?? null;
  if (dtype === null) return null;
  const byteLength = items * arrayItemBytes(dtype);
  if (text.at + byteLength > source.size) return null;
  return new PickleStorage({ source, position: text.at, byteLength }, dtype, 0);
}

/** Steps through bytes; beyond their end nothing matches. */
class Matcher {
  constructor(
    private readonly bytes: Uint8Array,
    public at: number,
  ) {}

  matches(wanted: readonly number[]): boolean {
    for (const byte of wanted) if (this.bytes[this.at++] !== byte) return false;
    return true;
  }

  /** A text up to the end of its line. */
  line(): string | null {
    const end = this.bytes.indexOf(10, this.at);
    return end < 0 ? null : this.take(end - this.at, 1);
  }

  /** BINUNICODE of less than 256 ASCII letters. */
  shortText(): string | null {
    if (this.bytes[this.at++] !== 0x58) return null;
    const length = this.u32();
    return length > 255 || this.at + length > this.bytes.length ? null : this.take(length, 0);
  }

  /** BININT, BININT1 or BININT2; -1 for another opcode. */
  integer(): number {
    const opcode = this.bytes[this.at++];
    if (opcode === 0x4b) return this.bytes[this.at++] ?? -1;
    if (opcode === 0x4d) return this.bytes[this.at++] + 256 * this.bytes[this.at++];
    return opcode === 0x4a ? this.u32() | 0 : -1;
  }

  /** NaN beyond the end, which equals nothing. */
  u32(): number {
    let value = 0;
    for (let k = 0; k < 4; k++) value += (this.bytes[this.at++] ?? NaN) * 256 ** k;
    return value;
  }

  private take(length: number, skipped: number): string | null {
    const part = this.bytes.subarray(this.at, this.at + length);
    this.at += length + skipped;
    return asciiText(part);
  }
}
