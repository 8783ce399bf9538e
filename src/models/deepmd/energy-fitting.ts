import { add, mul, sub } from "../../../kernels/elementwise/ops.generated.js";
import { gather } from "../../../kernels/segment/op.js";
import { concat, slice } from "../../../kernels/shape_ops/op.js";
import { cast } from "../../../kernels/cast/op.js";
import { reshape } from "../../autograd/reshape.js";
import type { DType } from "../../tensor/dtype.js";
import { widestType } from "../../tensor/device.js";
import { keep } from "../../tensor/scope.js";
import { type Tensor, tensor, zeros } from "../../tensor/tensor.js";
import { type Activation, activationOf } from "./activation.js";
import { type DenseLayer, dense, denseChain, qualifiesForResidual } from "./dense.js";
import type { DeepmdGraph } from "./graph.js";
import type { ParameterCounts } from "./parameter-rows.js";
import type { ParameterSet } from "./parameters.js";
import type { Rules } from "./settings.js";

/** What the fitting net needs to know, made from the `fitting_net` section of an input. */
export interface FittingSettings {
  readonly typeCount: number;
  readonly rules: Rules;
  readonly neuron: readonly number[];
  readonly activation: string;
  readonly resnetDt: boolean;
  /** One net for all types (se_atten), or one per type. */
  readonly sharedNet: boolean;
  readonly parameters: ParameterCounts;
  /** By type: what the net makes of no environment is subtracted (`atom_ener`, spec 2.9). */
  readonly withoutVacuum: readonly boolean[];
}

/** Values of the fitting net that are not trained, on the host. */
export interface FittingConstants {
  /** bias_atom_e [nt] */
  readonly bias: Float64Array;
  /** Means and inverse deviations of the parameters, [numb_fparam + numb_aparam] each. */
  readonly parameterMean: Float64Array;
  readonly parameterScale: Float64Array;
}

/** Fitting nets: descriptor -> atomic energy (spec 2.9). */
export class EnergyFitting {
  private readonly activation: Activation;
  private readonly nets: readonly (readonly DenseLayer[])[];
  /** bias_atom_e by type, [nt+1, 1]; the last row is of virtual atoms. */
  private readonly bias: Tensor;
  private readonly parameterMean: Tensor;
  private readonly parameterScale: Tensor;

  /** @param width of the descriptor; @param typeWidth its last columns that are the type's vector */
  constructor(
    private readonly settings: FittingSettings,
    private readonly width: number,
    private readonly typeWidth: number,
    parameters: ParameterSet,
    constants: FittingConstants,
    readonly dtype: DType,
  ) {
    this.activation = activationOf(settings.activation);
    const count = settings.sharedNet ? 1 : settings.typeCount;
    this.nets = Array.from({ length: count }, (_, net) => this.layers(net, parameters));
    this.bias = this.biasRows(constants.bias);
    const row = (data: Float64Array): Tensor => keep(tensor(data, [1, data.length], { dtype }));
    this.parameterMean = row(constants.parameterMean);
    this.parameterScale = row(constants.parameterScale);
  }

  /**
   * Descriptors (all atoms, or block by block) -> atomic energies [N] in f64, without the model's own bias; virtual atoms
   * give 0.
   */
  forward(descriptors: readonly Tensor[], graph: DeepmdGraph): Tensor {
    const net = this.settings.sharedNet
      ? this.energies(descriptors[0], 0, this.parametersOf(graph), this.settings.withoutVacuum.some(Boolean))
      : this.energiesByType(descriptors, graph);
    const energies = this.biased(net, graph);
    return graph.real === undefined ? energies : mul(energies, graph.real);
  }

  /** What the last hidden layer gives, [N, its width], atoms in order. */
  lastLayer(descriptors: readonly Tensor[], graph: DeepmdGraph): Tensor {
    if (this.settings.sharedNet)
      return this.hidden(0, cast(descriptors[0], this.dtype), this.parametersOf(graph));
    const { blocks, place } = graph.byType!;
    const parameters = this.parametersByBlock(graph);
    const parts = blocks.map((block, k) =>
      this.hidden(block.type, cast(descriptors[k], this.dtype), parameters[k]),
    );
    return gather(concat(parts, 0), place);
  }

  dispose(): void {
    this.bias.dispose();
    this.parameterMean.dispose();
    this.parameterScale.dispose();
  }

