import { isArrayDType, memoryStorage, StridedArray } from "../strided-array.js";
import type { ArrayDType, ArrayStorage } from "../strided-array.js";
import { columnMajorStrides } from "../strided-array.js";
import type { Arguments } from "./arguments.js";
import {
  PickleBytes,
  PickleDType,
  PickleGlobal,
  PickleNdArray,
  PickleScalar,
  PickleTuple,
} from "./values.js";
import type { PickleValue } from "./values.js";

const codes: Readonly<Record<string, ArrayDType>> = {
  b1: "bool",
  u1: "uint8",
  i1: "int8",
  i2: "int16",
  u2: "uint16",
  i4: "int32",
  u4: "uint32",
  i8: "int64",
  u8: "uint64",
  f2: "float16",
  f4: "float32",
  f8: "float64",
  c8: "complex64",
  c16: "complex128",
};

type Constructor = (args: Arguments) => PickleValue;

/** Functions of NumPy that a pickle of arrays names, by "module.name". */
export const numpyConstructors: ReadonlyMap<string, Constructor> = new Map<string, Constructor>([
  ["numpy.dtype", makeDType],
  ["numpy.core.multiarray.scalar", makeScalar],
  ["numpy._core.multiarray.scalar", makeScalar],
  ["numpy.core.multiarray._reconstruct", () => new PickleNdArray()],
  ["numpy._core.multiarray._reconstruct", () => new PickleNdArray()],
  ["numpy.core.numeric._frombuffer", fromBuffer],
  ["numpy._core.numeric._frombuffer", fromBuffer],
  ["_codecs.encode", encodeLatin1],
]);

function makeDType(args: Arguments): PickleDType {
  const given = args.items[0];
  if (given instanceof PickleGlobal) {
    const name = given.name;
    if (given.module.split(".")[0] === "ml_dtypes" && isArrayDType(name)) return new PickleDType(name, name);
    if (given.module === "numpy" && isArrayDType(name)) return new PickleDType(name, name);
    throw args.bad(`the type ${given.path}, which is not a known number type`);
  }
  const text = args.text(0);
  const [, order, code] = /^([<>|=]?)(.*)$/s.exec(text) as unknown as [string, string, string];
  if (/^[SUV]\d+$/.test(code)) return new PickleDType(null, code);
  const dtype = isArrayDType(code) ? code : Object.hasOwn(codes, code) ? codes[code] : null;
  if (dtype === null) {
    const kind = code.startsWith("O") ? "arrays of Python objects" : `the type "${text.slice(0, 20)}"`;
    throw args.bad(`${kind}; only numbers are read`);
  }
  const made = new PickleDType(dtype, code);
  made.littleEndian = order !== ">";
  return made;
}

/** State of a dtype: (version, byte order, ...). */
export function buildDType(dtype: PickleDType, state: Arguments): void {
  const order = state.text(1);
  if (!["<", ">", "|", "="].includes(order)) throw state.bad("an unknown byte order");
  if (state.items[2] instanceof PickleTuple || state.items[4] instanceof PickleTuple) {
    throw state.bad("a structured type; only numbers are read");
  }
  dtype.littleEndian = order !== ">";
}

function makeScalar(args: Arguments): PickleValue {
  const type = args.of(0, PickleDType);
  const storage = storageOf(args, 1);
  if (type.dtype === null) return new PickleBytes(storage.source!, storage.position, storage.byteLength);
  return new PickleScalar(new StridedArray(type.dtype, [], storage, [], 0, type.littleEndian, args.file));
}

/** State of an array: (version, shape, dtype, Fortran order, bytes). */
export function buildNdArray(target: PickleNdArray, state: Arguments): void {
  const shape = state.sizes(1);
  const type = state.of(2, PickleDType);
  if (type.dtype === null) return;
  target.array = arrayOf(state, type, shape, state.items[3] === true, storageOf(state, 4));
}

function fromBuffer(args: Arguments): PickleNdArray {
  const made = new PickleNdArray();
  const type = args.of(1, PickleDType);
  if (type.dtype !== null) {
    made.array = arrayOf(args, type, args.sizes(2), args.items[3] === "F", storageOf(args, 0));
  }
  return made;
}

function arrayOf(
  args: Arguments,
  { dtype, littleEndian }: PickleDType,
  shape: readonly number[],
  fortran: boolean,
  storage: ArrayStorage,
): StridedArray {
  const strides = fortran ? columnMajorStrides(shape) : undefined;
  return new StridedArray(dtype!, shape, storage, strides, 0, littleEndian, args.file);
}

/** Bytes, or the str of Python 2. */
function storageOf(args: Arguments, k: number): ArrayStorage {
  const value = args.items[k];
  if (value instanceof PickleBytes) {
    return { source: value.source, position: value.position, byteLength: value.length };
  }
  if (typeof value === "string") return memoryStorage(latin1Bytes(value, args), args.file);
  if (Array.isArray(value)) throw args.bad("Python objects instead of numbers");
  throw args.bad(`something else than bytes as argument ${k + 1}`);
}

/** How protocols 0 to 2 of Python 3 store bytes. */
function encodeLatin1(args: Arguments): PickleBytes {
  const text = args.text(0);
  const encoding = args.text(1);
  if (encoding !== "latin1" && encoding !== "latin-1")
    throw args.bad(`the encoding "${encoding.slice(0, 20)}"`);
  const bytes = latin1Bytes(text, args);
  return new PickleBytes(memoryStorage(bytes, args.file).source!, 0, bytes.length);
}

function latin1Bytes(text: string, args: Arguments): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) {
    const code = text.charCodeAt(k);
    if (code > 255) throw args.bad("a text that is not Latin-1");
    bytes[k] = code;
  }
  return bytes;
}
