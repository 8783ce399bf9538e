import { defineOp, type Inputs, type Op } from "../../src/autograd/define-op.js";
import { reshape } from "../../src/autograd/reshape.js";
import { groupsOf64 } from "../../src/tensor/backend.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { showShape, sizeOf } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { mul } from "../elementwise/ops.generated.js";
import { chunkBytes } from "../segment/chunks.js";
import { gather, type IndexMap, scatterSum } from "../segment/op.js";
import { multiplyReference, sumReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

const tables = {
  sourceIndex: "i32[E]",
  sourceOrder: "i32[J]",
  sourcePtr: "i32[R+1]",
  targetIndex: "i32[E]",
  targetOrder: "i32[K]",
  targetPtr: "i32[N+1]",
} as const;
const names = Object.keys(tables);
const orders = ["sourceOrder", "sourcePtr", "targetOrder", "targetPtr"];

const mapOf = (s: Inputs, end: "source" | "target"): IndexMap => ({
  rows: s[`${end}Ptr`].shape[0] - 1,
  index: s[`${end}Index`],
  order: s[`${end}Order`],
  ptr: s[`${end}Ptr`],
});
/** Tables in the order of the contract, or with the ends of the edges exchanged. */
const forth = (s: Inputs): Tensor[] => names.map((name) => s[name]);
const back = (s: Inputs): Tensor[] => [...forth(s).slice(3), ...forth(s).slice(0, 3)];

/** out[n] = sum over the edges e of n of x[source e] w[e]: see `gatherMultiplySum`. */
export const gatherMultiplySumOp: Op = /*#__PURE__*/ defineOp({
  name: "gatherMultiplySum",
  inputs: { x: "[R,F]", w: "[E,F]", ...tables },
  output: "[N,F]",
  save: ["x", "w", ...names],
  vjp: (g, s, _a, needs) => ({
    x: needs("x") ? gatherMultiplySumOp.apply([g, s.w, ...back(s)]) : undefined,
    w: needs("w") ? gatherMultiplyOp.apply([s.x, g, ...forth(s)]) : undefined,
  }),
  decompose: ({ x, w, ...s }) => scatterSum(mul(gather(x, mapOf(s, "source")), w), mapOf(s, "target")),
  work: (d, itemBytes) => chunkBytes(d.E, d.F, itemBytes),
  cost: (d) => ({ flop: 2 * d.E * d.F, elements: (d.E + d.R + d.N) * d.F }),
  reference: sumReference,
  wgsl: {
    code: wgsl,
    unread: ["sourceOrder", "sourcePtr", "targetIndex"],
    groups: (ints) => groupsOf64(ints[5] * ints[1]),
  },
});

/** out[e] = x[source e] y[target e]; 0 where an end is -1. */
export const gatherMultiplyOp: Op = /*#__PURE__*/ defineOp({
  name: "gatherMultiply",
  inputs: { x: "[R,F]", y: "[N,F]", ...tables },
  output: "[E,F]",
  save: ["x", "y", ...names],
  vjp: (w, s, _a, needs) => ({
    x: needs("x") ? gatherMultiplySumOp.apply([s.y, w, ...back(s)]) : undefined,
    y: needs("y") ? gatherMultiplySumOp.apply([s.x, w, ...forth(s)]) : undefined,
  }),
  decompose: ({ x, y, ...s }) => mul(gather(x, mapOf(s, "source")), gather(y, mapOf(s, "target"))),
  cost: (d) => ({ flop: d.E * d.F, elements: (d.E + d.R + d.N) * d.F }),
  reference: multiplyReference,
  wgsl: { code: wgsl, unread: orders, groups: (ints) => groupsOf64(ints[3] * ints[1]) },
});

/** The rows at the two ends of each edge. */
export interface EdgeMaps {
  readonly source: IndexMap;
  readonly target: IndexMap;
}

/**
 * Messages of edges, each the row of its source times its own row of weights, summed into their targets:
 * out[n] = sum over edges e with target e = n of x[source e] * w[e]. Nothing of the size of the edges is stored but the gradient
 * of w. Differentiable to any order; sums have the order of the edges.
 *
 * @param x [source.rows, ...]; @param w [E, ...], the same sizes after the first
 * @param maps ends of the E edges; an edge with an end -1 adds nothing. @returns [target.rows, ...]. Errors: SHAPE.
 */
export function gatherMultiplySum(x: Tensor, w: Tensor, { source, target }: EdgeMaps): Tensor {
  const rest = x.shape.slice(1);
  if (x.rank === 0 || showShape(w.shape.slice(1)) !== showShape(rest))
    throw new AtomgradError(
      "SHAPE",
      `gatherMultiplySum: expected rows x [rows, ...] and w [edges, ...] of equal sizes, got ${showShape(x.shape)} and ${showShape(w.shape)}`,
    );
  const rows = (t: Tensor): Tensor => reshape(t, [t.shape[0], sizeOf(rest)]);
  const maps = [source, target].flatMap((map) => [map.index, map.order, map.ptr]);
  return reshape(gatherMultiplySumOp.apply([rows(x), rows(w), ...maps]), [target.rows, ...rest]);
}
