import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, extname, join } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { writeFileAtomicSync, writeFilesAtomicSync } from "./atomic-write.js";
import { type Hdf5File, loadHdf5, withHdf5 } from "./hdf5.js";
import { encodeHdf5 } from "./hdf5-write.js";
import { encodeNpy, encodeNpyTexts, readNpyFloat64 } from "./npy.js";

/** Numbers, or texts, under a name such as `O H/bias_atom_energy`. */
export interface StoredNumbers {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}
type Stored = StoredNumbers | readonly string[];

/**
 * Arrays by name as DeePMD-kit keeps statistics (spec 1.10): datasets of one HDF5 file, or npy files without an ending in
 * folders.
 */
export interface StatisticsStore {
  /** As the user named it. */
  readonly path: string;
  has(name: string): boolean;
  /** Errors: FORMAT where there are no numbers of this name, FILE. */
  numbers(name: string): StoredNumbers;
  put(name: string, array: Stored): void;
  /** Writes what was put since it was opened; nothing where that is nothing. Errors: FILE. */
  save(): Promise<void>;
}

/** Whether statistics of this path are a folder: it is one, or will be for want of the ending of an HDF5 file. */
export function isStatisticsFolder(path: string): boolean {
  const place = withHome(path);
  if (existsSync(place)) return statSync(place).isDirectory();
  return ![".h5", ".hdf5"].includes(extname(place).toLowerCase());
}

/**
 * Opens statistics; what does not exist is empty.
 *
 * Errors: FILE, FORMAT for what is no HDF5 file.
 */
export async function openStatistics(path: string): Promise<StatisticsStore> {
  const place = withHome(path);
  if (isStatisticsFolder(path)) return new FolderStatistics(path, place);
  await loadHdf5();
  const kept = existsSync(place)
    ? withHdf5(place, (file) => [...arraysOf(file, "")])
    : ([] as readonly (readonly [string, Stored])[]);
  return new Hdf5Statistics(path, place, new Map(kept));
}

/** Whether there are statistics at all. */
export function hasStatistics(path: string): boolean {
  return existsSync(withHome(path));
}

function withHome(path: string): string {
  return path.replace(/^~(?=\/|$)/, homedir());
}

function missing(path: string, name: string): AtomgradError {
  return new AtomgradError(
    "FORMAT",
    `${basename(path)}: ${name} holds no numbers; remove the file and run again`,
  );
}

class FolderStatistics implements StatisticsStore {
  private readonly fresh = new Map<string, Stored>();

  constructor(
    readonly path: string,
    private readonly place: string,
  ) {}

  has(name: string): boolean {
    return this.fresh.has(name) || existsSync(join(this.place, name));
  }

  numbers(name: string): StoredNumbers {
    const own = this.fresh.get(name);
    if (own !== undefined && "shape" in own) return own;
    return readNpyFloat64(join(this.place, name));
  }

  put(name: string, array: Stored): void {
    this.fresh.set(name, array);
  }

  save(): Promise<void> {
    const files = [...this.fresh].map(([name, array]) => ({
      path: join(this.place, name),
      content: "shape" in array ? encodeNpy({ dtype: "f8", ...array }) : encodeNpyTexts(array),
    }));
    if (files.length > 0) writeFilesAtomicSync(files);
    return Promise.resolve();
  }
}

class Hdf5Statistics implements StatisticsStore {
  private changed = false;

  constructor(
    readonly path: string,
    private readonly place: string,
    private readonly arrays: Map<string, Stored>,
  ) {}

  has(name: string): boolean {
    return this.arrays.has(name);
  }

  numbers(name: string): StoredNumbers {
    const found = this.arrays.get(name);
    if (found === undefined || !("shape" in found)) throw missing(this.path, name);
    return found;
  }

  put(name: string, array: Stored): void {
    this.changed = true;
    this.arrays.set(name, array);
  }

  async save(): Promise<void> {
    if (this.changed) writeFileAtomicSync(this.place, await encodeHdf5(this.arrays, {}));
  }
}

function* arraysOf(file: Hdf5File, group: string): Generator<[string, Stored]> {
  for (const key of file.keys(group)) {
    const name = group === "" ? key : `${group}/${key}`;
    if (file.isGroup(name)) {
      yield* arraysOf(file, name);
      continue;
    }
    const dataset = file.dataset(group, key)!;
    const texts = dataset.texts();
    if (texts !== null) yield [name, texts];
    else if (dataset.dtype !== null) yield [name, { shape: dataset.shape, data: dataset.numbers() }];
    else throw missing(file.name, name);
  }
}