  private layers(net: number, parameters: ParameterSet): DenseLayer[] {
    const { neuron, resnetDt, rules } = this.settings;
    const prefix = `fitting_net.filter_layers.networks.${net}.layers`;
    const input = this.width + this.settings.parameters.fparam + this.settings.parameters.aparam;
    const hidden = neuron.map((output, l) => {
      const from = l === 0 ? input : neuron[l - 1];
      // TensorFlow adds the input from the second layer on, and only where the widths are the same.
      const residual = rules === "tf" ? l > 0 && from === output : qualifiesForResidual(from, output);
      const idt = resnetDt && residual;
      return parameters.layer(`${prefix}.${l}`, from, output, this.dtype, { bias: true, idt, residual });
    });
    const last = neuron[neuron.length - 1] ?? input;
    const options = { bias: true, idt: false, residual: false };
    return [...hidden, parameters.layer(`${prefix}.${neuron.length}`, last, 1, this.dtype, options)];
  }

  private energiesByType(descriptors: readonly Tensor[], graph: DeepmdGraph): Tensor {
    const { blocks, place } = graph.byType!;
    const parameters = this.parametersByBlock(graph);
    const parts = blocks.map((block, k) =>
      this.energies(descriptors[k], block.type, parameters[k], this.settings.withoutVacuum[block.type]),
    );
    if (parts.length === 0) return zeros([graph.atoms, 1], { dtype: this.dtype });
    return gather(concat(parts, 0), place);
  }

  /** Energies [rows, 1] of one net. */
  private energies(
    descriptor: Tensor,
    net: number,
    parameters: Tensor | undefined,
    withoutVacuum: boolean,
  ): Tensor {
    const x = cast(descriptor, this.dtype);
    const y = this.apply(net, x, parameters);
    return withoutVacuum ? sub(y, this.vacuum(net, x, parameters)) : y;
  }

  private apply(net: number, x: Tensor, parameters: Tensor | undefined): Tensor {
    const layers = this.nets[net];
    return dense(this.hidden(net, x, parameters), layers[layers.length - 1], "linear");
  }

  private hidden(net: number, x: Tensor, parameters: Tensor | undefined): Tensor {
    const input = parameters === undefined ? x : concat([x, parameters], 1);
    return denseChain(input, this.nets[net].slice(0, -1), this.activation);
  }

  /** Normalised parameters of the atoms of each block. */
  private parametersByBlock(graph: DeepmdGraph): (Tensor | undefined)[] {
    const { blocks, order } = graph.byType!;
    const all = this.parametersOf(graph);
    const sorted = all === undefined ? undefined : gather(all, order);
    return blocks.map(({ from, to }) => sorted && slice(sorted, 0, from, to));
  }

  /** What the net makes of a descriptor of zeros, [rows, 1] or [1, 1]; TensorFlow keeps the type's vector in it. */
  private vacuum(net: number, x: Tensor, parameters: Tensor | undefined): Tensor {
    const options = { dtype: this.dtype, device: x.device.name };
    const typed = this.settings.rules === "tf" && this.typeWidth > 0;
    const rows = parameters === undefined && !typed ? 1 : x.shape[0];
    if (!typed) return this.apply(net, zeros([rows, this.width], options), parameters);
    const bare = this.width - this.typeWidth;
    const input = concat([zeros([rows, bare], options), slice(x, 1, bare, this.width)], 1);
    return this.apply(net, input, parameters);
  }

  /** Normalised parameters [N, fparam + aparam]. */
  private parametersOf({ parameters }: DeepmdGraph): Tensor | undefined {
    if (parameters === undefined) return undefined;
    return mul(sub(cast(parameters, this.dtype), this.parameterMean), this.parameterScale);
  }

  /** The bias is added in the net's precision by PyTorch, in f64 by TensorFlow (spec 2.9). */
  private biased(net: Tensor, graph: DeepmdGraph): Tensor {
    const bias = gather(this.bias, graph.atomType);
    const widest = widestType(net.device.name);
    const sum = this.settings.rules === "tf" ? add(cast(net, widest), bias) : add(net, bias);
    return cast(reshape(sum, [graph.atoms]), widest);
  }

  private biasRows(bias: Float64Array): Tensor {
    const rows = new Float64Array(this.settings.typeCount + 1);
    rows.set(bias);
    const dtype = this.settings.rules === "tf" ? widestType() : this.dtype;
    return keep(tensor(rows, [rows.length, 1], { dtype }));
  }
}
