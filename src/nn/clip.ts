import { sumSquares } from "../../kernels/reduce/op.js";
import { noGrad } from "../autograd/node.js";
import { scope } from "../tensor/scope.js";
import type { Tensor } from "../tensor/tensor.js";

/** The 2-norm of all gradients together; not finite when any of them is not. Reads from the device at once. */
export function globalNorm(grads: readonly (Tensor | undefined)[]): number {
  let total = 0;
  scope(() =>
    noGrad(() => {
      for (const grad of grads) if (grad !== undefined) total += sumSquares(grad).itemSync();
    }),
  );
  return Math.sqrt(total);
}
