/** As in chunks.h. */
const chunk = 1024;

/** Bytes of workspace for sums over `terms` terms in rows of `columns` numbers: two slots for every chunk. */
export const chunkBytes = (terms: number, columns: number, itemBytes: number): number =>
  2 * (Math.floor(terms / chunk) + 1) * columns * itemBytes;
