import type { ReferenceKernel } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

/** Whether the pointers fail to rise from 0 to E. */
function misfits(ptr: TypedArray, N: number, E: number): boolean {
  for (let n = 0; n < N; n++) if (ptr[n + 1] < ptr[n]) return true;
  return ptr[0] !== 0 || ptr[N] !== E;
}

export const edgeVectorsReference: ReferenceKernel = ({ ints: { N, B, E }, buffers }) => {
  const [positions, cells, shift, ptr, edgePtr, source, , , out] = buffers;
  if (misfits(ptr!, N, E)) return 1;
  if (cells !== undefined && misfits(edgePtr!, B, E)) return 2;
  for (let i = 0; i < N; i++)
    for (let e = ptr![i]; e < ptr![i + 1]; e++)
      for (let b = 0; b < 3; b++) out![3 * e + b] = positions![3 * source![e] + b] - positions![3 * i + b];
  if (cells === undefined) return 0;
  for (let f = 0; f < B; f++)
    for (let e = edgePtr![f]; e < edgePtr![f + 1]; e++)
      for (let b = 0; b < 3; b++)
        for (let a = 0; a < 3; a++) out![3 * e + b] += shift![3 * e + a] * cells[9 * f + 3 * a + b];
  return 0;
};

export const edgePullReference: ReferenceKernel = ({ ints: { N, E }, buffers }) => {
  const [g, ptr, source, , , out] = buffers;
  if (misfits(ptr!, N, E)) return 1;
  out!.fill(0, 0, 3 * N);
  for (let i = 0; i < N; i++)
    for (let e = ptr![i]; e < ptr![i + 1]; e++)
      for (let b = 0; b < 3; b++) {
        out![3 * source![e] + b] += g![3 * e + b];
        out![3 * i + b] -= g![3 * e + b];
      }
  return 0;
};
