import { join } from "node:path";
import { statSync } from "node:fs";
import { AtomgradError } from "../../tensor/error.js";
import { fileError, openFile } from "../read-file.js";
import type { ByteSource, OpenFile } from "../read-file.js";
import { readPart } from "../slice-source.js";
import { compareKeys, lmdb } from "./layout.js";

/** Where a value lies in the file. */
export interface LmdbValue {
  readonly position: number;
  readonly length: number;
}

interface Tree {
  readonly depth: number;
  readonly entries: number;
  readonly root: number;
}

interface Page {
  readonly number: number;
  readonly view: DataView;
  readonly isLeaf: boolean;
  readonly count: number;
}

/** A key with its value's place; null for a named database, which holds no value. */
type Entry = readonly [key: Uint8Array, value: LmdbValue | null];

const smallestPage = 256;
const largestPage = 65536;

/**
 * An LMDB database of data format 1, read without the library: the main database of a single file, with any page size.
 * Only the pages that a request needs are read; nothing is locked and nothing is written.
 */
export class LmdbReader {
  /** Number of records. */
  readonly entries: number;
  private readonly pageSize: number;
  private readonly lastPage: number;
  private readonly tree: Tree;

  /** @throws AtomgradError FORMAT: no LMDB file, another data format, or damaged */
  constructor(private readonly source: ByteSource) {
    this.pageSize = this.findPageSize();
    const metas = [0, 1].flatMap((number) => this.readMeta(number) ?? []);
    if (metas.length === 0) throw this.bad("neither of its two meta pages is intact");
    const newest = metas.reduce((a, b) => (b.transaction > a.transaction ? b : a));
    this.lastPage = newest.lastPage;
    this.tree = newest.tree;
    this.entries = newest.tree.entries;
  }

  /** Where the value of a key lies; null when there is no such key. */
  find(key: string | Uint8Array): LmdbValue | null {
    const wanted = typeof key === "string" ? new TextEncoder().encode(key) : key;
    if (this.tree.root < 0) return null;
    let page = this.page(this.tree.root, 1 === this.tree.depth);
    for (let level = 2; !page.isLeaf; level++) {
      const child = this.child(page, this.lastNotAbove(page, wanted));
      page = this.page(child, level === this.tree.depth);
    }
    const at = this.lastNotAbove(page, wanted);
    if (at < 0) return null;
    const [found, value] = this.entry(page, at);
    return compareKeys(found, wanted) === 0 ? value : null;
  }

  /** The value of a key; null when there is no such key. */
  get(key: string | Uint8Array): Uint8Array<ArrayBuffer> | null {
    const value = this.find(key);
    return value === null ? null : this.read(value);
  }

  /** Reads a value. */
  read({ position, length }: LmdbValue): Uint8Array<ArrayBuffer> {
    return readPart(this.source, position, length);
  }

