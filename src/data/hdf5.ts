import type * as h5wasm from "h5wasm";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { modulePath } from "../backends/cpu/addon.js";
import { AtomgradError } from "../tensor/error.js";
import { type ByteSource, openFile } from "./read-file.js";

/** A dataset is read into memory whole, or by rows. */
const largestDataset = 2 ** 31 - 1;

/** What a refused file leaves behind in the library (memory, handles) goes with the instance, after so many or so much. */
const mostRefused = 256;
const mostHeap = 48 * 2 ** 20;

type Module = Awaited<typeof h5wasm.ready>;

/** An instance of the library: a WebAssembly memory, its functions, and the files open in it. */
interface Instance {
  readonly library: typeof h5wasm;
  readonly module: Module;
  open: number;
  refused: number;
  /** A damaged file made the library stop in the middle of its work: its memory is not to be trusted any more. */
  isBroken: boolean;
}

let current: Instance | null = null;
let fileNumber = 0;

/** Loads the HDF5 library, anew where damaged files have broken or filled it; `withHdf5` needs it. */
export async function loadHdf5(): Promise<void> {
  if (current === null) {
    const library = await import("h5wasm");
    const module = await library.ready;
    Object.assign(module, { onAbort: giveUp });
    current ??= { library, module, open: 0, refused: 0, isBroken: false };
  } else if (isSpent(current)) current = await renewed(current);
}

function isSpent({ module, open, refused, isBroken }: Instance): boolean {
  return isBroken || (open === 0 && (refused >= mostRefused || module.HEAPU8.length > mostHeap));
}

/** Stands in for the library's own message about its end, which it would print. */
function giveUp(): never {
  throw new RangeError("the HDF5 library gave up");
}

/**
 * The library reaches its instance through one object only. Emptied, with the new instance as prototype, that object hands
 * on to it, and the memory of the old one is free. Bundled where its parts cannot be found, it goes on with the old one.
 */
async function renewed(old: Instance): Promise<Instance> {
  const folders = createRequire(modulePath(import.meta.url)).resolve.paths("h5wasm") ?? [];
  const file = folders
    .map((folder) => join(folder, "h5wasm", "dist", "esm", "hdf5_util.js"))
    .find((path) => existsSync(path));
  if (file === undefined) return old;
  const { default: make } = (await import(pathToFileURL(file).href)) as {
    default: (options: object) => Promise<Module>;
  };
  const fresh = await make({ noInitialRun: true, onAbort: giveUp });
  const front = await old.library.ready;
  for (const name of Object.keys(front)) Reflect.deleteProperty(front, name);
  Object.setPrototypeOf(front, fresh);
  return { library: old.library, module: fresh, open: 0, refused: 0, isBroken: false };
}

/** A path with the group behind its `#`, null where none is given. */
export function splitHdf5Path(path: string): [file: string, group: string | null] {
  const at = path.indexOf("#");
  return at < 0 ? [path, null] : [path.slice(0, at), path.slice(at + 1).replace(/^\/+|\/+$/g, "")];
}

/** Whether bytes begin as those of an HDF5 file. */
export function isHdf5(bytes: Uint8Array): boolean {
  return [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a].every((byte, k) => bytes[k] === byte);
}

/**
 * Opens an HDF5 file for a generator and closes it behind it. `loadHdf5` must have been awaited.
 *
 * Errors: FILE; FORMAT for what the HDF5 library cannot read.
 */
export function* withHdf5<T>(path: string, use: (file: Hdf5File) => Iterable<T>): Generator<T> {
  const name = basename(path);
  if (current === null) throw new Error("loadHdf5 comes before withHdf5");
  const instance = current;
  const source = openFile(path);
  const inside = `data-${fileNumber++}.h5`;
  let file: h5wasm.File | null = null;
  instance.open++;
  try {
    placeFile(instance.module, inside, source);
    file = guarded(instance, name, () => new instance.library.File(inside, "r"));
    yield* use(new Hdf5File(instance, file, name, source.size));
  } finally {
    instance.open--;
    try {
      if (instance === current) file?.close();
    } catch {
      // A damaged file may not even close.
    }
    instance.module.FS.unlink(inside);
    source.close();
  }
}

/** What is used of the file system of the library's WebAssembly module (Emscripten's MEMFS). */
interface FileNode {
  stream_ops: Readonly<Record<string, unknown>>;
}
interface FileSystem {
  createFile(folder: string, name: string, properties: object, canRead: boolean, canWrite: boolean): FileNode;
}

/**
 * Makes a file of the disk the only file the library sees: what it asks for is read from the disk, and no path in the file
 * leads anywhere.
 */
