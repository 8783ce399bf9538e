import { type Attrs, defineOp, type Inputs, type Op } from "../../src/autograd/define-op.js";
import { isRecording } from "../../src/autograd/node.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { multiply, tileGroups } from "../matmul/product.js";
import { gradientsReference, vjpReference, vjpVjpReference } from "./reference.js";
import { fits, slope, workElements } from "./rows.js";
import { type Needs, secondGradients, type SoFar } from "./second-gradients.js";
import { wgsl } from "./wgsl.generated.js";

/**
 * (g (1 - y^2)) W^T + residual: the gradient of x of y = tanh(x W + b), from g, the gradient of y, with what others have
 * contributed.
 */
export const tanhProductVjpOp: Op = /*#__PURE__*/ defineOp({
  name: "tanhProductVjp",
  inputs: { g: "[E,N]", y: "[E,N]", w: "[K,N]", "residual?": "[E,K]" },
  output: "[E,K]",
  work: ({ E, N, K }, itemBytes) => workElements(E, N, [N, K], 0, 0) * itemBytes,
  save: ["g", "y", "w"],
  vjp: (v, saved, _a, needs, soFar) => ({
    ...secondGradients({ whole: tanhProductVjpVjpOp, ofG: (share) => share }, v, saved, needs, soFar),
    residual: needs("residual") ? v : undefined,
  }),
  decompose: ({ g, y, w, residual }) => multiply(slope(g, y), w, false, true, 1, residual),
  cost: ({ E, N, K }) => ({ flop: 2 * E * N * K, elements: E * (2 * N + K) }),
  reference: vjpReference,
  wgsl: { code: wgsl, groups: (ints) => tileGroups(ints[0], ints[2], 1) },
});

/** The gradients of x, W and b of y = tanh(x W + b) in one pass, where nobody differentiates them further. */
export const tanhProductGradientsOp: Op = /*#__PURE__*/ defineOp({
  name: "tanhProductGradients",
  shortcutOf: "matmul",
  inputs: { g: "[E,N]", y: "[E,N]", w: "[K,N]", x: "[E,K]", "residual?": "[E,K]" },
  output: { x: "[E,K]", w: "[K,N]", bias: "[N]" },
  work: ({ E, N, K }, itemBytes) => workElements(E, N, [N, K], K * N, N) * itemBytes,
  cost: ({ E, N, K }) => ({ flop: 4 * E * N * K, elements: E * (2 * N + 2 * K) }),
  reference: gradientsReference,
});

/**
 * The gradients of g, y and W of tanhProductVjp in one pass, given v, that of its value, and what others have contributed; where
 * nobody differentiates them further.
 */
export const tanhProductVjpVjpOp: Op = /*#__PURE__*/ defineOp({
  name: "tanhProductVjpVjp",
  shortcutOf: "tanhProductVjp",
  inputs: { v: "[E,K]", w: "[K,N]", g: "[E,N]", y: "[E,N]", "gSoFar?": "[E,N]", "ySoFar?": "[E,N]" },
  output: { g: "[E,N]", y: "[E,N]", w: "[K,N]" },
  work: ({ E, N, K }, itemBytes) => workElements(E, N, [K, N], K * N, 0) * itemBytes,
  cost: ({ E, N, K }) => ({ flop: 4 * E * N * K, elements: E * (4 * N + K) }),
  reference: vjpVjpReference,
});

/**
 * The gradients of out = tanh(a b + bias) in the ways that have a kernel: of `a` alone, or of all where nobody differentiates
 * them further. Undefined for the others, and where the general way is no slower.
 */
export function tanhProductGradients(
  g: Tensor,
  { a, b, out }: Inputs,
  attrs: Attrs,
  needs: Needs,
  soFar: SoFar,
): Record<string, Tensor | undefined> | undefined {
  if (attrs.activation !== "tanh" || attrs.transposeA || attrs.transposeB || attrs.alpha !== 1)
    return undefined;
  if (out.rank > 2 || !fits(out.shape[0], b) || !needs("a")) return undefined;
  if (!needs("b") && !needs("bias")) return { a: tanhProductVjpOp.apply([g, out, b, soFar("a")]) };
  const { backend } = g.device;
  if (isRecording() || !needs("b") || !backend.supports(tanhProductGradientsOp.kernel, g.dtype))
    return undefined;
  const [da, db, bias] = tanhProductGradientsOp.applyAll([g, out, b, a, soFar("a")]);
  return { a: da, b: db, bias: needs("bias") ? bias : undefined };
}