  /** All keys in LMDB's order ("10" before "2") with the places of their values; named databases are left out. */
  *walk(): Generator<readonly [key: Uint8Array, value: LmdbValue]> {
    if (this.tree.root < 0) return;
    const seen = new Set<number>();
    let count = 0;
    const pending: [number: number, level: number][] = [[this.tree.root, 1]];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [number, level] = next;
      if (seen.has(number)) throw this.bad(`page ${number} is reached twice`);
      seen.add(number);
      const page = this.page(number, level === this.tree.depth);
      if (page.isLeaf) {
        for (let k = 0; k < page.count; k++) {
          const [key, value] = this.entry(page, k);
          count++;
          if (value !== null) yield [key, value];
        }
      } else {
        for (let k = page.count - 1; k >= 0; k--) pending.push([this.child(page, k), level + 1]);
      }
    }
    if (count !== this.entries)
      throw this.bad(`it holds ${count} records, its meta page says ${this.entries}`);
  }

  private bad(what: string): AtomgradError {
    return new AtomgradError(
      "FORMAT",
      `${this.source.name}: an LMDB file that cannot be read: ${what}; it is damaged or was copied while it was written, copy it again`,
    );
  }

  /** The first meta page tells the size of pages; where it is damaged, the second one stands at a power of two. */
  private findPageSize(): number {
    const { source } = this;
    for (
      let at = 0;
      at <= largestPage && at + lmdb.metaBytes <= source.size;
      at = at === 0 ? smallestPage : 2 * at
    ) {
      const view = viewOf(readPart(source, at, lmdb.metaBytes));
      if (view.getUint32(lmdb.headerBytes, true) !== lmdb.magic) continue;
      const version = view.getUint32(20, true);
      if (version !== lmdb.version) {
        throw this.bad(
          `it has data format ${version}, format ${lmdb.version} can be read; copy it with mdb_dump and mdb_load of liblmdb 0.9`,
        );
      }
      const size = view.getUint32(lmdb.pageSizeAt, true);
      if (
        size < smallestPage ||
        size > largestPage ||
        (size & (size - 1)) !== 0 ||
        (at !== 0 && at !== size)
      ) {
        throw this.bad(`pages of ${size} bytes cannot be`);
      }
      return size;
    }
    throw new AtomgradError(
      "FORMAT",
      `${source.name}: not an LMDB file (its magic number is missing), or one cut short; check what it is`,
    );
  }

  private readMeta(number: number): { transaction: bigint; lastPage: number; tree: Tree } | null {
    const start = number * this.pageSize;
    if (start + lmdb.metaBytes > this.source.size) return null;
    const view = viewOf(readPart(this.source, start, lmdb.metaBytes));
    if (view.getUint32(16, true) !== lmdb.magic || view.getUint32(20, true) !== lmdb.version) return null;
    const flags = view.getUint16(lmdb.mainTreeAt + 4, true);
    if (flags !== 0)
      throw this.bad(`its main database has the flags ${flags} (sorted duplicates or whole-number keys)`);
    const lastPage = this.number(view, lmdb.lastPageAt);
    const entries = this.number(view, lmdb.mainTreeAt + 32);
    const empty = view.getBigUint64(lmdb.mainTreeAt + 40, true) === lmdb.noPage;
    const root = empty ? -1 : this.number(view, lmdb.mainTreeAt + 40);
    const depth = view.getUint16(lmdb.mainTreeAt + 6, true);
    if (depth > lmdb.maxDepth) throw this.bad(`a tree of depth ${depth} cannot be`);
    return {
      transaction: view.getBigUint64(lmdb.transactionAt, true),
      lastPage,
      tree: { depth, entries, root },
    };
  }

  private number(view: DataView, at: number): number {
    const value = view.getBigUint64(at, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.bad(`a size of ${value} cannot be`);
    return Number(value);
  }

  /** A page of the tree: leaves stand on its last level and nowhere else, which also ends every circle. */
  private page(number: number, isLeaf: boolean): Page {
    const { pageSize } = this;
    if (number < 2 || number > this.lastPage || (number + 1) * pageSize > this.source.size) {
      throw this.bad(`page ${number} lies outside the file; it was cut short`);
    }
    const view = viewOf(readPart(this.source, number * pageSize, pageSize));
    const flags = view.getUint16(10, true) & 0xff;
    if (flags !== (isLeaf ? lmdb.leaf : lmdb.branch))
      throw this.bad(`page ${number} is of the wrong kind (${flags})`);
    const lower = view.getUint16(12, true);
    if (lower < lmdb.headerBytes || lower > pageSize) throw this.bad(`page ${number} is damaged`);
    const count = (lower - lmdb.headerBytes) >> 1;
    if (!isLeaf && count === 0) throw this.bad(`page ${number} leads nowhere`);
    return { number, view, isLeaf, count };
  }

  private nodeAt({ number, view }: Page, k: number): number {
    const at = view.getUint16(lmdb.headerBytes + 2 * k, true);
    const end = at + lmdb.nodeHeaderBytes;
    if (at < lmdb.headerBytes || end > this.pageSize || end + view.getUint16(at + 6, true) > this.pageSize) {
      throw this.bad(`a record of page ${number} lies outside the page`);
    }
    return at;
  }

  private key(page: Page, k: number): Uint8Array {
    const at = this.nodeAt(page, k);
    const { view } = page;
    return new Uint8Array(
      view.buffer,
      view.byteOffset + at + lmdb.nodeHeaderBytes,
      view.getUint16(at + 6, true),
    );
  }

  private child(page: Page, k: number): number {
    const at = this.nodeAt(page, k);
    const { view } = page;
    return (
      view.getUint16(at, true) +
      view.getUint16(at + 2, true) * 2 ** 16 +
      view.getUint16(at + 4, true) * 2 ** 32
    );
  }

  /** The last node whose key is not above the wanted one; the first key of a branch stands below everything. */
  private lastNotAbove(page: Page, wanted: Uint8Array): number {
    let low = page.isLeaf ? -1 : 0;
    let high = page.count;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (compareKeys(this.key(page, middle), wanted) <= 0) low = middle;
      else high = middle;
    }
    return low;
  }

  private entry(page: Page, k: number): Entry {
    const at = this.nodeAt(page, k);
    const { view, number } = page;
    const length = view.getUint16(at, true) + view.getUint16(at + 2, true) * 2 ** 16;
    const flags = view.getUint16(at + 4, true);
    const key = this.key(page, k);
    const start = at + lmdb.nodeHeaderBytes + key.length;
    if ((flags & lmdb.duplicates) !== 0) throw this.bad(`a record of page ${number} has duplicates`);
    if ((flags & lmdb.subDatabase) !== 0) return [key, null];
    if ((flags & lmdb.bigData) === 0) {
      if (start + length > this.pageSize) throw this.bad(`a record of page ${number} lies outside the page`);
      return [key, { position: number * this.pageSize + start, length }];
    }
    if (start + 8 > this.pageSize) throw this.bad(`a record of page ${number} lies outside the page`);
    const first = Number(view.getBigUint64(start, true));
    const position = first * this.pageSize + lmdb.headerBytes;
    const pages = Math.ceil((lmdb.headerBytes + length) / this.pageSize);
    if (first < 2 || first + pages - 1 > this.lastPage || position + length > this.source.size) {
      throw this.bad(`a value of ${length} bytes at page ${first} lies outside the file; it was cut short`);
    }
    return [key, { position, length }];
  }
}

/** The data file of a database: the path itself, or `data.mdb` in it. */
export function lmdbDataFile(path: string): string {
  try {
    return statSync(path).isDirectory() ? join(path, "data.mdb") : path;
  } catch (error) {
    throw fileError(error, path, "read");
  }
}

/** A database with its file, held open until `close`. */
export class LmdbFile extends LmdbReader {
  private readonly file: OpenFile;

  constructor(path: string, label?: string) {
    const file = openFile(path, label);
    try {
      super(file);
    } catch (error) {
      file.close();
      throw error;
    }
    this.file = file;
  }

  close(): void {
    this.file.close();
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
