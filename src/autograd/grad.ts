import { hostArray } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import { sameShape, showShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import type { Node } from "./node.js";
import { backward, type WalkOptions } from "./walk.js";

export interface GradOptions extends Partial<WalkOptions> {
  /** The gradient of the output, of its shape; needed when `y` is not a scalar. */
  gradOutput?: Tensor;
  /** Give undefined for variables the output does not depend on, instead of an error. */
  allowUnused?: boolean;
}

/**
 * dy/dx for each x, of x's shape. Uses up the tape unless `createGraph` (which also makes the result differentiable)
 * or `keepTape`.
 *
 * Errors: GRAD when y was not recorded or does not depend on an x; SHAPE when y is not a scalar and no gradOutput is given.
 */
export function grad(
  y: Tensor,
  xs: readonly Tensor[],
  options: GradOptions & { allowUnused: true },
): (Tensor | undefined)[];
export function grad(y: Tensor, xs: readonly Tensor[], options?: GradOptions): Tensor[];
export function grad(y: Tensor, xs: readonly Tensor[], options: GradOptions = {}): (Tensor | undefined)[] {
  y.assertAlive();
  if (y.node === undefined)
    throw new AtomgradError(
      "GRAD",
      "grad: the output was not recorded; mark an input with requireGrad first",
    );
  const targets = xs.map((x, k) => {
    if (x.node === undefined)
      throw new AtomgradError("GRAD", `grad: variable ${k} was not marked with requireGrad`);
    return x.node as Node;
  });
  const seed = options.gradOutput ?? onesLike(y);
  if (!sameShape(seed.shape, y.shape))
    throw new AtomgradError(
      "SHAPE",
      `grad: gradOutput ${showShape(seed.shape)} for an output ${showShape(y.shape)}`,
    );
  const results = backward(y.node as Node, seed, targets, {
    createGraph: options.createGraph ?? false,
    keepTape: options.keepTape ?? false,
  });
  if (seed !== options.gradOutput) seed.dispose();
  const missing = results.findIndex((g) => g === undefined);
  if (missing >= 0 && options.allowUnused !== true)
    throw new AtomgradError(
      "GRAD",
      `grad: the output does not depend on variable ${missing}; pass { allowUnused: true } if that is meant`,
    );
  return results;
}

function onesLike(y: Tensor): Tensor {
  if (y.size !== 1)
    throw new AtomgradError(
      "SHAPE",
      `grad: the output has shape ${showShape(y.shape)}; sum it or pass gradOutput`,
    );
  const out = Tensor.empty(y.device, y.dtype, y.shape, 1);
  y.device.backend.write(out.storage.slot, hostArray(y.dtype, 1).fill(1), y.dtype);
  return out;
}
