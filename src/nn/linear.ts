import { type Activation, matmul } from "../../kernels/matmul/op.js";
import { AtomgradError } from "../tensor/error.js";
import type { RandomStream } from "../tensor/philox.js";
import { showShape } from "../tensor/shape.js";
import { type Tensor, tensor, type TensorOptions } from "../tensor/tensor.js";
import { fanInUniform, type Initializer } from "./init.js";
import { Module } from "./module.js";

export interface LinearOptions extends TensorOptions {
  /** Where weights, then the bias, are drawn from. */
  random: RandomStream;
  /** Default true. */
  bias?: boolean;
  /** Applied to the result in the same pass over memory (default "none"). */
  activation?: Activation;
  /** Default: U(-a, a) with a = 1 / sqrt(inputs), for both. */
  weightInit?: Initializer;
  biasInit?: Initializer;
}

/** y = activation(x weight + bias) for x [..., inputs]. Weights are [inputs, outputs], the transpose of PyTorch's. */
export class Linear extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  readonly activation: Activation;

  constructor(
    readonly inputs: number,
    readonly outputs: number,
    options: LinearOptions,
  ) {
    super();
    const { random, dtype = "f32", device, activation = "none", bias = true } = options;
    const { weightInit = fanInUniform(inputs), biasInit = fanInUniform(inputs) } = options;
    const make = (shape: number[], init: Initializer): Tensor =>
      tensor(init(shape, random), shape, { dtype, device });
    this.activation = activation;
    this.weight = this.parameter("weight", make([inputs, outputs], weightInit));
    this.bias = bias ? this.parameter("bias", make([outputs], biasInit)) : undefined;
  }

  protected forward(x: Tensor): Tensor {
    if (x.rank < 2 || x.shape[x.rank - 1] !== this.inputs)
      throw new AtomgradError(
        "SHAPE",
        `Linear: expected rows of ${this.inputs}, [...,${this.inputs}], got ${showShape(x.shape)}`,
      );
    return matmul(x, this.weight, { bias: this.bias, activation: this.activation });
  }
}
