import { abs, clamp, mul, square, sub } from "../../kernels/elementwise/ops.generated.js";
import { mean, sum } from "../../kernels/reduce/op.js";
import { AtomgradError } from "../tensor/error.js";
import { scope } from "../tensor/scope.js";
import { sameShape, showShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/** How the losses of the elements become one: their mean (default), their sum, or not at all. */
export type Reduction = "mean" | "sum" | "none";

/**
 * Mean of (prediction - target)^2.
 * Errors: SHAPE for shapes that differ (nothing is broadcast), VALUE for the mean of no elements; as in all losses here.
 */
export function mseLoss(prediction: Tensor, target: Tensor, reduction: Reduction = "mean"): Tensor {
  return scope(() => reduced(square(residual("mseLoss", prediction, target)), reduction));
}

/** Mean of |prediction - target|; the derivative at 0 is 0. */
export function maeLoss(prediction: Tensor, target: Tensor, reduction: Reduction = "mean"): Tensor {
  return scope(() => reduced(abs(residual("maeLoss", prediction, target)), reduction));
}

/**
 * Mean of d^2 / 2 where |d| <= delta and delta (|d| - delta / 2) beyond, d = prediction - target (specs/deepmd.md 1.8;
 * PyTorch's HuberLoss). Errors: also VALUE for a delta that is not positive.
 */
export function huberLoss(
  prediction: Tensor,
  target: Tensor,
  delta: number,
  reduction: Reduction = "mean",
): Tensor {
  if (!(delta > 0) || !Number.isFinite(delta))
    throw new AtomgradError("VALUE", `huberLoss: delta is ${delta}, expected a number above 0`);
  return scope(() => {
    const d = residual("huberLoss", prediction, target);
    // c (d - c / 2) with c = d inside and +-delta outside: one smooth expression, exact derivatives at 0 and at +-delta.
    const c = clamp(d, -delta, delta);
    return reduced(mul(c, sub(d, mul(c, 0.5))), reduction);
  });
}

function residual(what: string, prediction: Tensor, target: Tensor): Tensor {
  if (!sameShape(prediction.shape, target.shape))
    throw new AtomgradError(
      "SHAPE",
      `${what}: prediction ${showShape(prediction.shape)} and target ${showShape(target.shape)} must have one shape; reshape one of them`,
    );
  return sub(prediction, target);
}

function reduced(losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === "none") return losses;
  return reduction === "sum" ? sum(losses) : mean(losses);
}
