import { add, mul } from "../../../kernels/elementwise/ops.generated.js";
import { gather } from "../../../kernels/segment/op.js";
import { cast } from "../../../kernels/cast/op.js";
import { reshape } from "../../autograd/reshape.js";
import type { DType } from "../../tensor/dtype.js";
import { keep } from "../../tensor/scope.js";
import { type Tensor, tensor } from "../../tensor/tensor.js";
import { type Activation, activationOf } from "./activation.js";
import { type DenseLayer, dense, denseChain, qualifiesForResidual } from "./dense.js";
import type { DeepmdGraph } from "./graph.js";
import type { ParameterSet } from "./parameters.js";

/** What the fitting net needs to know, made from the `fitting_net` section of an input. */
export interface FittingSettings {
  readonly typeCount: number;
  readonly neuron: readonly number[];
  readonly activation: string;
  readonly resnetDt: boolean;
}

const prefix = "fitting_net.filter_layers.networks.0.layers";

/** The shared fitting net of mixed types: descriptor -> atomic energy (spec 2.9, PyTorch rules). */
export class EnergyFitting {
  private readonly activation: Activation;
  private readonly hidden: readonly DenseLayer[];
  private readonly last: DenseLayer;
  /** bias_atom_e by type, [nt+1, 1]: added in the net's precision; the last row is of virtual atoms. */
  private readonly bias: Tensor;

  constructor(
    private readonly settings: FittingSettings,
    width: number,
    parameters: ParameterSet,
    biasAtomEnergy: Float64Array,
    readonly dtype: DType,
  ) {
    const { neuron, resnetDt } = settings;
    this.activation = activationOf(settings.activation);
    this.hidden = neuron.map((output, l) => {
      const input = l === 0 ? width : neuron[l - 1];
      const residual = qualifiesForResidual(input, output);
      return parameters.layer(`${prefix}.${l}`, input, output, dtype, {
        bias: true,
        idt: resnetDt && residual,
        residual: true,
      });
    });
    const options = { bias: true, idt: false, residual: false };
    this.last = parameters.layer(
      `${prefix}.${neuron.length}`,
      neuron[neuron.length - 1] ?? width,
      1,
      dtype,
      options,
    );
    this.bias = this.biasRows(biasAtomEnergy);
  }

  /** descriptor [N, width] -> atomic energies [N] in f64, without the model's own bias; virtual atoms give 0. */
  forward(descriptor: Tensor, graph: DeepmdGraph): Tensor {
    const x = cast(descriptor, this.dtype);
    const y = dense(denseChain(x, this.hidden, this.activation), this.last, "linear");
    const biased = add(y, gather(this.bias, graph.atomType));
    const energies = cast(reshape(biased, [graph.atoms]), "f64");
    return graph.real === undefined ? energies : mul(energies, graph.real);
  }

  dispose(): void {
    this.bias.dispose();
  }

  private biasRows(bias: Float64Array): Tensor {
    const rows = new Float64Array(this.settings.typeCount + 1);
    rows.set(bias);
    return keep(tensor(rows, [rows.length, 1], { dtype: this.dtype }));
  }
}
