/**
 * Scratch memory of native/gemm/gemm.h in bytes: the formulas stated there, for the `work` of ops that call it
 * (test/ops/matmul.test.ts compares the two).
 */

/** K beyond this is cut into splits whose partial sums need a place. */
export const gemmDepth = 2048;
const splitDepth = 1024;
const maxSplits = 64;
const splitElements = 2 ** 20;

/** Splits of the sum over k, fixed by the problem alone. */
export function gemmSplits(m: number, n: number, k: number): number {
  if (k <= gemmDepth || m === 0 || n === 0) return 1;
  const splits = Math.min(Math.floor(k / splitDepth), Math.floor(splitElements / (m * n)));
  return Math.max(1, Math.min(splits, maxSplits));
}

/** For `gemm`, the product shared by the team. */
export function gemmWorkspaceBytes(
  m: number,
  n: number,
  k: number,
  transposeB: boolean,
  itemBytes: number,
): number {
  const packed = k <= gemmDepth || transposeB ? k * ceilTo(n, 16) : 0;
  const partial = k > gemmDepth ? gemmSplits(m, n, k) * m * n : 0;
  return ceilTo((packed + partial) * itemBytes, 64);
}

/** For `gemmSerial`, the product of one thread. */
export function gemmSerialWorkspaceBytes(n: number, k: number, itemBytes: number): number {
  return ceilTo(k * ceilTo(n, 16) * itemBytes, 64);
}

function ceilTo(x: number, unit: number): number {
  return Math.ceil(x / unit) * unit;
}
