import {
  add,
  gelu,
  less,
  mulAdd,
  relu,
  relu6,
  sigmoid,
  silu,
  softplus,
  tanh,
  where,
} from "../../../kernels/elementwise/ops.generated.js";
import { AtomgradError } from "../../tensor/error.js";
import type { Tensor } from "../../tensor/tensor.js";

/**
 * DeePMD-kit's activation functions; `gelu` and `gelu_tf` are both the tanh form, `silut:T` is silu up to T and bends into a
 * tanh beyond (spec 1.6).
 */
export type Activation = PlainActivation | `silut:${number}`;
type PlainActivation = "tanh" | "relu" | "relu6" | "softplus" | "sigmoid" | "gelu" | "silu" | "linear";

const defaultThreshold = 3;

const byName: Readonly<Record<string, PlainActivation>> = {
  tanh: "tanh",
  relu: "relu",
  relu6: "relu6",
  softplus: "softplus",
  sigmoid: "sigmoid",
  gelu: "gelu",
  gelu_tf: "gelu",
  silu: "silu",
  none: "linear",
  linear: "linear",
};

/** The activation of this name, in any case. Errors: CONFIG. */
export function activationOf(name: string): Activation {
  const word = name.toLowerCase();
  if (Object.hasOwn(byName, word)) return byName[word];
  const [, threshold] = /^(?:silut|custom_silu)(?::(\d+(?:\.\d+)?))?$/.exec(word) ?? [word, null];
  if (threshold !== null) return `silut:${Number(threshold ?? defaultThreshold)}`;
  throw new AtomgradError(
    "CONFIG",
    `activation_function "${name}" is not supported; use one of ${Object.keys(byName).join(", ")}, silut, silut:T`,
  );
}

/** The name under which the matrix product applies this activation itself, or undefined. */
export function fusedActivation(activation: Activation): "none" | "tanh" | undefined {
  if (activation === "linear") return "none";
  return activation === "tanh" ? "tanh" : undefined;
}

export function activate(x: Tensor, activation: Activation): Tensor {
  switch (activation) {
    case "tanh":
      return tanh(x);
    case "relu":
      return relu(x);
    case "relu6":
      return relu6(x);
    case "softplus":
      return softplus(x);
    case "sigmoid":
      return sigmoid(x);
    case "gelu":
      return gelu(x);
    case "silu":
      return silu(x);
    case "linear":
      return x;
    default:
      return silut(x, Number(activation.slice("silut:".length)));
  }
}

/** silu below the threshold, tanh(k (x - threshold)) + silu(threshold) beyond, k the slope of silu there. */
function silut(x: Tensor, threshold: number): Tensor {
  const s = 1 / (1 + Math.exp(-threshold));
  const slope = s * (1 + threshold * (1 - s));
  const bent = add(tanh(mulAdd(x, slope, -slope * threshold)), threshold * s);
  return where(less(x, threshold), silu(x), bent);
}
