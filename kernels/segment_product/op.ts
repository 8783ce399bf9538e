import { defineOp, type Dims } from "../../src/autograd/define-op.js";
import { groupsOf64 } from "../../src/tensor/backend.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { segmentApplyReference, segmentApplyTReference, segmentOuterReference } from "./reference.js";
import { rowPointerSentence } from "./row-pointers.js";
import { wgsl } from "./wgsl.generated.js";

const segments = "i32[N+1]";

const status = (code: number, dims: Dims): string => rowPointerSentence(code, dims, "rows")!;

const cost = ({ E, A, B, N }: Dims): { flop: number; elements: number } => ({
  flop: 2 * E * A * B,
  elements: E * (A + B) + N * A * B,
});

export const segmentOuterOp = /*#__PURE__*/ defineOp({
  name: "segment_outer",
  inputs: { x: "[E,A]", y: "[E,B]", ptr: segments },
  output: "[N,A,B]",
  status,
  save: ["x", "y", "ptr"],
  vjp: (g, { x, y, ptr }, _a, needs, soFar) => ({
    x: needs("x") ? segmentApplyT(y, g, ptr, soFar("x")) : undefined,
    y: needs("y") ? segmentApply(x, g, ptr) : undefined,
  }),
  cost,
  reference: segmentOuterReference,
  wgsl: { code: wgsl, groups: (ints) => groupsOf64(ints[3] * ints[1] * ints[2]) },
});

export const segmentApplyOp = /*#__PURE__*/ defineOp({
  name: "segment_apply",
  inputs: { x: "[E,A]", z: "[N,A,B]", ptr: segments },
  output: "[E,B]",
  status,
  save: ["x", "z", "ptr"],
  vjp: (g, { x, z, ptr }, _a, needs, soFar) => ({
    x: needs("x") ? segmentApplyT(g, z, ptr, soFar("x")) : undefined,
    z: needs("z") ? segmentOuter(x, g, ptr) : undefined,
  }),
  cost,
  reference: segmentApplyReference,
  wgsl: { code: wgsl, groups: (ints) => groupsOf64(ints[0] * ints[3]) },
});

export const segmentApplyTOp = /*#__PURE__*/ defineOp({
  name: "segment_apply_t",
  inputs: { y: "[E,B]", z: "[N,A,B]", ptr: segments, "addend?": "[E,A]" },
  output: "[E,A]",
  status,
  save: ["y", "z", "ptr"],
  vjp: (g, { y, z, ptr }, _a, needs) => ({
    y: needs("y") ? segmentApply(g, z, ptr) : undefined,
    z: needs("z") ? segmentOuter(g, y, ptr) : undefined,
    addend: needs("addend") ? g : undefined,
  }),
  cost,
  reference: segmentApplyTReference,
  wgsl: { code: wgsl, groups: (ints) => groupsOf64(ints[0] * ints[3]) },
});

/**
 * Moments of each segment: the sum over its rows of x_e (outer) y_e, [N,A,B]. Empty segments give 0.
 *
 * @param x [E,A]; @param y [E,B], B small (fastest up to 8)
 * @param ptr i32[N+1]: segment s holds rows ptr[s] to ptr[s+1]; rows behind the last segment count for nothing
 *
 * Differentiable to any order. Errors: SHAPE; VALUE for pointers that do not fit (on the CPU, where they can be read).
 */
export function segmentOuter(x: Tensor, y: Tensor, ptr: Tensor): Tensor {
  return segmentOuterOp.apply([x, y, ptr]);
}

/** Each row times the matrix of its segment: x [E,A], z [N,A,B] -> [E,B]; pointers and errors as in `segmentOuter`. */
export function segmentApply(x: Tensor, z: Tensor, ptr: Tensor): Tensor {
  return segmentApplyOp.apply([x, z, ptr]);
}

/**
 * Each row times the transposed matrix of its segment, plus an addend [E,A]: y [E,B], z [N,A,B] -> [E,A]; pointers and errors as in
 * `segmentOuter`.
 */
export function segmentApplyT(y: Tensor, z: Tensor, ptr: Tensor, addend?: Tensor): Tensor {
  return segmentApplyTOp.apply([y, z, ptr, addend]);
}
