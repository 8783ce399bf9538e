import { AtomgradError } from "../../tensor/error.js";
import {
  PickleDict,
  PickleGlobal,
  PickleNdArray,
  PickleObject,
  PickleScalar,
  PickleTuple,
} from "../pickle/index.js";
import type { PickleValue } from "../pickle/index.js";

/** The attributes of a PyG `Data` object, whichever version wrote it: one flat map, entries that are None left out. */
export type PygRecord = ReadonlyMap<string, PickleValue>;

/** Whether a value of a pickle is an object of PyG that holds attributes. */
export function isPygObject(value: PickleValue | undefined): value is PickleObject {
  return value instanceof PickleObject && value.type.module.startsWith("torch_geometric.data");
}

/**
 * The attributes of a record. PyG before 2.0 keeps them as the object's state; later versions in `_store`, whose
 * `_parent` points back at the object, so that nothing here walks the whole graph.
 *
 * @throws AtomgradError FORMAT when the value is no PyG object and no dict
 */
export function pygRecord(value: PickleValue, name: string): PygRecord {
  if (value instanceof PickleDict) return attributes(value.entries);
  if (!isPygObject(value)) {
    throw new AtomgradError("FORMAT", `${name}: holds no Data object of PyTorch Geometric and no dict`);
  }
  const store = value.state.get("_store");
  if (store === undefined) return attributes(value.state);
  const mapping = store instanceof PickleObject ? store.state.get("_mapping") : undefined;
  if (mapping instanceof PickleDict) return attributes(mapping.entries);
  throw new AtomgradError(
    "FORMAT",
    `${name}: a Data object of PyTorch Geometric whose _store holds no attributes`,
  );
}

/** Whether a pickle holds records of PyG: one object, a list of them, or a saved InMemoryDataset. */
export function holdsPygRecords(root: PickleValue): boolean {
  const items = listOf(root);
  if (items === null) return isPygObject(root);
  return items.length > 0 && (items.every(isPygObject) || isSavedDataset(items));
}

/** The records of a list or tuple of Data objects; null for anything else. */
export function pygList(value: PickleValue, name: string): PygRecord[] | null {
  const items = listOf(value);
  if (items === null || items.length === 0 || !items.every(isPygObject)) return null;
  return items.map((item, k) => pygRecord(item, `${name}, record ${k}`));
}

/** What InMemoryDataset.save writes: (attributes or Data, slices[, class]). */
export function isSavedDataset(items: readonly PickleValue[]): boolean {
  const [data, slices, type] = items;
  if (items.length < 2 || items.length > 3 || !(slices instanceof PickleDict)) return false;
  return isPygObject(data) || (data instanceof PickleDict && type instanceof PickleGlobal);
}

function listOf(value: PickleValue): readonly PickleValue[] | null {
  if (value instanceof PickleTuple) return value.items;
  return Array.isArray(value) ? value : null;
}

function attributes(entries: ReadonlyMap<PickleValue, PickleValue>): PygRecord {
  const found = new Map<string, PickleValue>();
  for (const [key, value] of entries) {
    if (
      typeof key !== "string" ||
      value === null ||
      /^_(?:_num_nodes__|edge_attr_cls|tensor_attr_cls)$/.test(key)
    )
      continue;
    found.set(key, plainValue(value));
  }
  return found;
}

/** NumPy arrays and scalars become the same arrays as tensors. */
function plainValue(value: PickleValue): PickleValue {
  if (value instanceof PickleScalar) return value.array;
  if (value instanceof PickleNdArray && value.array !== null) return value.array;
  return value;
}
