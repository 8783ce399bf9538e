import type { ReferenceCall } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

/** Places of one product x y w g in the rows of an edge; weight -1: no weight. */
type Visit = (x: number, y: number, weight: number, g: number, coefficient: number) => void;

/** Every product of the form that the plan describes, for one edge (spec equivariant 4.1). */
function walk(plan: TypedArray, coefficients: TypedArray, visit: Visit): void {
  const [paths, entries1, entries3] = plan;
  const records = 8 + 4 * (entries1 + entries3);
  const triples = records + 16 * paths;
  for (let n = 0; n < paths; n++) {
    const [pairing, target, weights, mul1, mul2, mul3, d1, d2, d3, o1, o2, o3, first, count] = plan.subarray(
      records + 16 * n,
    );
    let q = 0;
    const pair = (u: number, v: number): void => {
      const copies = target === 4 ? Array.from({ length: mul3 }, (_, t) => t) : [[u, v, q, 0][target]];
      for (const t of copies)
        for (let e = first; e < first + count; e++) {
          const [i, j, k] = plan.subarray(triples + 3 * e);
          const weight = weights < 0 ? -1 : weights + (target === 4 ? q * mul3 + t : q);
          visit(o1 + u * d1 + i, o2 + v * d2 + j, weight, o3 + t * d3 + k, coefficients[e]);
        }
      q++;
    };
    for (let u = 0; u < mul1; u++)
      if (pairing === 1) pair(u, u);
      else for (let v = pairing === 2 ? u + 1 : 0; v < mul2; v++) pair(u, v);
  }
}

type Role = "x" | "y" | "w" | "g";

/** The partial derivative of sum over e of g[target] . T(x[source], y, w) with respect to one operand. */
function partial(role: Role, { ints, buffers }: ReferenceCall): void {
  const given = (["x", "y", "w", "g"] as const).filter((name) => name !== role);
  const [plan, coefficients, source, , , target] = buffers.slice(3) as TypedArray[];
  const operands: Record<string, TypedArray | undefined> = {};
  given.forEach((name, k) => (operands[name] = buffers[k]));
  const out = buffers[11]!;
  const width = { x: ints.A, y: ints.B, w: ints.W, g: ints.D }[role];
  out.fill(0, 0, { x: ints.N, y: ints.E, w: ints.V, g: ints.M }[role] * width);
  const { x, y, w, g } = operands;
  for (let e = 0; e < ints.E; e++) {
    const [from, to] = [source?.[e] ?? e, target?.[e] ?? e];
    if (from < 0 || to < 0) continue;
    const row = { x: from * ints.A, y: e * ints.B, w: ints.V === 1 ? 0 : e * ints.W, g: to * ints.D };
    walk(plan, coefficients, (a, b, c, d, coefficient) => {
      if (role === "w" && c < 0) return;
      let product = coefficient;
      if (x !== undefined) product *= x[row.x + a];
      if (y !== undefined) product *= y[row.y + b];
      if (w !== undefined && c >= 0) product *= w[row.w + c];
      if (g !== undefined) product *= g[row.g + d];
      out[row[role] + { x: a, y: b, w: c, g: d }[role]] += product;
    });
  }
}

export const outputReference = (call: ReferenceCall): void => partial("g", call);
export const firstReference = (call: ReferenceCall): void => partial("x", call);
export const secondReference = (call: ReferenceCall): void => partial("y", call);
export const weightsReference = (call: ReferenceCall): void => partial("w", call);

export function jointReference({ ints, buffers, ...rest }: ReferenceCall): void {
  const [x, y, w, g] = buffers;
  const tables = buffers.slice(4, 12);
  const outputs = buffers.slice(12);
  const call = (given: typeof buffers, k: number) => ({
    ...rest,
    ints,
    buffers: [...given, ...tables, outputs[k]],
  });
  if (ints.X > 0) firstReference(call([y, w, g], 0));
  secondReference(call([x, w, g], 1));
  if (w !== undefined && w !== null) weightsReference(call([x, y, g], 2));
}
