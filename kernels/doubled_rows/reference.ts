import type { ReferenceKernel } from "../../src/tensor/backend.js";

export const doubleRowsReference: ReferenceKernel = ({ ints: { R, W }, buffers: [x, addend, out] }) => {
  for (let r = 0; r < R; r++)
    for (let j = 0; j < 2 * W; j++) {
      const k = 2 * W * r + j;
      out![k] = x![W * r + (j % W)] + (addend?.[k] ?? 0);
    }
};

export const foldRowsReference: ReferenceKernel = ({ ints: { R, W }, buffers: [x, addend, out] }) => {
  for (let r = 0; r < R; r++)
    for (let j = 0; j < W; j++) {
      const k = W * r + j;
      const start = 2 * W * r + j;
      out![k] = x![start] + x![start + W] + (addend?.[k] ?? 0);
    }
};