function placeFile(module: Module, name: string, source: ByteSource): void {
  const node = (module.FS as unknown as FileSystem).createFile("/", name, {}, true, false);
  Object.defineProperty(node, "usedBytes", { value: source.size });
  const read = (_: unknown, buffer: Int8Array, offset: number, length: number, position: number): number => {
    const count = Math.max(0, Math.min(length, source.size - position));
    source.read(new Uint8Array(buffer.buffer, buffer.byteOffset + offset, count), position);
    return count;
  };
  node.stream_ops = { ...node.stream_ops, read };
}

/** Turns the errors of the HDF5 library into one that names the file. */
function guarded<T>(instance: Instance, name: string, run: () => T): T {
  if (instance !== current)
    throw new AtomgradError(
      "FORMAT",
      `${name}: another damaged file made the HDF5 library stop while this one was open; read it again`,
    );
  const { module } = instance;
  try {
    module.activate_throwing_error_handler();
    return run();
  } catch (error) {
    instance.refused++;
    if (error instanceof AtomgradError) throw error;
    instance.isBroken ||= error instanceof RangeError || (error as Error).name === "RuntimeError";
    throw new AtomgradError("FORMAT", `${name}: not a readable HDF5 file; it is damaged or of another kind`, {
      cause: error,
    });
  } finally {
    if (!instance.isBroken) module.deactivate_throwing_error_handler();
  }
}

/** What a dataset holds, before it is read. */
export interface Hdf5Dataset {
  readonly shape: readonly number[];
  /** Whether its numbers are whole ones. */
  readonly isInteger: boolean;
  /** All numbers, or those of the rows from `start` up to `end`. Integers of 64 bits become reals. */
  numbers(start?: number, end?: number): Float64Array;
  /** All texts; null where it holds none. Single characters of numbers (ANI's species) are joined by the caller. */
  texts(): string[] | null;
}

/** The groups and datasets of an open file. Links to other files are not followed. */
export class Hdf5File {
  constructor(
    private readonly instance: Instance,
    private readonly file: h5wasm.File,
    readonly name: string,
    private readonly size: number,
  ) {}

  /** Names in a group, in their order. Errors: FORMAT where there is no such group. */
  keys(group: string): string[] {
    return guarded(this.instance, this.name, () => this.group(group).keys());
  }

  isGroup(path: string): boolean {
    return guarded(this.instance, this.name, () => this.entity(path) instanceof this.instance.library.Group);
  }

  /** A dataset, null where there is none of this name. Errors: FORMAT for one that announces more than the file holds. */
  dataset(group: string, name: string): Hdf5Dataset | null {
    return guarded(this.instance, this.name, () => {
      const folder = this.group(group);
      if (!folder.keys().includes(name)) return null;
      const item = folder.get(name);
      if (!(item instanceof this.instance.library.Dataset)) throw this.bad(group, `${name} is no dataset`);
      return this.described(item, group, name);
    });
  }

  bad(group: string, what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.name}#/${group}: ${what}`);
  }

  private entity(path: string): unknown {
    return path === "" ? this.file : this.file.get(path);
  }

  private group(path: string): h5wasm.Group {
    const found = this.entity(path);
    if (found instanceof this.instance.library.Group) return found;
    throw this.bad(path, "there is no such group");
  }

  private described(item: h5wasm.Dataset, group: string, name: string): Hdf5Dataset {
    const { shape, size, chunks, type, virtual_sources: sources } = item.metadata;
    if (sources !== undefined && sources.length > 0)
      throw this.bad(group, `${name} lies in other files, which are not opened; copy it into this one`);
    const dims = shape ?? [];
    const bytes = dims.reduce((a, b) => a * b, 1) * size;
    // Plain datasets cannot be larger than the file; packed ones can, up to what is taken for one that is.
    const most = chunks === null ? this.size : Math.max(2 ** 26, 40 * this.size);
    if (!(bytes <= Math.min(most, largestDataset)))
      throw this.bad(group, `${name} announces ${bytes} bytes, more than the file can hold`);
    return {
      shape: dims,
      isInteger: type === 0,
      numbers: (start, end) =>
        guarded(this.instance, this.name, () =>
          this.toNumbers(start === undefined ? item.value : item.slice([[start, end!]]), group, name),
        ),
      // Numbers (classes 0 and 1) are not read to find out that they are no texts.
      texts: () => (type < 2 ? null : guarded(this.instance, this.name, () => toTexts(item.value))),
    };
  }

  private toNumbers(value: unknown, group: string, name: string): Float64Array {
    if (value instanceof Float64Array) return value;
    if (typeof value === "number" || typeof value === "bigint") return Float64Array.of(Number(value));
    if (ArrayBuffer.isView(value) || Array.isArray(value))
      return Float64Array.from(value as ArrayLike<number | bigint>, Number);
    throw this.bad(group, `${name} holds no numbers`);
  }
}

function toTexts(value: unknown): string[] | null {
  if (typeof value === "string") return [value];
  return Array.isArray(value) && value.every((text) => typeof text === "string") ? value : null;
}
