import { AtomgradError } from "../../tensor/error.js";
import type { ByteSource } from "../read-file.js";
import { arrayItemBytes } from "../strided-array.js";
import type { ArrayDType, ArrayStorage } from "../strided-array.js";
import { ByteReader } from "./byte-reader.js";
import type { UnpickleMode } from "./constructors.js";
import { storageDType } from "./torch.js";
import { recordLimits } from "./limits.js";
import { usualStorage } from "./usual-storage.js";
import type { PickleLimits } from "./limits.js";
import { unpickle } from "./unpickler.js";
import { PickleDict, PickleStorage, PickleTuple } from "./values.js";
import type { PickleBytes, PickleValue } from "./values.js";

const magic = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];

/** Whether a source begins like a file of torch.save before version 1.6 (or a storage inside a plain pickle). */
export function isTorchStream(source: ByteSource): boolean {
  if (source.size < magic.length) return false;
  const start = new Uint8Array(magic.length);
  source.read(start, 0);
  return magic.every((byte, k) => start[k] === byte);
}

/** The parts of a persistent id of torch.save: ('storage', class, key, location, items[, view]). */
export interface StorageId {
  readonly dtype: ArrayDType | null;
  readonly key: string;
  /** Number of items; bytes where `dtype` is null. */
  readonly items: number;
  readonly view: PickleValue;
}

/** Reads a persistent id; its location ("cpu", "cuda:0") does not matter. */
export function parseStorageId(id: PickleValue, file: string): StorageId {
  const [kind, type, key, , items, view = null] = id instanceof PickleTuple ? id.items : [];
  const dtype = storageDType(type);
  if (
    kind !== "storage" ||
    dtype === undefined ||
    typeof key !== "string" ||
    typeof items !== "number" ||
    items < 0
  ) {
    throw new AtomgradError("FORMAT", `${file}: a tensor refers to something that is no storage of PyTorch`);
  }
  return { dtype, key, items, view };
}

/** Bytes of a storage. */
export function storageBytes({ dtype, items }: StorageId): number {
  return items * (dtype === null ? 1 : arrayItemBytes(dtype));
}

/**
 * Reads a stream of torch.save before version 1.6: magic number, protocol, machine facts, the object, the keys of its
 * storages, and their raw bytes, to which the tensors of the object then refer.
 *
 * @throws AtomgradError FORMAT
 */
export function readTorchStream(source: ByteSource, mode: UnpickleMode, limits: PickleLimits): PickleValue {
  const reader = new ByteReader(source);
  const plain = { limits, mode };
  const bad = (what: string): AtomgradError =>
    new AtomgradError("FORMAT", `${source.name}: a torch.save stream ${what}`);
  if (unpickle(reader, plain) !== 0x1950a86a20f9469cfc6cn) throw bad("without its magic number");
  if (unpickle(reader, plain) !== 1001) throw bad("of an unknown protocol; 1001 is the known one");
  const facts = unpickle(reader, plain);
  if (!(facts instanceof PickleDict) || facts.get("little_endian") !== true) {
    throw bad("that is not little-endian; save it again on a little-endian machine");
  }
  const storages = new Map<string, { storage: ArrayStorage; width: number }>();
  const persistent = (id: PickleValue): PickleValue => {
    if (id instanceof PickleTuple && id.items[0] === "module") return id.items[1];
    const parsed = parseStorageId(id, source.name);
    const byteLength = storageBytes(parsed);
    if (byteLength > source.size)
      throw bad(`with a storage of ${parsed.items} items, more than the file can hold`);
    const width = parsed.dtype === null ? 1 : arrayItemBytes(parsed.dtype);
    let known = storages.get(parsed.key);
    if (known === undefined) {
      known = { storage: { source: null, position: 0, byteLength }, width };
      storages.set(parsed.key, known);
    }
    return new PickleStorage(known.storage, parsed.dtype, viewStart(parsed.view, width, bad));
  };
  const object = unpickle(reader, { ...plain, persistent });
  locate(reader, storages, unpickle(reader, plain), bad);
  return object;
}

/** Finds the bytes of every storage, which follow the pickles in the order of the key list. */
function locate(
  reader: ByteReader,
  storages: ReadonlyMap<string, { storage: ArrayStorage; width: number }>,
  keys: PickleValue,
  bad: (what: string) => AtomgradError,
): void {
  if (!Array.isArray(keys)) throw bad("without the list of its storages");
  for (const key of keys) {
    const known = typeof key === "string" ? storages.get(key) : undefined;
    if (known === undefined) throw bad("whose list of storages names one that no tensor uses");
    const items = reader.u64();
    if (items * known.width !== known.storage.byteLength)
      throw bad("whose storages are not as long as its tensors say");
    known.storage.position = reader.region(known.storage.byteLength).position;
    known.storage.source = reader.source;
  }
}

function viewStart(view: PickleValue, width: number, bad: (what: string) => AtomgradError): number {
  if (view === null) return 0;
  const offset = view instanceof PickleTuple ? view.items[1] : null;
  if (typeof offset !== "number" || offset < 0)
    throw bad("with a view of a storage that cannot be understood");
  return offset * width;
}

/**
 * The storage inside a plain pickle of a tensor: bytes that are a complete torch.save stream of that storage.
 * Streams inside streams are refused.
 */
export function loadStorageStream(bytes: PickleBytes): PickleStorage {
  const { source, position, length } = bytes;
  const part: ByteSource = {
    name: source.name,
    size: length,
    memory: source.memory?.subarray(position, position + length),
    read(target, at) {
      if (at + target.length > length)
        throw new AtomgradError("FORMAT", `${source.name}: a storage was cut short`);
      source.read(target, position + at);
    },
  };
  const value = usualStorage(part) ?? readTorchStream(part, "data", recordLimits);
  if (value instanceof PickleStorage) return value;
  throw new AtomgradError("FORMAT", `${source.name}: a torch.save stream inside a pickle that is no storage`);
}
