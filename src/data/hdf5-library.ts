import type * as h5wasm from "h5wasm";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { modulePath } from "../backends/cpu/addon.js";
import { AtomgradError } from "../tensor/error.js";
import { isSoundHeap } from "./hdf5-global-heap.js";
import type { ByteSource } from "./read-file.js";
import { windowedSource } from "./windowed-source.js";

/** WebAssembly memory only grows: an instance that large sets have filled is given up for a new one. */
const mostHeap = 32 * 2 ** 20;
/** Files smaller than this make do with that much memory; what asks for more is damaged. */
const smallFile = 2 ** 20;

type Module = Awaited<typeof h5wasm.ready>;

/** What is used of the compiled library itself. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow: (pages: number) => number };
  readonly __stack_pointer: { value: unknown };
  /** Address of the word that says how far memory is in use. */
  readonly emscripten_get_sbrk_ptr: () => number;
}

/** The memory of an instance as it was before its first file, up to where it was in use, and its stack. */
interface Birth {
  readonly exports: Exports;
  readonly memory: Uint8Array;
  readonly stack: unknown;
  /** Bytes that memory may grow to. */
  readonly growth: { most: number };
}

/** An instance of the library from its birth or last rebirth on, and the files open in it. */
export interface Hdf5Library {
  readonly library: typeof h5wasm;
  readonly module: Module;
  readonly birth: Birth | null;
  open: number;
  /** Files it refused leave memory and handles behind. */
  refused: number;
  /** A damaged file made the library stop in the middle of its work: its memory is not to be trusted any more. */
  isBroken: boolean;
}

/** What is used of WebAssembly, of which the types of Node say nothing. */
interface Compiler {
  instantiate: (...parts: unknown[]) => Promise<{ readonly instance?: { readonly exports: object } }>;
}

let current: Hdf5Library | null = null;
let loading: Promise<Hdf5Library> | null = null;
let fileNumber = 0;

/** Loads the HDF5 library, anew where large files have filled its memory; all other functions here need it. */
export async function loadHdf5(): Promise<void> {
  const before = current;
  if (before !== null && (before.open > 0 || before.module.HEAPU8.length <= mostHeap)) return;
  loading ??= (before === null ? loaded() : renewed(before)).finally(() => (loading = null));
  const fresh = await loading;
  if (current === before) current = fresh;
}

/** The instance to open a file in, as new where damaged files have been in it. */
export function hdf5Library(): Hdf5Library {
  if (current === null) throw new Error("loadHdf5 comes before HDF5 files are opened");
  const { isBroken, refused, open } = current;
  if (isBroken || (refused > 0 && open === 0)) current = reborn(current);
  return current;
}

/** Whether files of an instance may still be touched. */
export function isCurrent(instance: Hdf5Library): boolean {
  return instance === current && !instance.isBroken;
}

