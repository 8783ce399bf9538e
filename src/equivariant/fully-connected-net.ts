import { mul } from "../../kernels/elementwise/ops.generated.js";
import { matmul } from "../../kernels/matmul/op.js";
import { reshape } from "../autograd/reshape.js";
import { Module } from "../nn/module.js";
import { AtomgradError } from "../tensor/error.js";
import { RandomStream } from "../tensor/philox.js";
import { showShape } from "../tensor/shape.js";
import type { Tensor, TensorOptions } from "../tensor/tensor.js";
import {
  assertFunction,
  assertPositive,
  assertOptional,
  assertOptions,
  assertTensor,
  assertWhole,
  isList,
  kindOf,
} from "../tensor/arguments.js";
import { assertSameType } from "./features.js";
import { normalWeights } from "./normal-weights.js";
import { normalize2mom, type ScalarFunction } from "./normalized-activation.js";

export interface FullyConnectedNetOptions extends TensorOptions {
  /** Second moments of the input, and wanted of the output; default 1. */
  varianceIn?: number;
  varianceOut?: number;
  /** Whether the last layer has the activation too (default false). */
  outAct?: boolean;
  /** What draws the weights from N(0,1). */
  random?: RandomStream;
}

interface LayerOptions extends FullyConnectedNetOptions {
  readonly activation: ScalarFunction | undefined;
}

/** One layer of a `FullyConnectedNet`: weights [inputs, outputs], no bias. */
export class FullyConnectedLayer extends Module {
  readonly weight: Tensor;

  constructor(
    readonly inputs: number,
    readonly outputs: number,
    private readonly options: LayerOptions,
  ) {
    super();
    assertWhole("FullyConnectedLayer: inputs", inputs);
    assertWhole("FullyConnectedLayer: outputs", outputs);
    assertOptions("FullyConnectedLayer", options, "{ activation }");
    this.weight = this.parameter("weight", normalWeights("FullyConnectedNet", [inputs, outputs], options));
  }

  protected forward(x: Tensor): Tensor {
    const { varianceIn = 1, varianceOut = 1, activation } = this.options;
    assertTensor("FullyConnectedNet: x", x);
    if (x.rank < 1 || x.shape[x.rank - 1] !== this.inputs)
      throw new AtomgradError(
        "SHAPE",
        `FullyConnectedNet: expected rows of ${this.inputs}, [...,${this.inputs}], got ${showShape(x.shape)}`,
      );
    assertSameType("FullyConnectedNet", ["x", x], { weight: this.weight });
    const rows = x.rank === 1 ? reshape(x, [1, this.inputs]) : x;
    const scale = 1 / Math.sqrt(this.inputs * varianceIn);
    const out =
      activation === undefined
        ? matmul(rows, this.weight, { alpha: scale * Math.sqrt(varianceOut) })
        : scaled(activation(matmul(rows, this.weight, { alpha: scale })), Math.sqrt(varianceOut));
    return reshape(out, [...x.shape.slice(0, -1), this.outputs]);
  }

  override toString(): string {
    const activation = this.options.activation === undefined ? "None" : "normalize2mom";
    return `Layer(${this.inputs}->${this.outputs}, act=${activation})`;
  }
}

const scaled = (x: Tensor, factor: number): Tensor => (factor === 1 ? x : mul(x, factor));

/**
 * e3nn's network of invariants: x [..., widths[0]] -> [..., last width], no biases, every activation scaled to second moment 1, weights
 * N(0,1) divided by the root of the number of inputs as they are used. Parameters are "layer0.weight" and so on.
 *
 *     const net = new FullyConnectedNet([10, 16, tp.weightNumel], relu);
 *
 * @param activation between the layers; undefined: none. Errors: VALUE for less than one layer, SHAPE. Source: spec equivariant 4.7.
 */
export class FullyConnectedNet extends Module {
  readonly layers: readonly FullyConnectedLayer[];

  constructor(
    readonly widths: readonly number[],
    activation: ScalarFunction | undefined,
    options: FullyConnectedNetOptions = {},
  ) {
    super();
    if (!isList(widths) || widths.length < 2)
      throw new AtomgradError(
        "VALUE",
        `FullyConnectedNet: widths must be a list of input, hidden and output widths, such as [10, 16, 4], got ${kindOf(widths)}`,
      );
    widths.forEach((width, k) => assertWhole(`FullyConnectedNet: widths[${k}]`, width));
    if (activation !== undefined)
      assertFunction("FullyConnectedNet: activation", activation, "relu, or undefined");
    assertOptional("FullyConnectedNet", options);
    const { varianceIn = 1, varianceOut = 1, outAct = false, random = new RandomStream(0) } = options;
    assertPositive("FullyConnectedNet: varianceIn", varianceIn);
    assertPositive("FullyConnectedNet: varianceOut", varianceOut);
    const normalized = activation === undefined ? undefined : normalize2mom(activation);
    const last = widths.length - 2;
    this.layers = widths.slice(1).map((width, l) => {
      const own = {
        ...options,
        random,
        varianceIn: l === 0 ? varianceIn : 1,
        varianceOut: l === last ? varianceOut : 1,
        activation: l < last || outAct ? normalized : undefined,
      };
      return this.child(`layer${l}`, new FullyConnectedLayer(widths[l], width, own));
    });
  }

  protected forward(x: Tensor): Tensor {
    return this.layers.reduce((y, layer) => layer.call(y), x);
  }

  override toString(): string {
    return `FullyConnectedNet[${this.widths.join(", ")}]`;
  }
}
