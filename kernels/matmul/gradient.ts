import type { Tensor } from "../../src/tensor/tensor.js";
import { apply2 } from "../elementwise/op.js";
import { gelu, less, mul, op, silu, softplus } from "../elementwise/ops.generated.js";
import type { Activation } from "./reference.js";

/** Activations whose derivative is a function of their value: recorded products save that and nothing else. */
export const invertible: ReadonlySet<Activation> = new Set<Activation>(["tanh", "sigmoid", "relu", "relu6"]);

/** g f'(x), from t = f(x) for an invertible activation, from x for the others. */
export function activationGradient(activation: Activation, g: Tensor, tOrX: Tensor): Tensor {
  switch (activation) {
    case "none":
      return g;
    case "relu":
      return mul(g, less(0, tOrX));
    case "relu6":
      return mul(g, mul(less(0, tOrX), less(tOrX, 6)));
    default:
      return apply2(op(`${activation}_x`), g, tOrX);
  }
}

/** f(x) as an operation of its own, for the activations that keep x when they are recorded. */
export function activate(activation: Activation, x: Tensor): Tensor {
  if (activation === "gelu") return gelu(x);
  return activation === "silu" ? silu(x) : softplus(x);
}
