import {
  gelu,
  relu,
  relu6,
  sigmoid,
  silu,
  softplus,
  tanh,
} from "../../../kernels/elementwise/ops.generated.js";
import { AtomgradError } from "../../tensor/error.js";
import type { Tensor } from "../../tensor/tensor.js";

/** DeePMD-kit's activation functions this package computes; `gelu` and `gelu_tf` are both the tanh form (spec 1.6). */
export type Activation = "tanh" | "relu" | "relu6" | "softplus" | "sigmoid" | "gelu" | "silu" | "linear";

const byName: Readonly<Record<string, Activation>> = {
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
  const activation = byName[name.toLowerCase()];
  if (activation === undefined)
    throw new AtomgradError(
      "CONFIG",
      `activation_function "${name}" is not supported; use one of ${Object.keys(byName).join(", ")}`,
    );
  return activation;
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
  }
}
