import type { ReferenceCall, ReferenceKernel } from "../../src/tensor/backend.js";

/** f(first element) for every row. */
function eachRow({ ints: { R, C } }: ReferenceCall, f: (first: number) => void): void {
  for (let r = 0; r < R; r++) f(r * C);
}

/** Sum of x y over the row that starts at `first`. */
function dot(x: ArrayLike<number>, y: ArrayLike<number>, first: number, C: number): number {
  let total = 0;
  for (let k = first; k < first + C; k++) total += x[k] * y[k];
  return total;
}

export const softmaxReference: ReferenceKernel = (call) => {
  const { C } = call.ints;
  const [x, out] = call.buffers;
  eachRow(call, (first) => {
    let largest = -Infinity;
    for (let k = first; k < first + C; k++) largest = Math.max(largest, x![k]);
    const powers = Array.from({ length: C }, (_, k) => Math.exp(x![first + k] - largest));
    const total = powers.reduce((a, b) => a + b, 0);
    powers.forEach((p, k) => (out![first + k] = p / total));
  });
};

export const softmaxVjpReference: ReferenceKernel = (call) => {
  const { C } = call.ints;
  const [g, y, out] = call.buffers;
  eachRow(call, (first) => {
    const along = dot(g!, y!, first, C);
    for (let k = first; k < first + C; k++) out![k] = y![k] * (g![k] - along);
  });
};

export const softmaxCurvatureReference: ReferenceKernel = (call) => {
  const { C } = call.ints;
  const [u, g, y, out] = call.buffers;
  eachRow(call, (first) => {
    const [alongU, alongG] = [dot(u!, y!, first, C), dot(g!, y!, first, C)];
    for (let k = first; k < first + C; k++) out![k] = u![k] * g![k] - u![k] * alongG - g![k] * alongU;
  });
};
