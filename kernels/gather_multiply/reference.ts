import type { ReferenceCall } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

/** Calls visit(source number, edge number, target number) for every edge with two ends and every column. */
function walk(
  { ints: { E, F } }: ReferenceCall,
  source: TypedArray,
  target: TypedArray,
  visit: (x: number, w: number, out: number) => void,
): void {
  for (let e = 0; e < E; e++)
    if (source[e] >= 0 && target[e] >= 0)
      for (let f = 0; f < F; f++) visit(source[e] * F + f, e * F + f, target[e] * F + f);
}

export function sumReference(call: ReferenceCall): void {
  const [x, w, source, , , target, , , out] = call.buffers as TypedArray[];
  out.fill(0, 0, call.ints.N * call.ints.F);
  walk(call, source, target, (s, e, t) => (out[t] += x[s] * w[e]));
}

export function multiplyReference(call: ReferenceCall): void {
  const [x, y, source, , , target, , , out] = call.buffers as TypedArray[];
  out.fill(0, 0, call.ints.E * call.ints.F);
  walk(call, source, target, (s, e, t) => (out[e] = x[s] * y[t]));
}
