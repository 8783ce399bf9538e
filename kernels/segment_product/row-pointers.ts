import type { Dims } from "../../src/autograd/define-op.js";

/** What the kernels return for row pointers that do not fit (native/segment_runs.h); 0 where they do. */
export function rowPointerFault(ptr: ArrayLike<number>, { N, E }: Dims): number {
  if (ptr[0] !== 0) return 1;
  for (let i = 0; i < N; i++) {
    if (ptr[i + 1] < ptr[i]) return 2 + 4 * i;
    if (ptr[i + 1] > E) return 3 + 4 * i;
  }
  return 0;
}

/**
 * What such a status means: the kind of fault stands in its last two bits, the segment above them. Undefined for kinds that are
 * no fault of row pointers.
 *
 * @param rows what the rows are called, in the plural
 */
export function rowPointerSentence(code: number, { E }: Dims, rows: string): string | undefined {
  const i = Math.floor(code / 4);
  if (code % 4 === 1) return "ptr[0] must be 0";
  if (code % 4 === 2) return `ptr[${i + 1}] is smaller than ptr[${i}]; row pointers never decrease`;
  if (code % 4 === 3) return `ptr[${i + 1}] is larger than the number of ${rows}, ${E}`;
  return undefined;
}