/** Turns the errors of the HDF5 library into one that names the file. */
export function guarded<T>(instance: Hdf5Library, name: string, run: () => T): T {
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

/** What is used of the file system of the library's WebAssembly module (Emscripten's MEMFS). */
interface FileNode {
  stream_ops: Readonly<Record<string, unknown>>;
}
interface FileSystem {
  readonly streams: readonly ({ readonly fd: number } | null | undefined)[];
  createFile(folder: string, name: string, properties: object, canRead: boolean, canWrite: boolean): FileNode;
  closeStream(fd: number): void;
}

/** A path that no other file in the library has. */
export function freshHdf5Path(): string {
  return `data-${fileNumber++}.h5`;
}

/**
 * Makes a file of the disk, or bytes, a file that the library sees: what it asks for is read from there, and no path in the
 * file leads anywhere.
 */
export function placeHdf5({ module, birth, open }: Hdf5Library, name: string, source: ByteSource): void {
  if (birth !== null) {
    const needed = source.size < smallFile ? mostHeap : Infinity;
    birth.growth.most = open > 1 ? Math.max(birth.growth.most, needed) : needed;
  }
  const node = fileSystem(module).createFile("/", name, {}, true, false);
  // The library reads what it looks up bit by bit.
  const windowed = windowedSource(source);
  Object.defineProperty(node, "usedBytes", { value: source.size });
  const read = (_: unknown, buffer: Int8Array, offset: number, length: number, position: number): number => {
    // A heap that the library would not come to the end of ends the file: it sees zeros there, and refuses them.
    const count = isSoundHeap(windowed, position) ? Math.max(0, Math.min(length, source.size - position)) : 0;
    windowed.read(new Uint8Array(buffer.buffer, buffer.byteOffset + offset, count), position);
    return count;
  };
  node.stream_ops = { ...node.stream_ops, read };
}

function fileSystem(module: Module): FileSystem {
  return module.FS as unknown as FileSystem;
}

/** Stands in for the library's own message about its end, which it would print. */
function giveUp(): never {
  throw new RangeError("the HDF5 library gave up");
}

async function loaded(): Promise<Hdf5Library> {
  const { result: library, seen } = await watched(async () => {
    const imported = await import("h5wasm");
    await imported.ready;
    return imported;
  });
  const module = await library.ready;
  Object.assign(module, { onAbort: giveUp });
  warmUp(library, module);
  return { library, module, birth: birthOf(module, seen), open: 0, refused: 0, isBroken: false };
}

/** Notes the instances that WebAssembly makes meanwhile: the library does not hand out what its rebirth needs. */
async function watched<T>(run: () => Promise<T>): Promise<{ result: T; seen: readonly Exports[] }> {
  const compiler = (globalThis as unknown as { WebAssembly: Compiler }).WebAssembly;
  const { instantiate } = compiler;
  const seen: Exports[] = [];
  compiler.instantiate = async (...parts) => {
    const made = await instantiate(...parts);
    if (made.instance !== undefined) seen.push(made.instance.exports as Exports);
    return made;
  };
  try {
    return { result: await run(), seen };
  } finally {
    compiler.instantiate = instantiate;
  }
}

/**
 * Writes and reads a file, so that all that the library makes once is there at its birth: what it made again after every
 * rebirth would pile up on the side of JavaScript, which knows of no rebirth.
 */
function warmUp({ File }: typeof h5wasm, module: Module): void {
  const path = freshHdf5Path();
  const made = new File(path, "w");
  made.create_group("group");
  made.create_dataset({ name: "reals", data: Float64Array.of(1, 2), shape: [2, 1], chunks: [1, 1] });
  made.create_dataset({ name: "whole", data: Int32Array.of(1, 2), shape: [2] });
  made.create_dataset({ name: "texts", data: ["a", "b"], shape: [2] });
  made.create_attribute("text", "a");
  made.close();
  const file = new File(path, "r");
  module.activate_throwing_error_handler();
  for (const name of ["group", "reals", "whole", "texts", "absent"]) {
    try {
      const found = file.get(name);
      if (found !== null && "slice" in found) void [found.metadata, found.value, found.slice([[0, 1]])];
    } catch {
      // What is absent is refused, once.
    }
  }
  void [file.keys(), file.attrs.text.metadata, file.attrs.text.value];
  module.deactivate_throwing_error_handler();
  file.close();
  module.FS.unlink(path);
}

/** Null where the library was loaded by others before: then it goes on as it is. */
function birthOf(module: Module, seen: readonly Exports[]): Birth | null {
  const exports = seen.find(({ memory }) => memory?.buffer === module.HEAPU8.buffer);
  if (exports?.__stack_pointer === undefined || exports.emscripten_get_sbrk_ptr === undefined) return null;
  const memory = module.HEAPU8.slice(0, inUse(exports));
  return { exports, memory, stack: exports.__stack_pointer.value, growth: limitGrowth(exports) };
}

/** To the library memory beyond the limit is memory that the system does not have: it refuses the file. */
function limitGrowth({ memory }: Exports): Birth["growth"] {
  const growth = { most: Infinity };
  const grow = memory.grow.bind(memory);
  const limited = (pages: number): number => {
    if (memory.buffer.byteLength + pages * 2 ** 16 > growth.most)
      throw new RangeError("more than a file needs");
    return grow(pages);
  };
  Object.defineProperty(memory, "grow", { value: limited });
  return growth;
}

function inUse({ memory, emscripten_get_sbrk_ptr: pointer }: Exports): number {
  return Math.min(memory.buffer.byteLength, new DataView(memory.buffer).getUint32(pointer(), true));
}

/**
 * The same instance with the memory and the stack it was born with, which takes a quarter of a millisecond; a new one takes
 * 60, and 20 MiB or more until the garbage collector finds the old one. Files that were open are not any more.
 */
function reborn(old: Hdf5Library): Hdf5Library {
  const { library, module, birth } = old;
  if (birth !== null) {
    const { exports, memory, stack } = birth;
    module.HEAPU8.fill(0, memory.length, inUse(exports));
    module.HEAPU8.set(memory);
    exports.__stack_pointer.value = stack;
    const files = fileSystem(module);
    for (const stream of files.streams) if (stream && stream.fd > 2) files.closeStream(stream.fd);
  }
  return { library, module, birth, open: 0, refused: 0, isBroken: false };
}

/**
 * The library reaches its instance through one object only. Emptied, with the new instance as prototype, that object hands
 * on to it, and the memory of the old one is free. Bundled where its parts cannot be found, it goes on with the old one.
 */
async function renewed(old: Hdf5Library): Promise<Hdf5Library> {
  const folders = createRequire(modulePath(import.meta.url)).resolve.paths("h5wasm") ?? [];
  const file = folders
    .map((folder) => join(folder, "h5wasm", "dist", "esm", "hdf5_util.js"))
    .find((path) => existsSync(path));
  if (file === undefined) return old;
  const { default: make } = (await import(pathToFileURL(file).href)) as {
    default: (options: object) => Promise<Module>;
  };
  const { result: module, seen } = await watched(() => make({ noInitialRun: true, onAbort: giveUp }));
  const front = await old.library.ready;
  for (const name of Object.keys(front)) Reflect.deleteProperty(front, name);
  Object.setPrototypeOf(front, module);
  const { library } = old;
  warmUp(library, module);
  return { library, module, birth: birthOf(module, seen), open: 0, refused: 0, isBroken: false };
}
