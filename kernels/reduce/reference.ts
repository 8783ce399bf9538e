import type { ReferenceKernel } from "../../src/tensor/backend.js";

export const sumReference: ReferenceKernel = ({ ints: { A, R, B }, buffers: [x, out] }) => {
  for (let a = 0; a < A; a++)
    for (let b = 0; b < B; b++) {
      let total = 0;
      for (let r = 0; r < R; r++) total += x![(a * R + r) * B + b];
      out![a * B + b] = total;
    }
};

export const sumSquaresReference: ReferenceKernel = ({ ints: { R }, buffers: [x, out] }) => {
  let total = 0;
  for (let r = 0; r < R; r++) total += x![r] ** 2;
  out![0] = total;
};

export const expandReference: ReferenceKernel = ({ ints: { A, R, B }, buffers: [x, out] }) => {
  for (let a = 0; a < A; a++)
    for (let r = 0; r < R; r++) for (let b = 0; b < B; b++) out![(a * R + r) * B + b] = x![a * B + b];
};

export const maxReference: ReferenceKernel = ({ ints: { A, R, B }, buffers: [x, out] }) => {
  for (let a = 0; a < A; a++)
    for (let b = 0; b < B; b++) {
      let largest = -Infinity;
      for (let r = 0; r < R; r++) largest = Math.max(largest, x![(a * R + r) * B + b]);
      out![a * B + b] = largest;
    }
};
