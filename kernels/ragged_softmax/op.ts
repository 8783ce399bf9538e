import { defineOp } from "../../src/autograd/define-op.js";
import { spreadGroups, type WgslKernel } from "../../src/tensor/backend.js";
import { full, type Tensor } from "../../src/tensor/tensor.js";
import { mul, sub } from "../elementwise/ops.generated.js";
import { raggedNN, raggedNT } from "../ragged_matmul/op.js";
import { curvatureReference, softmaxReference, vjpReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

const blocks = { ptr: "i32[N+1]", start: "i32[N+1]" } as const;

/** Eight workgroups for each block, and eight for what belongs to none (webgpu.wgsl). */
const onGpu: WgslKernel = { code: wgsl, groups: (ints) => spreadGroups(8 * (ints[1] + 1)) };

/** Softmax over the rows of ragged square blocks, with keys that are only counted. */
export const raggedSoftmaxOp = /*#__PURE__*/ defineOp({
  name: "raggedSoftmax",
  inputs: { x: "[P]", ...blocks, pad: "i32[N]" },
  attrs: { padValue: "real" },
  output: "[P]",
  save: ["ptr", "start", "out"],
  vjp: (g, { out, ptr, start }) => ({ x: raggedSoftmaxVjpOp.apply([g, out, ptr, start]) }),
  cost: (d) => ({ flop: 14 * d.P, elements: 2 * d.P }),
  reference: softmaxReference,
  wgsl: onGpu,
});

/** y (g - sum of y g over the row): symmetric in what it is applied to. */
export const raggedSoftmaxVjpOp = /*#__PURE__*/ defineOp({
  name: "raggedSoftmaxVjp",
  inputs: { g: "[P]", y: "[P]", ...blocks },
  output: "[P]",
  save: ["g", "y", "ptr", "start"],
  vjp: (u, { g, y, ptr, start }, _a, needs) => ({
    g: needs("g") ? raggedSoftmaxVjpOp.apply([u, y, ptr, start]) : undefined,
    y: needs("y") ? raggedSoftmaxCurvatureOp.apply([u, g, y, ptr, start]) : undefined,
  }),
  cost: (d) => ({ flop: 4 * d.P, elements: 3 * d.P }),
  reference: vjpReference,
  wgsl: onGpu,
});

/** u g - u sum(y g) - g sum(y u), sums over the row: the derivative of u . vjp in y. */
export const raggedSoftmaxCurvatureOp = /*#__PURE__*/ defineOp({
  name: "raggedSoftmaxCurvature",
  inputs: { u: "[P]", g: "[P]", y: "[P]", ...blocks },
  output: "[P]",
  decompose: ({ u, g, y, ptr, start }) => {
    const ones = onesPerRow(y);
    const spread = (rows: Tensor): Tensor => raggedNT(rows, ones, ptr, start, y.size);
    const rowSum = (x: Tensor): Tensor => spread(raggedNN(x, ones, ptr, start));
    const products = mul(spread(ones), mul(u, g)); // 0 in elements of no block, like the sums
    return sub(sub(products, mul(u, rowSum(mul(y, g)))), mul(g, rowSum(mul(y, u))));
  },
  cost: (d) => ({ flop: 7 * d.P, elements: 4 * d.P }),
  reference: curvatureReference,
  wgsl: onGpu,
});

/** A column of ones with at least a row for every row of the blocks: how many there are stands on the device alone. */
function onesPerRow(x: Tensor): Tensor {
  return full([x.size, 1], 1, { dtype: x.dtype, device: x.device.name });
}

/**
 * Softmax of each row of ragged square blocks: block i is n_i x n_i, n_i = ptr[i+1] - ptr[i], stored at start[i]. `pad`[i] further
 * keys per row, all of value `padValue`, stand in the denominator only (empty slots of a neighbour list). Empty blocks are fine;
 * elements of no block give 0.
 *
 * @param x [P] logits; @param ptr @param start i32[N+1]; @param pad i32[N]
 */
export function raggedSoftmax(x: Tensor, ptr: Tensor, start: Tensor, pad: Tensor, padValue: number): Tensor {
  return raggedSoftmaxOp.apply([x, ptr, start, pad], { padValue });
}
