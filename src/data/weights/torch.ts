import { AtomgradError } from "../../tensor/error.js";
import { fileLimits, PickleStorage, unpickle } from "../pickle/index.js";
import type { PickleValue, UnpickleMode } from "../pickle/index.js";
import { ByteReader } from "../pickle/byte-reader.js";
import { loadStorageStream, parseStorageId, storageBytes } from "../pickle/torch-stream.js";
import type { ByteSource } from "../read-file.js";
import type { ArrayStorage } from "../strided-array.js";
import { readZip } from "../zip.js";
import type { ZipEntry } from "../zip.js";

/** What a zip file of torch.save or TorchScript holds. */
export interface TorchFile {
  readonly scripted: boolean;
  readonly root: PickleValue;
  /** TorchScript's constants; null for torch.save. */
  readonly constants: PickleValue;
}

/** The folder of an archive that holds PyTorch's pickle, with its slash; null when the archive is of another kind. */
export function torchPrefix(entries: ReadonlyMap<string, ZipEntry>): string | null {
  for (const name of entries.keys()) {
    if (/^(?:[^/]+\/)?data\.pkl$/.test(name)) return name.slice(0, -"data.pkl".length);
  }
  return null;
}

/**
 * Reads a zip file of torch.save (from PyTorch 1.6) or of TorchScript. Tensors refer to their storages in the file,
 * which are read when asked for.
 *
 * @throws AtomgradError FORMAT
 */
export function readTorchZip(
  source: ByteSource,
  mode: UnpickleMode,
  entries: ReadonlyMap<string, ZipEntry> = readZip(source),
): TorchFile {
  const prefix = torchPrefix(entries);
  if (prefix === null)
    throw new AtomgradError("FORMAT", `${source.name}: a zip archive without PyTorch's data.pkl`);
  const order = entries.get(`${prefix}byteorder`);
  if (order !== undefined && textOf(order) !== "little") {
    throw new AtomgradError(
      "FORMAT",
      `${source.name}: written on a big-endian machine; save it on a little-endian one`,
    );
  }
  const constants = entries.get(`${prefix}constants.pkl`);
  return {
    scripted: constants !== undefined,
    root: readPart(source, entries, `${prefix}data.pkl`, `${prefix}data/`, mode),
    constants:
      constants === undefined ? null : readPart(source, entries, constants.name, `${prefix}constants/`, mode),
  };
}

function readPart(
  source: ByteSource,
  entries: ReadonlyMap<string, ZipEntry>,
  pickle: string,
  folder: string,
  mode: UnpickleMode,
): PickleValue {
  const storages = new Map<string, ArrayStorage>();
  const persistent = (id: PickleValue): PickleStorage => {
    const parsed = parseStorageId(id, source.name);
    const entry = entries.get(folder + parsed.key);
    const needed = storageBytes(parsed);
    if (entry === undefined || entry.size < needed) {
      const held =
        entry === undefined ? "is missing from the archive" : `has ${entry.size} bytes instead of ${needed}`;
      throw new AtomgradError(
        "FORMAT",
        `${source.name}: storage ${JSON.stringify(parsed.key.slice(0, 40))} ${held}`,
      );
    }
    let storage = storages.get(parsed.key);
    if (storage === undefined) {
      storage = { source: lazySource(entry, source.name), position: 0, byteLength: entry.size };
      storages.set(parsed.key, storage);
    }
    return new PickleStorage(storage, parsed.dtype);
  };
  const reader = new ByteReader(entries.get(pickle)!.open());
  return unpickle(reader, { limits: fileLimits, mode, persistent, loadStream: loadStorageStream });
}

/** Opens an entry when its bytes are first wanted: thousands of tensors need not be looked at to be listed. */
function lazySource(entry: ZipEntry, name: string): ByteSource {
  return { name, size: entry.size, read: (target, position) => entry.open().read(target, position) };
}

function textOf(entry: ZipEntry): string {
  const source = entry.open();
  const bytes = new Uint8Array(Math.min(64, source.size));
  source.read(bytes, 0);
  return new TextDecoder().decode(bytes).trim();
}
