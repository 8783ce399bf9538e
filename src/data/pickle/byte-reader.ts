import { AtomgradError } from "../../tensor/error.js";
import type { ByteSource } from "../read-file.js";
import { PickleBytes } from "./values.js";

const windowBytes = 1 << 16;
/** Names and keys: too short for a decoder to pay. */
const shortText = 64;

/** Reads a source from front to back through a small window; every length is checked against what is left. */
export class ByteReader {
  private window: Uint8Array;
  private windowStart = 0;

  constructor(
    readonly source: ByteSource,
    public position = 0,
  ) {
    this.window = source.memory ?? new Uint8Array(0);
  }

  /** Bytes that are left. */
  get left(): number {
    return this.source.size - this.position;
  }

  u8(): number {
    const at = this.position - this.windowStart;
    if (!(at >= 0 && at < this.window.length)) return this.take(1)[0];
    this.position++;
    return this.window[at];
  }

  u16(): number {
    const b = this.take(2);
    return b[0] | (b[1] << 8);
  }

  i32(): number {
    const b = this.take(4);
    return b[0] | (b[1] << 8) | (b[2] << 16) | (b[3] << 24);
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  /** A length; one that no file can have is an error. */
  u64(): number {
    const low = this.u32();
    return low + this.u32() * 2 ** 32;
  }

  /** A big-endian float64, as pickles store it. */
  f64BigEndian(): number {
    const b = this.take(8);
    return new DataView(b.buffer, b.byteOffset, 8).getFloat64(0, false);
  }

  /** A region of `length` bytes, which stays where it is. */
  region(length: number): PickleBytes {
    this.need(length);
    const bytes = new PickleBytes(this.source, this.position, length);
    this.position += length;
    return bytes;
  }

  /** `length` bytes; the view is valid until the next call. */
  take(length: number): Uint8Array {
    this.need(length);
    if (this.position < this.windowStart || this.position + length > this.windowStart + this.window.length) {
      const bytes = new Uint8Array(length > windowBytes ? length : Math.min(windowBytes, this.left));
      this.source.read(bytes, this.position);
      if (length > windowBytes) {
        this.position += length;
        return bytes;
      }
      this.window = bytes;
      this.windowStart = this.position;
    }
    const start = this.position - this.windowStart;
    this.position += length;
    return this.window.subarray(start, start + length);
  }

  utf8(length: number): string {
    const bytes = this.take(length);
    const plain = length <= shortText ? asciiText(bytes) : null;
    if (plain !== null) return plain;
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new AtomgradError("FORMAT", `${this.source.name}: a text in it is not valid UTF-8`);
    }
  }

  /** A line of at most `limit` bytes, without its end. */
  line(limit: number, encoding: "utf-8" | "latin1" = "utf-8"): string {
    const codes: number[] = [];
    for (let byte = this.u8(); byte !== 10; byte = this.u8()) {
      if (codes.push(byte) > limit) {
        throw new AtomgradError(
          "FORMAT",
          `${this.source.name}: a line of more than ${limit} bytes in a pickle`,
        );
      }
    }
    const bytes = Uint8Array.from(codes);
    return encoding === "utf-8" ? new TextDecoder().decode(bytes) : Buffer.from(bytes).toString("latin1");
  }

  private need(length: number): void {
    if (length <= this.left) return;
    throw new AtomgradError(
      "FORMAT",
      `${this.source.name}: ${length} bytes are needed at byte ${this.position}, ${this.left} are left; the file was cut short`,
    );
  }
}

/** A short text of ASCII letters; null where it holds others. */
export function asciiText(bytes: Uint8Array): string | null {
  let text = "";
  for (const byte of bytes) {
    if (byte > 127) return null;
    text += String.fromCharCode(byte);
  }
  return text;
}
