import { defineOp } from "../../src/autograd/define-op.js";
import { reshape } from "../../src/autograd/reshape.js";
import { full, type Tensor } from "../../src/tensor/tensor.js";
import { mul, sub } from "../elementwise/ops.generated.js";
import { raggedNN, raggedNT } from "../ragged_matmul/op.js";
import { curvatureReference, softmaxReference, vjpReference } from "./reference.js";

const blocks = { ptr: "i32[N+1]", start: "i32[N+1]" } as const;

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
});

/** u g - u sum(y g) - g sum(y u), sums over the row: the derivative of u . vjp in y. */
export const raggedSoftmaxCurvatureOp = /*#__PURE__*/ defineOp({
  name: "raggedSoftmaxCurvature",
  inputs: { u: "[P]", g: "[P]", y: "[P]", ...blocks },
  output: "[P]",
  decompose: ({ u, g, y, ptr, start }) => {
    const rowSum = (x: Tensor): Tensor => {
      const E = onesPerRow(ptr, x);
      return raggedNT(raggedNN(x, E, ptr, start), E, ptr, start, x.size);
    };
    return sub(sub(mul(u, g), mul(u, rowSum(mul(y, g)))), mul(g, rowSum(mul(y, u))));
  },
  cost: (d) => ({ flop: 7 * d.P, elements: 4 * d.P }),
  reference: curvatureReference,
});

/** A column of ones with a row for every row of the blocks. */
function onesPerRow(ptr: Tensor, like: Tensor): Tensor {
  const rows = ptr.dataSync()[ptr.size - 1];
  return reshape(full([rows], 1, { dtype: like.dtype, device: like.device.name }), [rows, 1]);
}

/**
 * Softmax of each row of ragged square blocks: block i is n_i x n_i, n_i = ptr[i+1] - ptr[i], stored at start[i]. `pad`[i] further
 * keys per row, all of value `padValue`, stand in the denominator only (empty slots of a neighbour list). Empty blocks are fine.
 *
 * @param x [P] logits; @param ptr @param start i32[N+1]; @param pad i32[N]
 */
export function raggedSoftmax(x: Tensor, ptr: Tensor, start: Tensor, pad: Tensor, padValue: number): Tensor {
  return raggedSoftmaxOp.apply([x, ptr, start, pad], { padValue });
}
