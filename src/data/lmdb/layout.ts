/**
 * The file layout of LMDB, data format version 1 (liblmdb 0.9), little endian with 64-bit sizes. A file is a sequence of
 * pages of one size: two meta pages, then branch, leaf and overflow pages of copy-on-write trees, and free pages with
 * stale content. Only what the newer meta page leads to counts.
 */
export const lmdb = {
  magic: 0xbeefc0de,
  version: 1,
  headerBytes: 16,
  metaBytes: 152,
  /** Of the meta page: size of pages, main tree, last page used, transaction. */
  pageSizeAt: 40,
  mainTreeAt: 88,
  lastPageAt: 136,
  transactionAt: 144,
  treeBytes: 48,
  /** Kinds of pages. */
  branch: 1,
  leaf: 2,
  overflow: 4,
  meta: 8,
  /** Flags of nodes: value on overflow pages, a named database. */
  bigData: 1,
  subDatabase: 2,
  duplicates: 4,
  nodeHeaderBytes: 8,
  maxKeyBytes: 511,
  maxDepth: 16,
  noPage: 0xffffffffffffffffn,
} as const;

/** Orders keys as LMDB does: by unsigned bytes, the shorter first. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let k = 0; k < shared; k++) if (a[k] !== b[k]) return a[k] - b[k];
  return a.length - b.length;
}
