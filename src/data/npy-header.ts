import { AtomgradError } from "../tensor/error.js";
import type { ByteSource } from "./read-file.js";

/** Number types of an npy file, named as NumPy does: kind and bytes. */
export type NpyDType =
  "f2" | "f4" | "f8" | "c8" | "c16" | "i1" | "i2" | "i4" | "i8" | "u1" | "u2" | "u4" | "u8" | "bool";

/** What the header of an npy file says, checked against the file's length. */
export interface NpyHeader {
  readonly dtype: NpyDType;
  readonly littleEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Product of the shape. */
  readonly count: number;
  /** Byte where the numbers begin. */
  readonly offset: number;
}

/** Bytes of one number; of both parts of a complex one. */
export const npyItemBytes: Readonly<Record<NpyDType, number>> = {
  f2: 2,
  f4: 4,
  f8: 8,
  c8: 8,
  c16: 16,
  i1: 1,
  i2: 2,
  i4: 4,
  i8: 8,
  u1: 1,
  u2: 2,
  u4: 4,
  u8: 8,
  bool: 1,
};

/** Whether the numbers are complex: each is a real and an imaginary part. */
export function isComplex(dtype: NpyDType): dtype is "c8" | "c16" {
  return dtype === "c8" || dtype === "c16";
}

/** Entries of a typed array that stand for one number: two for a complex one. */
export function partsOf(dtype: NpyDType): 1 | 2 {
  return isComplex(dtype) ? 2 : 1;
}

/** Refuses complex numbers where real ones are needed. Errors: DTYPE. */
export function refuseComplex(dtype: NpyDType, label: string): void {
  if (!isComplex(dtype)) return;
  throw new AtomgradError(
    "DTYPE",
    `${label}: holds ${dtype}, complex numbers; real numbers are needed; save its real part by itself`,
  );
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** A header holds one short dictionary; NumPy itself refuses more than 10,000 characters. */
const maxHeaderBytes = 1 << 16;
const maxRank = 32;

/** Whether a file begins as npy files do. */
export function isNpy(source: ByteSource): boolean {
  const start = new Uint8Array(Math.min(magic.length, source.size));
  source.read(start, 0);
  return magic.every((byte, k) => start[k] === byte);
}

/**
 * Reads the header of an npy file (format versions 1 to 3) and checks that the file holds exactly the numbers it
 * announces, before anything is allocated for them.
 *
 * @throws AtomgradError FORMAT damaged or truncated files; DTYPE types that are not numbers
 */
export function parseNpyHeader(source: ByteSource): NpyHeader {
  const { name, size } = source;
  const start = new Uint8Array(Math.min(12, size));
  source.read(start, 0);
  if (start.length < 10 || !isNpy(source)) {
    throw new AtomgradError(
      "FORMAT",
      `${name}: not an npy file (it does not begin with \\x93NUMPY); write it with numpy.save`,
    );
  }
  const version = start[6];
  if (version < 1 || version > 3) {
    throw new AtomgradError("FORMAT", `${name}: npy format version ${version}; versions 1 to 3 can be read`);
  }
  const lengthBytes = version === 1 ? 2 : 4;
  const headerStart = 8 + lengthBytes;
  if (start.length < headerStart) throw truncated(name, "its header is incomplete");
  const view = new DataView(start.buffer);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerStart + length > size) throw truncated(name, "its header is incomplete");
  if (length > maxHeaderBytes)
    throw new AtomgradError("FORMAT", `${name}: an npy header of ${length} bytes is not plausible`);
  const text = new Uint8Array(length);
  source.read(text, headerStart);
  const fields = parseDictionary(new TextDecoder(version === 3 ? "utf-8" : "latin1").decode(text), name);
  return checkHeader(fields, name, headerStart + length, size);
}

function truncated(name: string, what: string): AtomgradError {
  return new AtomgradError("FORMAT", `${name}: ${what}; the file was cut short, write it again`);
}

