import type { ReferenceKernel } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

/** 1 when the pointers do not rise from 0 to E. */
function misfit(ptr: TypedArray, N: number, E: number): number {
  for (let n = 0; n < N; n++) if (ptr[n + 1] < ptr[n]) return 1;
  return Number(ptr[0] !== 0 || ptr[N] !== E);
}

export const segmentSumReference: ReferenceKernel = ({ ints: { E, F, N }, buffers: [x, ptr, out] }) => {
  if (misfit(ptr!, N, E) !== 0) return 1;
  for (let n = 0; n < N; n++)
    for (let f = 0; f < F; f++) {
      let total = 0;
      for (let e = ptr![n]; e < ptr![n + 1]; e++) total += x![e * F + f];
      out![n * F + f] = total;
    }
  return 0;
};

export const segmentMaxReference: ReferenceKernel = ({ ints: { E, F, N }, buffers: [x, ptr, out] }) => {
  if (misfit(ptr!, N, E) !== 0) return 1;
  for (let n = 0; n < N; n++)
    for (let f = 0; f < F; f++) {
      let largest = ptr![n] < ptr![n + 1] ? -Infinity : 0;
      for (let e = ptr![n]; e < ptr![n + 1]; e++) largest = Math.max(largest, x![e * F + f]);
      out![n * F + f] = largest;
    }
  return 0;
};

export const segmentExpandReference: ReferenceKernel = ({ ints: { E, F, N }, buffers: [y, ptr, out] }) => {
  if (misfit(ptr!, N, E) !== 0) return 1;
  for (let n = 0; n < N; n++)
    for (let e = ptr![n]; e < ptr![n + 1]; e++) for (let f = 0; f < F; f++) out![e * F + f] = y![n * F + f];
  return 0;
};

export const gatherReference: ReferenceKernel = ({ ints: { E, F }, buffers: [x, index, , , out] }) => {
  for (let e = 0; e < E; e++)
    for (let f = 0; f < F; f++) out![e * F + f] = index![e] < 0 ? 0 : x![index![e] * F + f];
};

export const gatherSumReference: ReferenceKernel = ({ ints: { R, F }, buffers: [x, , order, ptr, out] }) => {
  for (let r = 0; r < R; r++)
    for (let f = 0; f < F; f++) {
      let total = 0;
      for (let k = ptr![r]; k < ptr![r + 1]; k++) total += x![order![k] * F + f];
      out![r * F + f] = total;
    }
};
