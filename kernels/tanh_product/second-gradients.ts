import type { Inputs, Op } from "../../src/autograd/define-op.js";
import { isRecording } from "../../src/autograd/node.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { applyAny } from "../elementwise/op.js";
import { op } from "../elementwise/ops.generated.js";
import { multiply } from "../matmul/product.js";
import { slope } from "./rows.js";

export type Needs = (name: string) => boolean;
export type SoFar = (name: string) => Tensor | undefined;

/** A way of taking the gradients of g, y and w of (g (1 - y^2)) w^T + a part that is linear in g. */
interface Ways {
  /** All three in one pass, where nobody differentiates them further. */
  readonly whole: Op;
  /** The gradient of g, given that of its share in the product. */
  readonly ofG: (share: Tensor) => Tensor;
}

/** The gradients of g, y and w of a gradient rule of tanh(x w + b), given v, that of its value. */
export function secondGradients(
  { whole, ofG }: Ways,
  v: Tensor,
  { g, y, w }: Inputs,
  needs: Needs,
  soFar: SoFar,
): Record<string, Tensor | undefined> {
  const isWhole = !isRecording() && needs("g") && needs("y") && needs("w");
  if (isWhole && v.device.backend.supports(whole.kernel, v.dtype)) {
    const [dg, dy, dw] = whole.applyAll([v, w, g, y, soFar("g"), soFar("y")]);
    return { g: dg, y: dy, w: dw };
  }
  const along = needs("g") || needs("y") ? multiply(v, w, false, false, 1, undefined) : undefined;
  return {
    g: along && needs("g") ? ofG(slope(along, y)) : undefined,
    y: along && needs("y") ? applyAny(op("tanh_x_y"), [along, g, y]) : undefined,
    w: needs("w") ? multiply(v, slope(g, y), true, false, 1, undefined) : undefined,
  };
}
