import type { ReferenceCall } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

/** Calls visit(edge function, angular function, triplet function) for every product of the form. */
function walk(
  { ints }: ReferenceCall,
  index: TypedArray,
  visit: (radial: number, angular: number, out: number) => void,
): void {
  const { N, F, L } = ints;
  for (let t = 0; t < N; t++)
    for (let f = 0; f < F; f++) visit(index[t] * F + f, t * L + Math.floor((f * L) / F), t * F + f);
}

export function productReference(call: ReferenceCall): void {
  const [radial, angular, index, , , out] = call.buffers as TypedArray[];
  walk(call, index, (r, a, o) => (out[o] = radial[r] * angular[a]));
}

export function radialReference(call: ReferenceCall): void {
  const [g, angular, index, , , out] = call.buffers as TypedArray[];
  out.fill(0, 0, call.ints.E * call.ints.F);
  walk(call, index, (r, a, o) => (out[r] += g[o] * angular[a]));
}

export function angularReference(call: ReferenceCall): void {
  const [g, radial, index, , , out] = call.buffers as TypedArray[];
  out.fill(0, 0, call.ints.N * call.ints.L);
  walk(call, index, (r, a, o) => (out[a] += g[o] * radial[r]));
}

export function jointReference(call: ReferenceCall): void {
  const [g, angular, radial, index, , , toRadial, toAngular] = call.buffers as TypedArray[];
  toRadial.fill(0, 0, call.ints.E * call.ints.F);
  toAngular.fill(0, 0, call.ints.N * call.ints.L);
  walk(call, index, (r, a, o) => {
    toRadial[r] += g[o] * angular[a];
    toAngular[a] += g[o] * radial[r];
  });
}
