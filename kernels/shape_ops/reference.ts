import type { ReferenceKernel } from "../../src/tensor/backend.js";

export const sliceReference: ReferenceKernel = ({ ints: { A, S, B, R, from }, buffers: [x, out] }) => {
  for (let a = 0; a < A; a++)
    for (let r = 0; r < R; r++)
      for (let b = 0; b < B; b++) out![(a * R + r) * B + b] = x![(a * S + from + r) * B + b];
};

export const padReference: ReferenceKernel = ({ ints: { A, R, B, S, from }, buffers: [x, out] }) => {
  for (let a = 0; a < A; a++)
    for (let s = 0; s < S; s++)
      for (let b = 0; b < B; b++) {
        const r = s - from;
        out![(a * S + s) * B + b] = r >= 0 && r < R ? x![(a * R + r) * B + b] : 0;
      }
};

export const joinReference: ReferenceKernel = ({ ints: { A, R, B, Q, S }, buffers: [x, y, out] }) => {
  for (let a = 0; a < A; a++)
    for (let s = 0; s < S; s++)
      for (let b = 0; b < B; b++)
        out![(a * S + s) * B + b] = s < R ? x![(a * R + s) * B + b] : y![(a * Q + s - R) * B + b];
};

export const swapReference: ReferenceKernel = ({ ints: { A, B, C, D }, buffers: [x, out] }) => {
  for (let a = 0; a < A; a++)
    for (let b = 0; b < B; b++)
      for (let c = 0; c < C; c++)
        for (let d = 0; d < D; d++) out![((a * C + c) * B + b) * D + d] = x![((a * B + b) * C + c) * D + d];
};
