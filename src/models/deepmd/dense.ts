import { doubleRows } from "../../../kernels/doubled_rows/op.js";
import { add, mul } from "../../../kernels/elementwise/ops.generated.js";
import { matmul } from "../../../kernels/matmul/op.js";
import { doubledTanh, doubledTanhPays } from "../../../kernels/tanh_product/op.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { Activation } from "./activation.js";
import { activate, fusedActivation } from "./activation.js";

/** One layer of a DeePMD network: y = act(x W + b) * idt, plus x (or [x, x]) where the widths allow it. */
export interface DenseLayer {
  /** [in, out] */
  readonly matrix: Tensor;
  /** [out] */
  readonly bias: Tensor | undefined;
  /** [out]: the time step of `resnet_dt`. */
  readonly idt: Tensor | undefined;
  readonly residual: boolean;
}

/** Whether a layer of these widths adds its input (spec 2.6). */
export function qualifiesForResidual(input: number, output: number): boolean {
  return output === input || output === 2 * input;
}

/** x [R, in] -> [R, out]. */
export function dense(x: Tensor, layer: DenseLayer, activation: Activation): Tensor {
  const [, width] = x.shape;
  const out = layer.matrix.shape[1];
  const fused = fusedActivation(activation);
  const doubles = fused === "tanh" && layer.residual && layer.idt === undefined && out === 2 * width;
  if (doubles && doubledTanhPays(x, layer.matrix)) return doubledTanh(x, layer.matrix, layer.bias);
  let y = matmul(x, layer.matrix, { bias: layer.bias, activation: fused ?? "none" });
  if (fused === undefined) y = activate(y, activation);
  if (layer.idt !== undefined) y = mul(y, layer.idt);
  if (!layer.residual) return y;
  if (out === width) return add(y, x);
  return out === 2 * width ? doubleRows(x, y) : y;
}

/** A chain of layers. */
export function denseChain(x: Tensor, layers: readonly DenseLayer[], activation: Activation): Tensor {
  return layers.reduce((y, layer) => dense(y, layer, activation), x);
}
