import { AtomgradError } from "../../tensor/error.js";
import { writeFileAtomicSync } from "../atomic-write.js";
import type { WriteAt } from "../atomic-write.js";
import { compareKeys, lmdb } from "./layout.js";

const pageSize = 4096;
/** What readers may map: as py-lmdb's users choose for data sets; it says nothing of the file's size. */
const mapBytes = 2n ** 41n;
/** Room in a page, and the largest node kept in a leaf (half of that, even), as liblmdb computes them. */
const room = pageSize - lmdb.headerBytes;
const maxNodeBytes = ((room / 2) & -2) - 2;

interface Node {
  readonly key: Uint8Array;
  /** The value, or the page number of its overflow run. */
  readonly value: Uint8Array | number;
  readonly length: number;
}

interface Level {
  readonly firstKey: Uint8Array;
  readonly page: number;
}

/**
 * Writes a fresh LMDB file of data format 1 with 4 KiB pages: what python-lmdb, liblmdb 0.9 and its descendants open
 * with `subdir=False`. Values go to the file as they come; only keys and small values are kept. All or nothing.
 *
 * @param records key and value; every key once, 1 to 511 bytes
 */
export function writeLmdbSync(
  path: string,
  records: Iterable<readonly [key: string | Uint8Array, value: Uint8Array]>,
): void {
  writeFileAtomicSync(path, (write) => new LmdbWriter(write).write(records));
}

class LmdbWriter {
  private nextPage = 2;
  private branches = 0;
  private leaves = 0;
  private overflows = 0;

  constructor(private readonly writeAt: WriteAt) {}

  write(records: Iterable<readonly [key: string | Uint8Array, value: Uint8Array]>): void {
    const nodes: Node[] = [];
    for (const [key, value] of records) nodes.push(this.store(key, value));
    nodes.sort((a, b) => compareKeys(a.key, b.key));
    const twice = nodes.findIndex((node, k) => k > 0 && compareKeys(node.key, nodes[k - 1].key) === 0);
    if (twice > 0) {
      throw new AtomgradError(
        "VALUE",
        `lmdb: the key ${JSON.stringify(new TextDecoder().decode(nodes[twice].key))} is given twice`,
      );
    }
    let level = this.leafLevel(nodes);
    let depth = nodes.length === 0 ? 0 : 1;
    while (level.length > 1) {
      level = this.branchLevel(level);
      depth++;
    }
    const root = level.length === 0 ? lmdb.noPage : BigInt(level[0].page);
    this.writeMeta(0, depth, nodes.length, root);
    this.writeMeta(1, depth, nodes.length, root);
  }

