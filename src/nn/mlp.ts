import type { Activation } from "../../kernels/matmul/op.js";
import { AtomgradError } from "../tensor/error.js";
import type { Tensor } from "../tensor/tensor.js";
import { Linear, type LinearOptions } from "./linear.js";
import { Module } from "./module.js";

export interface MlpOptions extends LinearOptions {
  /** Between the layers (default "silu"). */
  activation?: Activation;
  /** After the last one (default "none"). */
  outputActivation?: Activation;
}

/** Linear layers one after the other: x [..., widths[0]] -> [..., last width]. Parameters are "layers.0.weight" and so on. */
export class Mlp extends Module {
  readonly layers: readonly Linear[];

  /** @param widths of the input, then of every layer. Errors: VALUE for less than one layer. */
  constructor(
    readonly widths: readonly number[],
    options: MlpOptions,
  ) {
    super();
    if (widths.length < 2)
      throw new AtomgradError(
        "VALUE",
        `Mlp: widths [${widths.join(",")}] make no layer; give input and output widths`,
      );
    const { activation = "silu", outputActivation = "none" } = options;
    const last = widths.length - 2;
    this.layers = widths.slice(1).map((width, l) =>
      this.child(
        `layers.${l}`,
        new Linear(widths[l], width, {
          ...options,
          activation: l === last ? outputActivation : activation,
        }),
      ),
    );
  }

  protected forward(x: Tensor): Tensor {
    return this.layers.reduce((y, layer) => layer.call(y), x);
  }
}
