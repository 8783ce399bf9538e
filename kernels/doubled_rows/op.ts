import { defineOp } from "../../src/autograd/define-op.js";
import { groupsOf64 } from "../../src/tensor/backend.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { showShape } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { add } from "../elementwise/ops.generated.js";
import { concat, slice } from "../shape_ops/op.js";
import { doubleRowsReference, foldRowsReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

const fits = (present: number, found: readonly number[], wanted: readonly number[]): boolean =>
  present < 0 || found.every((n, k) => n === wanted[k]);

/** out[r] = [x[r], x[r]] + addend[r]. */
export const doubleRowsOp = /*#__PURE__*/ defineOp({
  name: "doubleRows",
  inputs: { x: "[R,W]", "addend?": "[P,Q]" },
  attrs: { N: "int" },
  output: "[R,N]",
  check: (d) =>
    d.N === 2 * d.W && fits(d.P, [d.P, d.Q], [d.R, d.N]) ? undefined : "the sizes of the operands do not fit",
  save: [],
  vjp: (g, _s, _a, needs, soFar) => ({
    x: needs("x") ? foldRows(g, soFar("x")) : undefined,
    addend: needs("addend") ? g : undefined,
  }),
  decompose: ({ x, addend }) => plus(concat([x, x], 1), addend),
  cost: (d) => ({ flop: 2 * d.R * d.W, elements: 5 * d.R * d.W }),
  reference: doubleRowsReference,
  wgsl: { code: wgsl, groups: (ints) => groupsOf64(2 * ints[0] * ints[1]) },
});

/** out[r] = x[r, :W] + x[r, W:] + addend[r]: the adjoint of doubleRows. */
export const foldRowsOp = /*#__PURE__*/ defineOp({
  name: "foldRows",
  inputs: { x: "[R,N]", "addend?": "[P,Q]" },
  attrs: { W: "int" },
  output: "[R,W]",
  check: (d) =>
    d.N === 2 * d.W && fits(d.P, [d.P, d.Q], [d.R, d.W]) ? undefined : "the sizes of the operands do not fit",
  save: [],
  vjp: (g, _s, _a, needs, soFar) => ({
    x: needs("x") ? doubleRows(g, soFar("x")) : undefined,
    addend: needs("addend") ? g : undefined,
  }),
  decompose: ({ x, addend }, a) => {
    const W = Number(a.W);
    return plus(add(slice(x, 1, 0, W), slice(x, 1, W)), addend);
  },
  cost: (d) => ({ flop: 2 * d.R * d.W, elements: 4 * d.R * d.W }),
  reference: foldRowsReference,
  wgsl: { code: wgsl, groups: (ints) => groupsOf64(ints[0] * ints[4]) },
});

/**
 * Rows [R, W] beside themselves, [R, 2W], plus an addend of that shape: the residual of a layer twice as wide as its input.
 *
 * Errors: SHAPE, DTYPE.
 */
export function doubleRows(x: Tensor, addend?: Tensor): Tensor {
  const [rows, width] = matrixShape("doubleRows", x);
  checkAddend("doubleRows", addend, [rows, 2 * width]);
  return doubleRowsOp.apply([x, addend], { N: 2 * width });
}

/** The sum of the two halves of rows [R, 2W], [R, W], plus an addend of that shape. Errors: SHAPE, DTYPE. */
export function foldRows(x: Tensor, addend?: Tensor): Tensor {
  const [rows, width] = matrixShape("foldRows", x);
  if (width % 2 > 0)
    throw new AtomgradError("SHAPE", `foldRows: rows of ${width} have no halves; an even number is needed`);
  checkAddend("foldRows", addend, [rows, width / 2]);
  return foldRowsOp.apply([x, addend], { W: width / 2 });
}

function plus(x: Tensor, addend: Tensor | undefined): Tensor {
  return addend === undefined ? x : add(x, addend);
}

function matrixShape(what: string, x: Tensor): readonly number[] {
  if (x.rank === 2) return x.shape;
  throw new AtomgradError("SHAPE", `${what}: expected rows [R,W], got ${showShape(x.shape)}`);
}

function checkAddend(what: string, addend: Tensor | undefined, [rows, width]: readonly number[]): void {
  if (addend === undefined || (addend.rank === 2 && addend.shape[0] === rows && addend.shape[1] === width))
    return;
  throw new AtomgradError(
    "SHAPE",
    `${what}: the addend is ${showShape(addend.shape)}, the result [${rows},${width}]; they must agree`,
  );
}
