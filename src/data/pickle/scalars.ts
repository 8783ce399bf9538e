import { AtomgradError } from "../../tensor/error.js";
import type { Budget } from "./budget.js";
import type { ByteReader } from "./byte-reader.js";
import type { PickleLimits } from "./limits.js";
import { opcodeNames } from "./opcodes.js";
import { PickleFloat } from "./values.js";
import type { PickleValue } from "./values.js";

const longBytes = 16;

/** Reads the opcodes that carry one number, text or bytes. */
export class Scalars {
  constructor(
    private readonly reader: ByteReader,
    private readonly limits: PickleLimits,
    private readonly budget: Budget,
  ) {}

  /** The value of an opcode, or undefined when it is no such opcode. */
  read(opcode: number): PickleValue | undefined {
    const name = opcodeNames.get(opcode) ?? "";
    return this.number(name) ?? this.text(name);
  }

  /** The number of a memo entry, in text. */
  memoKey(): number {
    return Number(this.integer(this.reader.line(20)));
  }

  private bad(what: string): AtomgradError {
    const { source, position } = this.reader;
    return new AtomgradError("FORMAT", `${source.name}: a pickle with ${what} (byte ${position})`);
  }

  private number(name: string): PickleValue | undefined {
    const { reader } = this;
    switch (name) {
      case "BININT":
        return reader.i32();
      case "BININT1":
        return reader.u8();
      case "BININT2":
        return reader.u16();
      case "LONG1":
        return this.long(reader.u8());
      case "LONG4":
        return this.long(reader.u32());
      case "INT":
        return this.intLine();
      case "LONG":
        return this.integer(reader.line(64).replace(/L$/, ""));
      case "BINFLOAT":
        return new PickleFloat(reader.f64BigEndian());
      case "FLOAT":
        return this.floatLine();
      default:
        return undefined;
    }
  }

  /** A little-endian two's complement number. */
  private long(length: number): number | bigint {
    if (length > longBytes) throw this.bad(`an integer of ${length} bytes`);
    let value = 0n;
    const bytes = this.reader.take(length);
    for (let k = length - 1; k >= 0; k--) value = (value << 8n) | BigInt(bytes[k]);
    return plainInteger(length === 0 ? 0n : BigInt.asIntN(8 * length, value));
  }

  private intLine(): PickleValue {
    const text = this.reader.line(64);
    if (text === "01" || text === "00") return text === "01";
    return this.integer(text);
  }

  private integer(text: string): number | bigint {
    if (!/^-?\d{1,38}$/.test(text)) throw this.bad("an integer that is none");
    return plainInteger(BigInt(text));
  }

  private floatLine(): PickleFloat {
    const text = this.reader.line(64);
    if (text === "nan") return new PickleFloat(NaN);
    if (text === "inf" || text === "-inf") return new PickleFloat(text === "inf" ? Infinity : -Infinity);
    const value = Number(text);
    if (text === "" || Number.isNaN(value)) throw this.bad("a number that is none");
    return new PickleFloat(value);
  }

  private text(name: string): PickleValue | undefined {
    const { reader } = this;
    switch (name) {
      case "SHORT_BINUNICODE":
        return this.utf8(reader.u8());
      case "BINUNICODE":
        return this.utf8(reader.u32());
      case "BINUNICODE8":
        return this.utf8(reader.u64());
      case "UNICODE":
        return this.textLine();
      case "SHORT_BINBYTES":
        return reader.region(reader.u8());
      case "BINBYTES":
        return reader.region(reader.u32());
      case "BINBYTES8":
      case "BYTEARRAY8":
        return reader.region(reader.u64());
      case "SHORT_BINSTRING":
        return this.latin1(reader.u8());
      case "BINSTRING":
        return this.latin1(reader.u32());
      default:
        return undefined;
    }
  }

  private utf8(length: number): string {
    if (length > this.limits.textBytes) throw this.bad(`a text of ${length} bytes`);
    this.budget.spend(2 * length);
    return this.reader.utf8(length);
  }

  private textLine(): string {
    const text = this.reader.line(this.limits.textBytes, "latin1");
    this.budget.spend(2 * text.length);
    return unescapeUnicode(text);
  }

  /** The str of Python 2: a short one is a name, a long one the bytes of an array. */
  private latin1(length: number): PickleValue {
    const region = this.reader.region(length);
    if (length > 1 << 12) return region;
    return String.fromCharCode(...region.read());
  }
}

function plainInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function unescapeUnicode(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, short?: string, long?: string) => {
    const code = parseInt((short ?? long) as string, 16);
    return code > 0x10ffff ? whole : String.fromCodePoint(code);
  });
}
