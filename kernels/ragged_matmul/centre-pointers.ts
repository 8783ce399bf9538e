import type { Dims } from "../../src/autograd/define-op.js";
import { rowPointerFault, rowPointerSentence } from "../segment_product/row-pointers.js";

/** Centre i owns rows ptr[i] to ptr[i+1] and the n_i x n_i matrix that starts at start[i]. */
export const pointers = { ptr: "i32[N+1]", start: "i32[N+1]" } as const;

/** What the kernels return for pointers that do not fit (native/segment_runs.h, cpu.cc); 0 where they do. */
export function centrePointerFault(
  ptr: ArrayLike<number>,
  start: ArrayLike<number>,
  dims: Readonly<Record<"N" | "E" | "P", number>>,
): number {
  const fault = rowPointerFault(ptr, dims);
  if (fault !== 0) return fault;
  if (start[0] !== 0) return 4;
  for (let i = 0; i < dims.N; i++) {
    const n = ptr[i + 1] - ptr[i];
    if (start[i + 1] < start[i] + n * n || start[i + 1] > dims.P) return 4 * (i + 1);
  }
  return 0;
}

/** What such a status means. `rows`: what the rows are called, in the plural. */
export function centrePointerSentence(code: number, dims: Dims, rows: string): string {
  return (
    rowPointerSentence(code, dims, rows) ??
    `start does not leave centre ${Math.floor(code / 4) - 1} its n x n elements (start[0] is 0, start[i+1] >= start[i] + n_i^2, none beyond ${dims.P})`
  );
}
