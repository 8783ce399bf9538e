import type * as h5wasm from "h5wasm";
import { AtomgradError } from "../tensor/error.js";
import {
  freshHdf5Path,
  guarded,
  hdf5Library,
  type Hdf5Library,
  isCurrent,
  placeHdf5,
} from "./hdf5-library.js";
import { fromHalf } from "./half.js";
import { type ByteSource, openFile } from "./read-file.js";

export { loadHdf5 } from "./hdf5-library.js";

/** A dataset is read into memory whole, or by rows. */
const largestDataset = 2 ** 31 - 1;

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
  const source = openFile(path);
  try {
    yield* withHdf5Source(source, use);
  } finally {
    source.close();
  }
}

/** The same of bytes that are open elsewhere, or in memory. */
export function* withHdf5Source<T>(source: ByteSource, use: (file: Hdf5File) => Iterable<T>): Generator<T> {
  const instance = hdf5Library();
  const inside = freshHdf5Path();
  let file: h5wasm.File | null = null;
  instance.open++;
  try {
    placeHdf5(instance, inside, source);
    file = guarded(instance, source.name, () => new instance.library.File(inside, "r"));
    yield* use(new Hdf5File(instance, file, source.name, source.size));
  } finally {
    instance.open--;
    try {
      if (isCurrent(instance)) file?.close();
    } catch {
      // A damaged file may not even close.
    }
    instance.module.FS.unlink(inside);
  }
}

/** What a dataset holds, before it is read. */
export interface Hdf5Dataset {
  readonly shape: readonly number[];
  /** The type of its numbers as NumPy names it (`float64`, `int8`, `uint32` ...), null where it holds none. */
  readonly dtype: string | null;
  /** Whether its numbers are whole ones. */
  readonly isInteger: boolean;
  /** All numbers, or those of the rows from `start` up to `end`. Integers of 64 bits become reals. */
  numbers(start?: number, end?: number): Float64Array;
  /** All texts; null where it holds none. Single characters of numbers (ANI's species) are joined by the caller. */
  texts(): string[] | null;
}

interface OpenGroup {
  readonly path: string;
  readonly folder: h5wasm.Group;
  readonly keys: readonly string[];
}

/** The groups and datasets of an open file. Links to other files are not followed. */
export class Hdf5File {
  /** The group that was asked for last: most questions are about it. */
  private last: OpenGroup | null = null;

  constructor(
    private readonly instance: Hdf5Library,
    private readonly file: h5wasm.File,
    readonly name: string,
    private readonly size: number,
  ) {}

  /** Names in a group, in their order. Errors: FORMAT where there is no such group. */
  keys(group: string): string[] {
    return guarded(this.instance, this.name, () => [...this.opened(group).keys]);
  }

  isGroup(path: string): boolean {
    return guarded(this.instance, this.name, () => {
      if (this.last?.path === path) return true;
      const entity = this.entity(path);
      if (!(entity instanceof this.instance.library.Group)) return false;
      this.last = { path, folder: entity, keys: entity.keys() };
      return true;
    });
  }

  /** A dataset, null where there is none of this name. Errors: FORMAT for one that announces more than the file holds. */
  dataset(group: string, name: string): Hdf5Dataset | null {
    return guarded(this.instance, this.name, () => {
      const { folder, keys } = this.opened(group);
      if (!keys.includes(name)) return null;
      const item = folder.get(name);
      if (!(item instanceof this.instance.library.Dataset)) throw this.bad(group, `${name} is no dataset`);
      return this.described(item, group, name);
    });
  }

  /** An attribute of the root group, null where there is no text of this name or one of more than `most` bytes. */
  textAttribute(name: string, most: number): string | null {
    return guarded(this.instance, this.name, () => {
      const attribute = (this.file.attrs as Partial<h5wasm.File["attrs"]>)[name];
      if (attribute === undefined) return null;
      const { vlen, size, total_size: total } = attribute.metadata;
      if (!vlen && size * (total ?? 1) > most) return null;
      const { value } = attribute;
      return typeof value === "string" && value.length <= most ? value : null;
    });
  }

  bad(group: string, what: string): AtomgradError {
    const remedy = what.includes(";") ? "" : "; write the file again";
    return new AtomgradError("FORMAT", `${this.name}#/${group}: ${what}${remedy}`);
  }

  private entity(path: string): unknown {
    return path === "" ? this.file : this.file.get(path);
  }

  private opened(path: string): OpenGroup {
    if (this.last?.path === path) return this.last;
    const folder = this.entity(path);
    if (!(folder instanceof this.instance.library.Group)) throw this.bad(path, "there is no such group");
    return (this.last = { path, folder, keys: folder.keys() });
  }

  private described(item: h5wasm.Dataset, group: string, name: string): Hdf5Dataset {
    const { shape, size, chunks, type, virtual_sources: sources } = item.metadata;
    const isEmpty = shape?.includes(0) === true;
    if (sources !== undefined && sources.length > 0)
      throw this.bad(group, `${name} lies in other files, which are not opened; copy it into this one`);
    const dims = shape ?? [];
    const dtype = dtypeOf(item.metadata);
    const words = dtype === "float16" ? asWords(item) : undefined;
    const bytes = dims.reduce((a, b) => a * b, 1) * size;
    // Plain datasets cannot be larger than the file; packed ones can, up to what is taken for one that is.
    const most = chunks === null ? this.size : Math.max(2 ** 24, 100 * this.size);
    if (!(bytes <= Math.min(most, largestDataset)))
      throw this.bad(group, `${name} announces ${bytes} bytes, more than the file can hold`);
    return {
      shape: dims,
      dtype,
      isInteger: type === 0,
      numbers: (start, end) =>
        guarded(this.instance, this.name, () =>
          isEmpty
            ? new Float64Array(0)
            : this.toNumbers(
                start === undefined ? item.value : item.slice([[start, end!]]),
                group,
                name,
                words,
              ),
        ),
      // Numbers (classes 0 and 1) are not read to find out that they are no texts.
      texts: () => (type < 2 ? null : guarded(this.instance, this.name, () => toTexts(item.value))),
    };
  }

  private toNumbers(value: unknown, group: string, name: string, words?: Decoder): Float64Array {
    if (value instanceof Float64Array) return value;
    if (typeof value === "number" || typeof value === "bigint")
      return Float64Array.of((words ?? Number)(Number(value)));
    if (ArrayBuffer.isView(value) || Array.isArray(value))
      return Float64Array.from(value as ArrayLike<number>, words ?? Number);
    throw this.bad(group, `${name} holds no numbers`);
  }
}

type Decoder = (word: number) => number;

/** The library refuses numbers of half precision: it is told that their bits are integers. */
function asWords(item: h5wasm.Dataset): Decoder {
  Object.defineProperty(item, "metadata", { value: { ...item.metadata, type: 0, signed: false } });
  return fromHalf;
}

/** Types of classes 0 (integers) and 1 (reals), of the sizes that arrays have. */
function dtypeOf({ type, size, signed, vlen }: h5wasm.Metadata): string | null {
  if (vlen || ![1, 2, 4, 8].includes(size)) return null;
  if (type === 1) return size > 1 ? `float${8 * size}` : null;
  return type === 0 ? `${signed ? "int" : "uint"}${8 * size}` : null;
}

function toTexts(value: unknown): string[] | null {
  if (typeof value === "string") return [value];
  return Array.isArray(value) && value.every((text) => typeof text === "string") ? value : null;
}
