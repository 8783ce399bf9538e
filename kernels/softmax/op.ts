import { defineOp, type Dims, type Inputs } from "../../src/autograd/define-op.js";
import { reshape } from "../../src/autograd/reshape.js";
import { detach } from "../../src/autograd/node.js";
import { AtomgradError } from "../../src/tensor/error.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { div, exp, mul, sub } from "../elementwise/ops.generated.js";
import { max, sum } from "../reduce/op.js";
import { softmaxCurvatureReference, softmaxReference, softmaxVjpReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

const rows = { axis: 1, keepDims: true } as const;

/** A workgroup per row, spread over x and y. */
const groups = (ints: Int32Array): [number, number, number] => [
  Math.min(ints[0], 32768),
  Math.ceil(ints[0] / 32768),
  1,
];

const cost =
  (flop: number, passes: number) =>
  ({ R, C }: Dims): { flop: number; elements: number } => ({ flop: flop * R * C, elements: passes * R * C });

/** y[r,c] = exp(x[r,c] - m) / sum over c, m the row's largest. */
export const softmaxOp = /*#__PURE__*/ defineOp({
  name: "softmax",
  inputs: { x: "[R,C]" },
  output: "[R,C]",
  save: ["out"],
  vjp: (g, { out }) => ({ x: softmaxVjpOp.apply([g, out]) }),
  decompose: ({ x }) => {
    if (x.size === 0) return mul(x, 1);
    const powers = exp(sub(x, max(detach(x), rows)));
    return div(powers, sum(powers, rows));
  },
  cost: cost(16, 2),
  reference: softmaxReference,
  wgsl: { code: wgsl, groups },
});

/** y (g - sum of g y over the row): the gradient of softmax, and its own transpose in g. */
export const softmaxVjpOp = /*#__PURE__*/ defineOp({
  name: "softmaxVjp",
  inputs: { g: "[R,C]", y: "[R,C]" },
  output: "[R,C]",
  save: ["g", "y"],
  vjp: (u, { g, y }, _a, needs) => ({
    g: needs("g") ? softmaxVjpOp.apply([u, y]) : undefined,
    y: needs("y") ? softmaxCurvatureOp.apply([u, g, y]) : undefined,
  }),
  decompose: ({ g, y }) => mul(y, sub(g, sum(mul(g, y), rows))),
  cost: cost(4, 3),
  reference: softmaxVjpReference,
  wgsl: { code: wgsl, groups },
});

/** u g - u sum(g y) - g sum(u y): the derivative of u . softmaxVjp(g, y) in y. */
export const softmaxCurvatureOp = /*#__PURE__*/ defineOp({
  name: "softmaxCurvature",
  inputs: { u: "[R,C]", g: "[R,C]", y: "[R,C]" },
  output: "[R,C]",
  decompose: ({ u, g, y }: Inputs) =>
    sub(sub(mul(u, g), mul(u, sum(mul(g, y), rows))), mul(g, sum(mul(u, y), rows))),
  cost: cost(8, 4),
  reference: softmaxCurvatureReference,
  wgsl: { code: wgsl, groups },
});

/**
 * Softmax over the last axis, in the form that never overflows; differentiable to any order.
 *
 * @param x any shape but a scalar's. -Infinity gives 0; a row of nothing else, or one with NaN or +Infinity, gives NaN.
 * @returns x's shape. Errors: SHAPE for a scalar.
 */
export function softmax(x: Tensor): Tensor {
  if (x.rank === 0)
    throw new AtomgradError("SHAPE", "softmax: x is a scalar; softmax needs an axis to sum over");
  const C = x.shape[x.rank - 1];
  const R = C === 0 ? 0 : x.size / C;
  return reshape(softmaxOp.apply([reshape(x, [R, C])]), x.shape);
}