  /** Puts a large value on overflow pages; a small one waits for its leaf. */
  private store(given: string | Uint8Array, value: Uint8Array): Node {
    const key = typeof given === "string" ? new TextEncoder().encode(given) : given;
    if (key.length === 0 || key.length > lmdb.maxKeyBytes) {
      throw new AtomgradError(
        "VALUE",
        `lmdb: a key of ${key.length} bytes; 1 to ${lmdb.maxKeyBytes} are possible`,
      );
    }
    if (value.length > 0xffffffff) throw new AtomgradError("VALUE", "lmdb: a value of more than 4 GB");
    if (lmdb.nodeHeaderBytes + key.length + value.length <= maxNodeBytes) {
      return { key, value: value.slice(), length: value.length };
    }
    const pages = Math.ceil((lmdb.headerBytes + value.length) / pageSize);
    const bytes = new Uint8Array(pages * pageSize);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(this.nextPage), true);
    view.setUint16(10, lmdb.overflow, true);
    view.setUint32(12, pages, true);
    bytes.set(value, lmdb.headerBytes);
    this.writeAt(bytes, this.nextPage * pageSize);
    const node = { key, value: this.nextPage, length: value.length };
    this.nextPage += pages;
    this.overflows += pages;
    return node;
  }

  private leafLevel(nodes: readonly Node[]): Level[] {
    const level: Level[] = [];
    let page = new PageBuilder(lmdb.leaf);
    const finish = (): void => {
      if (page.isEmpty) return;
      level.push({ firstKey: page.firstKey, page: this.nextPage });
      this.writeAt(page.finish(this.nextPage), this.nextPage * pageSize);
      this.nextPage++;
      this.leaves++;
      page = new PageBuilder(lmdb.leaf);
    };
    for (const node of nodes) {
      const size = typeof node.value === "number" ? 8 : node.value.length;
      if (!page.fits(node.key, size)) finish();
      page.addLeaf(node);
    }
    finish();
    return level;
  }

  private branchLevel(children: readonly Level[]): Level[] {
    const level: Level[] = [];
    let page = new PageBuilder(lmdb.branch);
    let firstKey = new Uint8Array(0);
    const finish = (): void => {
      level.push({ firstKey, page: this.nextPage });
      this.writeAt(page.finish(this.nextPage), this.nextPage * pageSize);
      this.nextPage++;
      this.branches++;
      page = new PageBuilder(lmdb.branch);
    };
    children.forEach((child, k) => {
      // A branch needs two children: the last one must not be left alone.
      const lastPair = k === children.length - 2 && !page.fits(children[k + 1].firstKey, 0, child.firstKey);
      if (!page.isEmpty && (!page.fits(child.firstKey, 0) || (lastPair && page.count > 1))) finish();
      if (page.isEmpty) firstKey = Uint8Array.from(child.firstKey);
      page.addBranch(page.isEmpty ? new Uint8Array(0) : child.firstKey, child.page);
    });
    finish();
    return level;
  }

  private writeMeta(number: 0 | 1, depth: number, entries: number, root: bigint): void {
    const bytes = new Uint8Array(pageSize);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(number), true);
    view.setUint16(10, lmdb.meta, true);
    view.setUint32(16, lmdb.magic, true);
    view.setUint32(20, lmdb.version, true);
    view.setBigUint64(32, mapBytes, true);
    view.setUint32(lmdb.pageSizeAt, pageSize, true);
    // The free list is empty: every page is in use.
    view.setUint16(lmdb.pageSizeAt + 4, 8, true);
    view.setBigUint64(lmdb.pageSizeAt + 40, lmdb.noPage, true);
    const tree = [this.branches, this.leaves, this.overflows, entries].map(BigInt);
    view.setUint16(lmdb.mainTreeAt + 6, depth, true);
    tree.forEach((value, k) => view.setBigUint64(lmdb.mainTreeAt + 8 + 8 * k, value, true));
    view.setBigUint64(lmdb.mainTreeAt + 40, root, true);
    view.setBigUint64(lmdb.lastPageAt, BigInt(this.nextPage - 1), true);
    view.setBigUint64(lmdb.transactionAt, BigInt(number), true);
    this.writeAt(bytes, number * pageSize);
  }
}

/** One branch or leaf page: offsets grow from the front, nodes from the back, in key order. */
class PageBuilder {
  private readonly bytes = new Uint8Array(pageSize);
  private readonly view = new DataView(this.bytes.buffer);
  private lower = lmdb.headerBytes;
  private upper = pageSize;
  firstKey = new Uint8Array(0);

  constructor(private readonly kind: number) {}

  get count(): number {
    return (this.lower - lmdb.headerBytes) >> 1;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** Whether a node with this key and data size fits, after another with `before` as its key where given. */
  fits(key: Uint8Array, size: number, before?: Uint8Array): boolean {
    const own = nodeBytes(key.length + size) + 2;
    const other = before === undefined ? 0 : nodeBytes(before.length) + 2;
    return this.upper - this.lower >= own + other;
  }

  addLeaf({ key, value, length }: Node): void {
    if (this.isEmpty) this.firstKey = Uint8Array.from(key);
    const isBig = typeof value === "number";
    const at = this.place(key, isBig ? 8 : length);
    this.view.setUint16(at, length & 0xffff, true);
    this.view.setUint16(at + 2, length >>> 16, true);
    this.view.setUint16(at + 4, isBig ? lmdb.bigData : 0, true);
    const data = at + lmdb.nodeHeaderBytes + key.length;
    if (isBig) this.view.setBigUint64(data, BigInt(value), true);
    else this.bytes.set(value, data);
  }

  addBranch(key: Uint8Array, page: number): void {
    const at = this.place(key, 0);
    this.view.setUint16(at, page & 0xffff, true);
    this.view.setUint16(at + 2, Math.floor(page / 2 ** 16) & 0xffff, true);
    this.view.setUint16(at + 4, Math.floor(page / 2 ** 32), true);
  }

  finish(number: number): Uint8Array {
    const { view } = this;
    view.setBigUint64(0, BigInt(number), true);
    view.setUint16(10, this.kind, true);
    view.setUint16(12, this.lower, true);
    view.setUint16(14, this.upper, true);
    return this.bytes;
  }

  private place(key: Uint8Array, size: number): number {
    this.upper -= nodeBytes(key.length + size);
    this.view.setUint16(this.lower, this.upper, true);
    this.lower += 2;
    this.view.setUint16(this.upper + 6, key.length, true);
    this.bytes.set(key, this.upper + lmdb.nodeHeaderBytes);
    return this.upper;
  }
}

/** Nodes lie at even positions. */
function nodeBytes(content: number): number {
  return (lmdb.nodeHeaderBytes + content + 1) & -2;
}
