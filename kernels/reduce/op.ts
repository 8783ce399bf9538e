import { defineOp, type Dims } from "../../src/autograd/define-op.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { axisOf, sameShape, type Shape, showShape, sizeOf } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { div, equal, mul, square } from "../elementwise/ops.generated.js";
import { reshape } from "../../src/autograd/reshape.js";
import { groupsOf64, spreadGroups } from "../../src/tensor/backend.js";
import { expandReference, maxReference, sumReference, sumSquaresReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

/** Long runs are reduced in chunks whose partial results need a place. */
function work(d: Dims, itemBytes: number): number {
  return d.R > 2048 ? d.A * Math.ceil(d.R / 2048) * d.B * itemBytes : 0;
}

/** Workgroups of webgpu.wgsl: 256 outputs each, or for long runs up to 32 neighbouring ones. */
function reductionGroups([A, R, B]: Int32Array): [number, number, number] {
  if (R < 64) return spreadGroups(Math.ceil((A * B) / 256));
  const width = Math.min(32, 2 ** Math.ceil(Math.log2(Math.max(B, 1))));
  return spreadGroups(A * Math.ceil(B / width));
}

/** out[a,b] = sum over r of x[a,r,b], added in the order of r in fixed blocks. */
export const sumOp = /*#__PURE__*/ defineOp({
  name: "sum",
  inputs: { x: "[A,R,B]" },
  output: "[A,B]",
  save: [],
  vjp: (g, _s, a) => ({ x: expandOp.apply([g], a) }),
  attrs: { R: "int" },
  work,
  cost: (d) => ({ flop: d.A * d.R * d.B, elements: d.A * (d.R + 1) * d.B }),
  reference: sumReference,
  wgsl: { code: wgsl, groups: reductionGroups },
});

/** out[a,r,b] = x[a,b] for every r: the adjoint of sum. */
export const expandOp = /*#__PURE__*/ defineOp({
  name: "expand",
  inputs: { x: "[A,B]" },
  attrs: { R: "int" },
  output: "[A,R,B]",
  save: [],
  vjp: (g, _s, a) => ({ x: sumOp.apply([g], a) }),
  cost: (d) => ({ flop: 0, elements: d.A * (d.R + 1) * d.B }),
  reference: expandReference,
  wgsl: { code: wgsl, groups: (ints) => groupsOf64(ints[0] * ints[1] * ints[2]) },
});

/** out[a,b] = largest x[a,r,b] over r. The gradient is shared equally by all r that reach it. */
export const maxOp = /*#__PURE__*/ defineOp({
  name: "max",
  inputs: { x: "[A,R,B]" },
  output: "[A,B]",
  save: ["x", "out"],
  attrs: { R: "int" },
  work,
  check: (d) => (d.R === 0 ? "the largest of no elements does not exist" : undefined),
  vjp: (g, { x, out }, a) => {
    const reached = equal(x, expandOp.apply([out], a));
    const share = div(g, sumOp.apply([reached], a));
    return { x: mul(expandOp.apply([share], a), reached) };
  },
  cost: (d) => ({ flop: d.A * d.R * d.B, elements: d.A * (d.R + 1) * d.B }),
  reference: maxReference,
  wgsl: { code: wgsl, entry: "largest", groups: reductionGroups },
});

/** out[0] = sum of x[r]^2. */
export const sumSquaresOp = /*#__PURE__*/ defineOp({
  name: "sumSquares",
  inputs: { x: "[R]" },
  output: "[1]",
  work: (d, itemBytes) => work({ A: 1, R: d.R, B: 1 }, itemBytes),
  decompose: ({ x }) => sum(square(x), { keepDims: true }),
  cost: (d) => ({ flop: 2 * d.R, elements: d.R }),
  reference: sumSquaresReference,
});

/** What to reduce over: nothing given means all dimensions. */
export interface ReduceOptions {
  axis?: number | readonly number[];
  keepDims?: boolean;
}

/** Sum over some or all dimensions. */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce("sum", x, options, (y, R) => sumOp.apply([y], { R }));
}

/** The sum of all squares, without an array of them. */
export function sumSquares(x: Tensor): Tensor {
  return reshape(sumSquaresOp.apply([reshape(x, [x.size])]), []);
}

/** Mean over some or all dimensions. Errors: VALUE over an empty dimension. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  const axes = axesOf("mean", x, options.axis);
  const count = axes.reduce((n, k) => n * x.shape[k], 1);
  if (count === 0) throw new AtomgradError("VALUE", `mean: no elements in ${showShape(x.shape)}`);
  return mul(sum(x, options), 1 / count);
}

/** Largest element over some or all dimensions; ties share the gradient. */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce("max", x, options, (y, R) => maxOp.apply([y], { R }));
}

/** Copies along new or size-1 dimensions until x has `shape`. Errors: SHAPE. */
export function expandTo(x: Tensor, shape: Shape): Tensor {
  let y = x;
  let dims = [...new Array<number>(shape.length - x.shape.length).fill(1), ...x.shape];
  for (let k = 0; k < shape.length; k++) {
    if (dims[k] === shape[k]) continue;
    if (dims[k] !== 1)
      throw new AtomgradError("SHAPE", `expandTo: ${showShape(x.shape)} cannot become ${showShape(shape)}`);
    const [A, B] = [sizeOf(dims.slice(0, k)), sizeOf(dims.slice(k + 1))];
    y = expandOp.apply([reshape(y, [A, B])], { R: shape[k] });
    dims = dims.map((n, j) => (j === k ? shape[k] : n));
  }
  return reshape(y, shape);
}

/** Sums what broadcasting repeated, so that x gets `shape` again: the adjoint of broadcasting. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const padded = [...new Array<number>(x.shape.length - shape.length).fill(1), ...shape];
  const axes = padded.flatMap((n, k) => (n === 1 && x.shape[k] !== 1 ? [k] : []));
  return reshape(axes.length === 0 ? x : sum(x, { axis: axes, keepDims: true }), shape);
}

function axesOf(what: string, x: Tensor, axis: ReduceOptions["axis"]): number[] {
  if (axis === undefined) return x.shape.map((_, k) => k);
  const axes = (typeof axis === "number" ? [axis] : axis).map((k) => axisOf(what, k, x.rank));
  return [...new Set(axes)].sort((a, b) => a - b);
}

/** Reduces runs of neighbouring axes at once, last run first. */
function reduce(
  what: string,
  x: Tensor,
  options: ReduceOptions,
  one: (y: Tensor, R: number) => Tensor,
): Tensor {
  const axes = axesOf(what, x, options.axis);
  const dims = [...x.shape];
  let y = x;
  for (let last = axes.length - 1; last >= 0;) {
    let first = last;
    while (first > 0 && axes[first - 1] === axes[first] - 1) first--;
    const [from, to] = [axes[first], axes[last] + 1];
    const R = sizeOf(dims.slice(from, to));
    y = one(reshape(y, [sizeOf(dims.slice(0, from)), R, sizeOf(dims.slice(to))]), R);
    for (let k = from; k < to; k++) dims[k] = 1;
    last = first - 1;
  }
  return reshape(y, options.keepDims === true ? dims : dims.filter((_, k) => !axes.includes(k)));
}
