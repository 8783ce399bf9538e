import { AtomgradError } from "../../tensor/error.js";
import { PickleDict, PickleObject, PickleTuple } from "../pickle/index.js";
import type { PickleValue } from "../pickle/index.js";
import { memoryStorage, StridedArray } from "../strided-array.js";
import type { PygRecord } from "./pyg.js";
import { isPygObject, isSavedDataset, pygList, pygRecord } from "./pyg.js";

/** Attributes that a batch adds to those of its records. */
const batchAttributes: ReadonlySet<string> = new Set(["batch", "ptr"]);

/**
 * The records of whatever PyG users save: one Data object, a list of them, a Batch, or an InMemoryDataset
 * (attributes and slices).
 *
 * @throws AtomgradError FORMAT
 */
export function pygRecords(root: PickleValue, name: string): PygRecord[] {
  const list = pygList(root, name);
  if (list !== null) return list;
  const items: readonly PickleValue[] =
    root instanceof PickleTuple ? root.items : Array.isArray(root) ? root : [];
  if (isSavedDataset(items)) {
    return separate(pygRecord(items[0], name), dictOf(items[1]), new Map(), name);
  }
  const record = pygRecord(root, name);
  const slices = isPygObject(root) ? storeState(root, "_slice_dict") : undefined;
  if (slices instanceof PickleDict) {
    return separate(record, dictOf(slices), dictOf(storeState(root as PickleObject, "_inc_dict")), name);
  }
  if (isPygObject(root) && /Batch$/.test(root.type.name) && record.has("ptr")) {
    throw new AtomgradError(
      "FORMAT",
      `${name}: a Batch without its slices; save a list of Data objects (batch.to_data_list())`,
    );
  }
  return [record];
}

function storeState(object: PickleObject, key: string): PickleValue | undefined {
  const store = object.state.get("_store");
  const inStore = store instanceof PickleObject ? store.state.get(key) : undefined;
  return inStore ?? object.state.get(key);
}

function dictOf(value: PickleValue | undefined): ReadonlyMap<PickleValue, PickleValue> {
  return value instanceof PickleDict ? value.entries : new Map<PickleValue, PickleValue>();
}

/** Cuts concatenated attributes at their boundaries and takes the atom offsets out of edge indices. */
function separate(
  batch: PygRecord,
  slices: ReadonlyMap<PickleValue, PickleValue>,
  increments: ReadonlyMap<PickleValue, PickleValue>,
  name: string,
): PygRecord[] {
  const bad = (what: string): AtomgradError => new AtomgradError("FORMAT", `${name}: a batch ${what}`);
  let count = -1;
  const records: Map<string, PickleValue>[] = [];
  for (const [key, boundaries] of slices) {
    const value = typeof key === "string" ? batch.get(key) : undefined;
    if (typeof key !== "string" || value === undefined || batchAttributes.has(key)) continue;
    const cuts = numbersOf(boundaries);
    if (cuts === null || cuts.length < 2) throw bad(`whose slices of ${key} cannot be understood`);
    if (count < 0) for (count = cuts.length - 1; records.length < count;) records.push(new Map());
    if (cuts.length !== count + 1) throw bad(`of ${count} records with ${cuts.length - 1} slices of ${key}`);
    const shifts = numbersOf(increments.get(key) ?? null);
    records.forEach((record, k) => {
      const part = cut(value, key, cuts[k], cuts[k + 1], shifts?.[k] ?? 0);
      if (part === null) throw bad(`whose attribute ${key} is shorter than its slices say`);
      record.set(key, part);
    });
  }
  if (count < 0) throw bad("without slices");
  return records;
}

function numbersOf(value: PickleValue): number[] | null {
  if (value instanceof StridedArray && value.shape.length === 1) return [...value.float64()];
  if (Array.isArray(value)) return value.map((item) => (typeof item === "number" ? item : NaN));
  return null;
}

/** Entries `start` to `end` along the axis on which PyG concatenates: the last one for indices, else the first. */
function cut(value: PickleValue, key: string, start: number, end: number, shift: number): PickleValue | null {
  if (Array.isArray(value)) {
    if (!(end === start + 1 && start < value.length)) return null;
    return value[start];
  }
  if (!(value instanceof StridedArray)) return value;
  const axis = /index|face/.test(key) ? value.shape.length - 1 : 0;
  if (!(start >= 0 && end >= start && end <= value.shape[axis])) return null;
  const { dtype, storage, strides, offset, littleEndian } = value;
  const shape = value.shape.map((size, k) => (k === axis ? end - start : size));
  const part = new StridedArray(dtype, shape, storage, strides, offset + start * strides[axis], littleEndian);
  return shift === 0 || dtype !== "int64" ? part : shifted(part, shift);
}

function shifted(array: StridedArray, shift: number): StridedArray {
  const numbers = array.numbers() as BigInt64Array;
  for (let k = 0; k < numbers.length; k++) numbers[k] -= BigInt(shift);
  return new StridedArray("int64", array.shape, memoryStorage(new Uint8Array(numbers.buffer), "batch"));
}
