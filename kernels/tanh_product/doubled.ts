import { defineOp, type Op } from "../../src/autograd/define-op.js";
import { type JointRule, recordJoint } from "../../src/autograd/joint.js";
import { isRecording, noGrad } from "../../src/autograd/node.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { doubleRows, foldRows } from "../doubled_rows/op.js";
import { add } from "../elementwise/ops.generated.js";
import { multiply } from "../matmul/product.js";
import { sum } from "../reduce/op.js";
import { tanhProductVjpOp } from "./gradients.js";
import {
  doubledGradientsReference,
  doubledReference,
  doubledVjpReference,
  doubledVjpVjpReference,
} from "./reference.js";
import { blockRows, ceil16, fits, slope, workElements } from "./rows.js";
import { secondGradients } from "./second-gradients.js";

const isDoubled = ({ K, N }: Readonly<Record<string, number>>): string | undefined =>
  N === 2 * K ? undefined : "N must be 2 K";

/** y = tanh(x W + bias) and out = y + [x, x] in one pass over the rows. */
export const doubledTanhOp: Op = /*#__PURE__*/ defineOp({
  name: "doubledTanh",
  shortcutOf: "matmul",
  inputs: { x: "[E,K]", w: "[K,N]", "bias?": "[N]" },
  output: { y: "[E,N]", out: "[E,N]" },
  check: isDoubled,
  work: ({ E, N, K }, itemBytes) => workElements(E, N, [K, N], 0, 0) * itemBytes,
  cost: ({ E, N, K }) => ({ flop: 2 * E * N * K, elements: E * (K + 2 * N) }),
  reference: doubledReference,
});

/** (g (1 - y^2)) W^T + the two halves of g + residual: the gradient of x of out = tanh(x W + b) + [x, x]. */
export const doubledTanhVjpOp: Op = /*#__PURE__*/ defineOp({
  name: "doubledTanhVjp",
  inputs: { g: "[E,N]", y: "[E,N]", w: "[K,N]", "residual?": "[E,K]" },
  output: "[E,K]",
  check: isDoubled,
  work: ({ E, N, K }, itemBytes) => workElements(E, N, [N, K], 0, blockRows * K) * itemBytes,
  save: ["g", "y", "w"],
  vjp: (v, saved, _a, needs, soFar) => ({
    ...secondGradients(
      { whole: doubledTanhVjpVjpOp, ofG: (share) => doubleRows(v, share) },
      v,
      saved,
      needs,
      soFar,
    ),
    residual: needs("residual") ? v : undefined,
  }),
  decompose: ({ g, y, w, residual }) => tanhProductVjpOp.apply([g, y, w, foldRows(g, residual)]),
  cost: ({ E, N, K }) => ({ flop: 2 * E * N * K, elements: E * (2 * N + K) }),
  reference: doubledVjpReference,
});

/** The gradients of x, W and b in one pass; `ofY` is a gradient that y has of its own. */
export const doubledTanhGradientsOp: Op = /*#__PURE__*/ defineOp({
  name: "doubledTanhGradients",
  shortcutOf: "matmul",
  inputs: { g: "[E,N]", "ofY?": "[E,N]", y: "[E,N]", w: "[K,N]", x: "[E,K]", "residual?": "[E,K]" },
  output: { x: "[E,K]", w: "[K,N]", bias: "[N]" },
  check: isDoubled,
  work: ({ E, N, K }, itemBytes) => workElements(E, N, [N, K], K * N, ceil16(N) + blockRows * K) * itemBytes,
  cost: ({ E, N, K }) => ({ flop: 4 * E * N * K, elements: E * (3 * N + 2 * K) }),
  reference: doubledGradientsReference,
});

/** The gradients of g, y and W of doubledTanhVjp in one pass, given v, that of its value, and what others have contributed. */
export const doubledTanhVjpVjpOp: Op = /*#__PURE__*/ defineOp({
  name: "doubledTanhVjpVjp",
  shortcutOf: "doubledTanhVjp",
  inputs: { v: "[E,K]", w: "[K,N]", g: "[E,N]", y: "[E,N]", "gSoFar?": "[E,N]", "ySoFar?": "[E,N]" },
  output: { g: "[E,N]", y: "[E,N]", w: "[K,N]" },
  check: isDoubled,
  work: ({ E, N, K }, itemBytes) => workElements(E, N, [K, N], K * N, 0) * itemBytes,
  cost: ({ E, N, K }) => ({ flop: 4 * E * N * K, elements: E * (4 * N + K) }),
  reference: doubledVjpVjpReference,
});

/** Whether `doubledTanh` is there for rows x [E, K], and faster than its parts. */
export function doubledTanhPays(x: Tensor, w: Tensor): boolean {
  return fits(x.shape[0], w) && x.device.backend.supports(doubledTanhOp.kernel, x.dtype);
}

/**
 * tanh(x w + bias) + [x, x]: x [E, K], w [K, 2 K], bias [2 K] -> [E, 2 K], a layer twice as wide as its input with its residual
 * (DeePMD's embedding nets), where `doubledTanhPays`; elsewhere it is `doubleRows(x, matmul(x, w, { bias, activation: "tanh" }))`.
 * Differentiable to any order. Errors: SHAPE, DTYPE, VALUE.
 */
export function doubledTanh(x: Tensor, w: Tensor, bias?: Tensor): Tensor {
  const [y, out] = noGrad(() => doubledTanhOp.applyAll([x, w, bias]));
  recordJoint([y, out], [x, w, bias], [x, w, y], rule);
  y.dispose();
  return out;
}

/** Gradients of x, w and bias from those of y and of out. */
const rule: JointRule = ([ofY, g], saved, wants, takeSoFar) => {
  const [x, w, y] = saved as [Tensor, Tensor, Tensor];
  const isWhole = !isRecording() && g !== undefined && wants(0) && wants(1);
  if (isWhole && g.device.backend.supports(doubledTanhGradientsOp.kernel, g.dtype)) {
    const [dx, dw, db] = doubledTanhGradientsOp.applyAll([g, ofY, y, w, x, takeSoFar(0)]);
    return [dx, dw, wants(2) ? db : undefined];
  }
  const all = g === undefined ? ofY! : ofY === undefined ? g : add(g, ofY);
  const ofX = (): Tensor =>
    all === g
      ? doubledTanhVjpOp.apply([g, y, w, takeSoFar(0)])
      : tanhProductVjpOp.apply([all, y, w, g === undefined ? takeSoFar(0) : foldRows(g, takeSoFar(0))]);
  return [
    wants(0) ? ofX() : undefined,
    wants(1) ? multiply(x, slope(all, y), true, false, 1, undefined) : undefined,
    wants(2) ? sum(slope(all, y), { axis: 0 }) : undefined,
  ];
};
