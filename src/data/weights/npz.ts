import { AtomgradError } from "../../tensor/error.js";
import { parseNpyHeader } from "../npy-header.js";
import type { NpyDType } from "../npy-header.js";
import type { ByteSource } from "../read-file.js";
import { readPart } from "../slice-source.js";
import { columnMajorStrides, StridedArray } from "../strided-array.js";
import type { ArrayDType } from "../strided-array.js";
import { readZip } from "../zip.js";
import type { ZipEntry } from "../zip.js";
import { tensorOf } from "./weights.js";
import type { WeightTensor } from "./weights.js";

const dtypes: Readonly<Record<NpyDType, ArrayDType>> = {
  f2: "float16",
  f4: "float32",
  f8: "float64",
  c8: "complex64",
  c16: "complex128",
  i1: "int8",
  i2: "int16",
  i4: "int32",
  i8: "int64",
  u1: "uint8",
  u2: "uint16",
  u4: "uint32",
  u8: "uint64",
  bool: "bool",
};

/** Whether the entries of a zip archive are those of numpy.savez. */
export function isNpz(entries: ReadonlyMap<string, ZipEntry>): boolean {
  return entries.size > 0 && [...entries.keys()].every((name) => name.endsWith(".npy"));
}

/** The arrays of an npz file, in its order, named without `.npy`. Text and Python objects are named, never read. */
export function npzWeights(
  source: ByteSource,
  entries: ReadonlyMap<string, ZipEntry> = readZip(source),
): WeightTensor[] {
  return [...entries.values()].map((entry) => npzTensor(entry));
}

/** The array of an npy file that is held open. Errors: FORMAT, DTYPE for items that are no numbers. */
export function npyTensor(name: string, source: ByteSource): WeightTensor {
  const { dtype, littleEndian, fortranOrder, shape, offset } = parseNpyHeader(source);
  const strides = fortranOrder ? columnMajorStrides(shape) : undefined;
  const storage = { source, position: offset, byteLength: source.size - offset };
  return tensorOf(
    name,
    new StridedArray(dtypes[dtype], shape, storage, strides, 0, littleEndian, source.name),
  );
}

function npzTensor(entry: ZipEntry): WeightTensor {
  const name = entry.name.replace(/\.npy$/, "");
  const opened = entry.open();
  try {
    return npyTensor(name, { ...opened, read: (target, at) => entry.open().read(target, at) });
  } catch (error) {
    if (!(error instanceof AtomgradError) || error.code !== "DTYPE") throw error;
    return foreignTensor(name, opened, error);
  }
}

/** An array whose items are no numbers: its type and shape can still be told. */
function foreignTensor(name: string, source: ByteSource, error: AtomgradError): WeightTensor {
  const text = new TextDecoder("latin1").decode(readPart(source, 0, Math.min(source.size, 4096)));
  const descr = /'descr': '([^']{1,20})'/.exec(text)?.[1];
  const shape = /'shape': \(([\d, ]*)\)/.exec(text)?.[1];
  if (descr === undefined || shape === undefined) throw error;
  const sizes = shape.split(",").filter((size) => size.trim() !== "");
  return { name, shape: sizes.map(Number), dtype: foreignName(descr), array: null };
}

function foreignName(descr: string): string {
  const code = descr.replace(/^[<>|=]/, "");
  return code.startsWith("O") ? "object" : code;
}
