import { AtomgradError } from "../../tensor/error.js";

/** A value of MessagePack; maps by text keys (keys of bytes are taken as text). */
export type PackValue =
  null | boolean | number | bigint | string | Uint8Array | PackValue[] | Map<string, PackValue>;

const maxDepth = 32;

/**
 * Decodes one MessagePack value. Lengths are checked against the bytes that are left; extension types are refused.
 *
 * @throws AtomgradError FORMAT
 */
export function decodeMessagePack(bytes: Uint8Array, name: string): PackValue {
  const decoder = new Decoder(bytes, name);
  const value = decoder.value(0);
  decoder.end();
  return value;
}

class Decoder {
  private at = 0;
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly name: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  end(): void {
    if (this.at !== this.bytes.length) throw this.bad("bytes after its end");
  }

  value(depth: number): PackValue {
    if (depth > maxDepth) throw this.bad("nested too deep");
    const code = this.view.getUint8(this.skip(1));
    if (code < 0x80) return code;
    if (code < 0x90) return this.map(code & 15, depth);
    if (code < 0xa0) return this.array(code & 15, depth);
    if (code < 0xc0) return this.text(code & 31);
    if (code >= 0xe0) return code - 256;
    return this.long(code, depth);
  }

  private long(code: number, depth: number): PackValue {
    switch (code) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return code === 0xc3;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.take(this.unsigned(2 ** (code - 0xc4)));
      case 0xca:
        return this.view.getFloat32(this.skip(4));
      case 0xcb:
        return this.view.getFloat64(this.skip(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.unsigned(2 ** (code - 0xcc));
      case 0xcf:
        return small(this.view.getBigUint64(this.skip(8)));
      case 0xd0:
        return this.view.getInt8(this.skip(1));
      case 0xd1:
        return this.view.getInt16(this.skip(2));
      case 0xd2:
        return this.view.getInt32(this.skip(4));
      case 0xd3:
        return small(this.view.getBigInt64(this.skip(8)));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.text(this.unsigned(2 ** (code - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.array(this.unsigned(code === 0xdc ? 2 : 4), depth);
      case 0xde:
      case 0xdf:
        return this.map(this.unsigned(code === 0xde ? 2 : 4), depth);
      default:
        throw this.bad(`the type 0x${code.toString(16)}`);
    }
  }

  private bad(what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.name}: a MessagePack value with ${what}; the file is damaged`);
  }

  private skip(count: number): number {
    const start = this.at;
    if (count > this.bytes.length - start) throw this.bad("its end missing");
    this.at += count;
    return start;
  }

  private unsigned(width: number): number {
    const at = this.skip(width);
    return width === 1
      ? this.view.getUint8(at)
      : width === 2
        ? this.view.getUint16(at)
        : this.view.getUint32(at);
  }

  private take(length: number): Uint8Array {
    const start = this.skip(length);
    return this.bytes.subarray(start, start + length);
  }

  private text(length: number): string {
    return new TextDecoder().decode(this.take(length));
  }

  private array(length: number, depth: number): PackValue[] {
    if (length > this.bytes.length - this.at) throw this.bad("its end missing");
    return Array.from({ length }, () => this.value(depth + 1));
  }

  private map(length: number, depth: number): Map<string, PackValue> {
    if (2 * length > this.bytes.length - this.at) throw this.bad("its end missing");
    const found = new Map<string, PackValue>();
    for (let k = 0; k < length; k++) {
      const key = this.value(depth + 1);
      if (typeof key !== "string" && !(key instanceof Uint8Array) && typeof key !== "number")
        throw this.bad("a key that is no text");
      found.set(
        key instanceof Uint8Array ? new TextDecoder().decode(key) : String(key),
        this.value(depth + 1),
      );
    }
    return found;
  }
}

function small(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
