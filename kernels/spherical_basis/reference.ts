import type { ReferenceCall } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";
import { legendreAt, radialAt } from "../radial_basis/reference.js";

/** Calls visit(triplet, edge, function of a triplet, its radial and angular parts of the order asked for). */
function walk(
  { ints }: ReferenceCall,
  [x, u, zeros, norms, index]: readonly TypedArray[],
  [radialOrder, angularOrder]: readonly [number, number],
  visit: (t: number, e: number, out: number, value: number) => void,
): void {
  const { N, E, F, radials, envelope } = ints;
  const radial = Array.from({ length: E * F }, (_, k) => {
    const f = k % F;
    const shape = { radials, envelope, order: radialOrder };
    return radialAt(f, x[Math.floor(k / F)], shape, zeros, norms);
  });
  for (let t = 0; t < N; t++)
    for (let f = 0; f < F; f++) {
      const y = legendreAt(Math.floor(f / radials), u[t], angularOrder);
      visit(t, index[t], t * F + f, radial[index[t] * F + f] * y);
    }
}

export function basisReference(call: ReferenceCall): void {
  const buffers = call.buffers as TypedArray[];
  walk(call, buffers, [0, 0], (_t, _e, o, value) => (buffers[7][o] = value));
}

export function gradientReference(call: ReferenceCall): void {
  const [g, ...operands] = call.buffers as TypedArray[];
  const [toX, toU] = operands.slice(7);
  toX.fill(0, 0, call.ints.E);
  toU.fill(0, 0, call.ints.N);
  walk(call, operands, [1, 0], (_t, e, o, value) => (toX[e] += g[o] * value));
  walk(call, operands, [0, 1], (t, _e, o, value) => (toU[t] += g[o] * value));
}