function checkHeader(fields: Map<string, Literal>, name: string, offset: number, size: number): NpyHeader {
  const shape = fields.get("shape");
  const fortranOrder = fields.get("fortran_order");
  const descr = fields.get("descr");
  if (descr === undefined || !Array.isArray(shape) || typeof fortranOrder !== "boolean") {
    throw new AtomgradError(
      "FORMAT",
      `${name}: the npy header needs descr, fortran_order and shape; write it again`,
    );
  }
  const type = parseType(descr, name);
  if (shape.length > maxRank)
    throw new AtomgradError("FORMAT", `${name}: ${shape.length} dimensions; at most ${maxRank} can be read`);
  const sizes = shape.map((extent) => {
    if (typeof extent === "number" && Number.isSafeInteger(extent) && extent >= 0) return extent;
    throw new AtomgradError(
      "FORMAT",
      `${name}: the npy header has an impossible shape; write the file again`,
    );
  });
  const count = sizes.reduce((product, extent) => product * extent, 1);
  const held = size - offset;
  const needed = count * npyItemBytes[type.dtype];
  if (needed !== held) {
    const shown = `(${sizes.join(", ")}) of ${type.dtype}`;
    if (needed > held) throw truncated(name, `shape ${shown} needs ${needed} bytes, the file holds ${held}`);
    throw new AtomgradError(
      "FORMAT",
      `${name}: ${held - needed} bytes follow the array of shape ${shown}; save one array per file`,
    );
  }
  return { ...type, fortranOrder, shape: sizes, count, offset };
}

function parseType(descr: Literal, name: string): Pick<NpyHeader, "dtype" | "littleEndian"> {
  const allowed = "numbers can be read: float16/32/64, complex64/128, int8..int64, uint8..uint64, bool";
  if (typeof descr !== "string") {
    throw new AtomgradError("DTYPE", `${name}: a structured array; ${allowed}; save each field by itself`);
  }
  if (/^\|?O/.test(descr)) {
    throw new AtomgradError(
      "DTYPE",
      `${name}: dtype object (pickled Python objects, which would have to be executed); ${allowed}; save it with a numeric dtype`,
    );
  }
  const found = /^([<>|=]?)(?:([fiub])([1248])|(c8|c16))$/.exec(descr);
  const code = found === null ? "" : (found[4] ?? found[2] + found[3]);
  const dtype = code === "b1" ? "bool" : (code as NpyDType);
  if (found === null || !Object.hasOwn(npyItemBytes, dtype)) {
    throw new AtomgradError(
      "DTYPE",
      `${name}: dtype ${JSON.stringify(descr.slice(0, 40))}; ${allowed}; convert it with astype`,
    );
  }
  return { dtype, littleEndian: found[1] !== ">" };
}

type Literal = string | boolean | number | readonly Literal[] | null;

/** Parses the Python dictionary of a header: string keys; strings, booleans, whole numbers, tuples and lists as values. */
function parseDictionary(text: string, name: string): Map<string, Literal> {
  const token = /\s*(?:(\d+)L?|'([^'\\]*)'|"([^"\\]*)"|(True|False|None)|([{}()[\],:]))/y;
  const fail = (): never => {
    throw new AtomgradError(
      "FORMAT",
      `${name}: the npy header cannot be understood; write the file again with numpy.save`,
    );
  };
  let next: RegExpExecArray | null = null;
  const advance = (): void => {
    next = token.exec(text);
  };
  const isMark = (mark: string): boolean => next !== null && next[5] === mark;
  const expect = (mark: string): void => {
    if (!isMark(mark)) fail();
    advance();
  };
  const value = (depth: number): Literal => {
    if (next === null || depth > 4) return fail();
    const [, digits, single, double, word, mark] = next;
    if (mark === "(" || mark === "[") return list(mark === "(" ? ")" : "]", depth);
    if (mark !== undefined) return fail();
    advance();
    if (digits !== undefined) return Number(digits);
    if (word !== undefined) return word === "None" ? null : word === "True";
    return single ?? double;
  };
  const list = (end: string, depth: number): Literal[] => {
    const items: Literal[] = [];
    advance();
    while (!isMark(end)) {
      items.push(value(depth + 1));
      if (isMark(",")) advance();
      else if (!isMark(end)) fail();
    }
    advance();
    return items;
  };
  const fields = new Map<string, Literal>();
  advance();
  expect("{");
  while (!isMark("}")) {
    const key = value(0);
    if (typeof key !== "string") return fail();
    expect(":");
    fields.set(key, value(0));
    if (isMark(",")) advance();
    else if (!isMark("}")) fail();
  }
  return fields;
}
