import type { Tensor } from "../../src/tensor/tensor.js";
import { apply2 } from "../elementwise/op.js";
import { op } from "../elementwise/ops.generated.js";

/** The numbers of cpu.cc: rows of a block, blocks of a part, parts. */
export const blockRows = 84;
const fewestBlocks = 2;
const mostParts = 64;

/** Rows from which blocks of rows are enough to share; below, a product is shared by columns too. */
const fewestRows = 1024;
/** Elements of W and columns of a block that leave room for each other in a second-level cache. */
const largestMatrix = 2 ** 16;
const widestRow = 512;

/** Whether blocks of rows through the caches pay for so many rows of a matrix w [K,N]. */
export function fits(rows: number, w: Tensor): boolean {
  return rows >= fewestRows && w.shape[1] <= widestRow && w.size <= largestMatrix;
}

function partsOf(rows: number): number {
  const blocks = Math.max(fewestBlocks, Math.ceil(rows / (mostParts * blockRows)));
  return Math.ceil(rows / (blocks * blockRows));
}

export const ceil16 = (x: number): number => Math.ceil(x / 16) * 16;

/** W packed as [depth, width], and for each part a block of rows and what it sums: `matrix` and `row` elements. */
export function workElements(
  E: number,
  N: number,
  [depth, width]: readonly [number, number],
  matrix: number,
  row: number,
): number {
  return ceil16(depth * ceil16(width)) + partsOf(E) * (ceil16(blockRows * N) + ceil16(matrix) + ceil16(row));
}

/** g (1 - y^2) */
export function slope(g: Tensor, y: Tensor): Tensor {
  return apply2(op("tanh_x"), g, y);
}
