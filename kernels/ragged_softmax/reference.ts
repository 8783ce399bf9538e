import type { ReferenceCall, ReferenceKernel } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

/**
 * Calls f with the first element and the length of every row; the pointers stand at buffers[at], buffers[at + 1]. Elements of no
 * block become 0.
 */
function eachRow(
  { ints, buffers }: ReferenceCall,
  at: number,
  f: (first: number, n: number, block: number) => void,
): void {
  const [ptr, start] = [buffers[at]!, buffers[at + 1]!];
  buffers[buffers.length - 1]!.fill(0, 0, ints.P);
  for (let i = 0; i < ints.N; i++) {
    const n = ptr[i + 1] - ptr[i];
    for (let row = 0; row < n; row++) f(start[i] + row * n, n, i);
  }
}

export const softmaxReference: ReferenceKernel = (call) => {
  const [x, , , pad, out] = call.buffers as TypedArray[];
  const { padValue } = call.reals;
  eachRow(call, 1, (first, n, block) => {
    const row = Array.from(x.subarray(first, first + n));
    const largest = Math.max(...row, pad[block] > 0 ? padValue : -Infinity);
    const powers = row.map((v) => Math.exp(v - largest));
    const empty = pad[block] > 0 ? pad[block] * Math.exp(padValue - largest) : 0;
    const total = powers.reduce((a, b) => a + b, 0) + empty;
    powers.forEach((p, k) => (out[first + k] = p / total));
  });
};

export const vjpReference: ReferenceKernel = (call) => {
  const [g, y, , , out] = call.buffers as TypedArray[];
  eachRow(call, 2, (first, n) => {
    let along = 0;
    for (let k = first; k < first + n; k++) along += y[k] * g[k];
    for (let k = first; k < first + n; k++) out[k] = y[k] * (g[k] - along);
  });
};

export const curvatureReference: ReferenceKernel = (call) => {
  const [u, g, y, , , out] = call.buffers as TypedArray[];
  eachRow(call, 3, (first, n) => {
    let [alongG, alongU] = [0, 0];
    for (let k = first; k < first + n; k++) {
      alongG += y[k] * g[k];
      alongU += y[k] * u[k];
    }
    for (let k = first; k < first + n; k++) out[k] = u[k] * g[k] - u[k] * alongG - g[k] * alongU;
  });
};
