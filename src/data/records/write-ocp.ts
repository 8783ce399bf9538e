import { AtomgradError } from "../../tensor/error.js";
import { hostIsLittleEndian } from "../byte-order.js";
import { looksPerAtom } from "../looks-per-atom.js";
import { writeLmdbSync } from "../lmdb/writer.js";
import { PickleFloat } from "../pickle/index.js";
import type { PickleValue } from "../pickle/index.js";
import { PickleWriter } from "../pickle/write.js";
import { memoryStorage, StridedArray } from "../strided-array.js";
import type { ArrayDType } from "../strided-array.js";
import type { Field, Structure } from "../structure.js";
import { frameFields, sourceRecord } from "./graph-structure.js";

/**
 * Writes an LMDB file (data format 1) of records that fairchem and PyTorch Geometric from 2.0 on open: one pickled
 * `Data` per structure under the keys 0, 1, 2, ..., and `length`. A structure that came from such a record keeps all its
 * attributes as they were; others get pos, cell [1, 3, 3], atomic_numbers, natoms, energy, forces, tags, fixed (single
 * precision, as OCP has them; energy, stress and virial [1, 3, 3] in double) and their further fields; `atomgrad_frame_fields` names
 * the arrays among these that are of the frame, which shapes cannot tell.
 */
export function writeOcpLmdb(path: string, structures: Iterable<Structure>): void {
  writeLmdbSync(path, records(structures));
}

function* records(structures: Iterable<Structure>): Generator<readonly [string, Uint8Array]> {
  let count = 0;
  for (const structure of structures) {
    const label = `record ${count}`;
    yield [String(count++), pickledData(attributesOf(structure, label), label)];
  }
  const length = new PickleWriter();
  length.value(count, "length");
  yield ["length", length.finish()];
}

/** The attributes of a structure's record, by name. */
export function attributesOf(structure: Structure, label: string): ReadonlyMap<string, PickleValue> {
  const source = sourceRecord(structure);
  return source === undefined ? madeAttributes(structure, label) : withBatchAxis(source);
}

/** The attributes as they were, but for a cell [3, 3] (PyG's pickles outside OCP), which OCP has as [1, 3, 3]. */
function withBatchAxis(source: ReadonlyMap<string, PickleValue>): ReadonlyMap<string, PickleValue> {
  const cell = source.get("cell");
  if (!(cell instanceof StridedArray) || cell.shape.length !== 2) return source;
  const { dtype, storage, strides, offset, littleEndian } = cell;
  const shape = [1, ...cell.shape];
  const stacked = new StridedArray(dtype, shape, storage, [cell.count, ...strides], offset, littleEndian);
  return new Map([...source].map(([key, value]) => [key, key === "cell" ? stacked : value]));
}

/** A `Data` object of PyG 2: its attributes stand in a GlobalStorage, which points back at it. */
export function pickledData(attributes: ReadonlyMap<string, PickleValue>, label: string): Uint8Array {
  const writer = new PickleWriter();
  writer.global("torch_geometric.data.data", "Data");
  writer.put(0x29, 0x81);
  const data = writer.memoize();
  writer.put(0x7d, 0x28);
  writer.text("_edge_attr_cls");
  writer.global("torch_geometric.data.data", "DataEdgeAttr");
  writer.text("_tensor_attr_cls");
  writer.global("torch_geometric.data.data", "DataTensorAttr");
  writer.text("_store");
  writer.global("torch_geometric.data.storage", "GlobalStorage");
  writer.put(0x29, 0x81, 0x7d, 0x28);
  writer.text("_mapping");
  writer.dict(attributes, label);
  writer.text("_parent");
  writer.recall(data);
  writer.put(0x75, 0x62, 0x75, 0x62);
  return writer.finish();
}

function madeAttributes(structure: Structure, label: string): Map<string, PickleValue> {
  const { atomicNumbers, positions, cell, pbc, energy, forces, tags, fixed } = structure;
  const atoms = atomicNumbers.length;
  const unknown = atomicNumbers.findIndex((number) => number < 1);
  if (unknown >= 0) {
    const what =
      atomicNumbers[unknown] < 0 ? "a virtual atom" : (structure.species?.[unknown] ?? "no element");
    throw new AtomgradError("VALUE", `${label}: atom ${unknown} is ${what}; ocp-lmdb holds elements only`);
  }
  const out = new Map<string, PickleValue>([
    ["pos", single(positions, [atoms, 3])],
    ["atomic_numbers", single(atomicNumbers, [atoms])],
    ["natoms", atoms],
  ]);
  if (cell !== null) out.set("cell", single(cell, [1, 3, 3]));
  if (cell === null ? pbc.some(Boolean) : !pbc.every(Boolean)) out.set("pbc", single(pbc.map(Number), [3]));
  if (tags !== null) out.set("tags", arrayOf("int64", BigInt64Array.from(tags, BigInt), [atoms]));
  if (fixed !== null) out.set("fixed", single(fixed, [atoms]));
  if (energy !== null) out.set("energy", new PickleFloat(energy));
  if (forces !== null) out.set("forces", single(forces, [atoms, 3]));
  for (const key of ["stress", "virial"] as const) {
    const matrix = structure[key];
    if (matrix !== null) out.set(key, arrayOf("float64", matrix, [1, 3, 3]));
  }
  for (const [key, field] of [...structure.arrays, ...structure.info]) {
    const value = out.has(key) ? null : valueOf(field);
    if (value !== null) out.set(key, value);
  }
  // In every record that has such fields, not where it matters only: PyG batches records of the same attributes.
  const ofFrame = [...structure.info].filter(([, { shape }]) => shape.length > 0).map(([key]) => key);
  const isUnclear = [...structure.arrays].some(([key, { shape }]) => !looksPerAtom(key, shape, atoms));
  if (ofFrame.length > 0 || isUnclear) out.set(frameFields, ofFrame);
  return out;
}

function single(values: ArrayLike<number>, shape: readonly number[]): StridedArray {
  return arrayOf("float32", Float32Array.from(values), shape);
}

function arrayOf(dtype: ArrayDType, data: ArrayBufferView, shape: readonly number[]): StridedArray {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new StridedArray(dtype, shape, memoryStorage(bytes, "record"), undefined, 0, hostIsLittleEndian);
}

/** A field as PyG users hold it: plain numbers and texts, else tensors; lists of texts as lists. */
function valueOf({ kind, shape, data }: Field): PickleValue {
  if (shape.length === 0) {
    const value = data[0];
    if (typeof value === "string" || typeof value === "bigint") return value;
    if (kind === "boolean") return value !== 0;
    return kind === "real" ? new PickleFloat(value) : value;
  }
  if (kind === "text" || kind === "json") return [...(data as readonly string[])];
  if (kind === "boolean") return arrayOf("bool", Uint8Array.from(data as ArrayLike<number>), shape);
  if (data instanceof Float32Array) return arrayOf("float32", data, shape);
  if (kind === "real") return arrayOf("float64", Float64Array.from(data as ArrayLike<number>), shape);
  if (data instanceof Int32Array) return arrayOf("int32", data, shape);
  return arrayOf("int64", BigInt64Array.from(data as ArrayLike<bigint>, BigInt), shape);
}
