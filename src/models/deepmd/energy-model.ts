import { add, mul } from "../../../kernels/elementwise/ops.generated.js";
import { gather, segmentSum } from "../../../kernels/segment/op.js";
import { concat, slice } from "../../../kernels/shape_ops/op.js";
import { reshape } from "../../autograd/reshape.js";
import type { DeviceName } from "../../tensor/backend.js";
import { AtomgradError } from "../../tensor/error.js";
import { defaultDevice, widestType } from "../../tensor/device.js";
import { keep } from "../../tensor/scope.js";
import { type Tensor, tensor } from "../../tensor/tensor.js";
import type { ModelConfig } from "./config/deepmd-input.js";
import type { Descriptor, EnvironmentStatistics } from "./descriptor.js";
import { EnergyFitting, type FittingSettings } from "./energy-fitting.js";
import type { Frames } from "./frames.js";
import { descriptorSettings, fittingSettings } from "./from-config.js";
import { asHeld } from "./held-weights.js";
import { precisionType } from "./net-precision.js";
import type { DeepmdGraph } from "./graph.js";
import { parameterRows } from "./parameter-rows.js";
import { type HostArray, ParameterSet, type Weights } from "./parameters.js";
import { SeAttenDescriptor } from "./se-atten/descriptor.js";
import { SeE2ADescriptor } from "./se-e2-a/descriptor.js";
import type { DescriptorSettings } from "./descriptor-settings.js";

/** Under which name the descriptor's own arrays stand in DeePMD-kit's PyTorch models. */
export const descriptorBlocks = { se_atten: "descriptor.se_atten", se_e2_a: "descriptor.sea" } as const;

/** An energy model: descriptor, fitting nets and biases. Energies in eV, lengths in angstrom. */
export class EnergyModel {
  readonly settings: DescriptorSettings;
  readonly typeMap: readonly string[];
  readonly parameters: ParameterSet;
  readonly descriptor: Descriptor;
  private readonly fittingSettings: FittingSettings;
  private readonly fitting: EnergyFitting;
  /** Weights that are fixed by statistics, not trained. */
  private readonly fixed: Weights = new Map();
  /** out_bias by type in f64, [nt+1, 1]; 0 for virtual atoms. */
  private readonly outBias: Tensor;

  /** @param config the model section with `sel` resolved; @param given weights by DeePMD-kit's names */
  constructor(
    readonly config: ModelConfig,
    given: Weights,
    device: DeviceName = defaultDevice().name,
  ) {
    const weights = asHeld(given, config);
    this.settings = descriptorSettings(config);
    this.fittingSettings = fittingSettings(config);
    this.typeMap = this.settings.typeMap;
    const types = this.typeMap.length;
    this.parameters = new ParameterSet(weights, device);
    this.descriptor = this.makeDescriptor(weights, device);
    const { fparam, aparam } = this.fittingSettings.parameters;
    const both = (kind: "avg" | "inv_std"): Float64Array =>
      Float64Array.of(
        ...this.constant(weights, `fitting_net.fparam_${kind}`, fparam),
        ...this.constant(weights, `fitting_net.aparam_${kind}`, aparam),
      );
    this.fitting = new EnergyFitting(
      this.fittingSettings,
      this.descriptor.width,
      this.descriptor.typeWidth,
      this.parameters,
      {
        bias: this.constant(weights, "fitting_net.bias_atom_e", types),
        parameterMean: both("avg"),
        parameterScale: both("inv_std"),
      },
      precisionType(config.fitting_net.precision, device),
    );
    this.constant(weights, "out_std", types);
    const bias = this.constant(weights, "out_bias", types);
    this.outBias = keep(tensor([...bias, 0], [types + 1, 1], { dtype: widestType(device), device }));
  }

  /** Atomic energies [N], f64, eV; virtual atoms 0. */
  atomEnergies(graph: DeepmdGraph): Tensor {
    const energies = this.fitting.forward(this.descriptor.forward(graph), graph);
    const biased = add(energies, reshape(gather(this.outBias, graph.atomType), [graph.atoms]));
    return graph.real === undefined ? biased : mul(biased, graph.real);
  }

  /** Numbers per atom of `descriptors`: TensorFlow does not count the type's own vector to them, PyTorch does. */
  get descriptorWidth(): number {
    const { typeWidth, width } = this.descriptor;
    return this.settings.rules === "tf" ? width - typeWidth : width;
  }

  /** Descriptors [N, descriptorWidth], atoms in order. */
  descriptors(graph: DeepmdGraph): Tensor {
    const rows = this.descriptor.forward(graph);
    const all = graph.byType === undefined ? rows[0] : gather(concat(rows, 0), graph.byType.place);
    return slice(all, 1, 0, this.descriptorWidth);
  }

  /** Width of the fitting net's last hidden layer. */
  get lastLayerWidth(): number {
    const { neuron } = this.fittingSettings;
    const { fparam, aparam } = this.fittingSettings.parameters;
    return neuron[neuron.length - 1] ?? this.descriptor.width + fparam + aparam;
  }

  /** What the last hidden layer of the fitting net gives for every atom, [N, lastLayerWidth]. */
  lastLayer(graph: DeepmdGraph): Tensor {
    return this.fitting.lastLayer(this.descriptor.forward(graph), graph);
  }

  /** Frame energies [F] from atomic ones. */
  frameEnergies(atomEnergies: Tensor, graph: DeepmdGraph): Tensor {
    return segmentSum(atomEnergies, graph.framePtr);
  }

  /** Numbers per frame (`numb_fparam`) and per atom (`numb_aparam`) that the model wants beside the structure. */
  get parameterCounts(): FittingSettings["parameters"] {
    return this.fittingSettings.parameters;
  }

  /** What the fitting net gets beside descriptors, [N, numbers]. Errors: VALUE, SHAPE where frames lack it. */
  parameterRows(frames: Frames): Tensor | undefined {
    return parameterRows(frames, this.fittingSettings.parameters);
  }

  /** Adds to the energy bias of each type; `deviation` is what the new one leaves. */
  shiftBias(shift: ArrayLike<number>, deviation: number): void {
    const bias = this.fixed.get("out_bias")!;
    const data = bias.data.map((value, t) => value + shift[t]);
    this.fixed.set("out_bias", { ...bias, data });
    this.fixed.set("out_std", { ...bias, data: data.map(() => deviation) });
    this.outBias.assign([...data, 0]);
  }

  /** All weights at their present values, for files. */
  weights(): Weights {
    return asHeld(new Map([...this.parameters.export(), ...this.fixed]), this.config);
  }

  dispose(): void {
    this.parameters.dispose();
    this.descriptor.dispose();
    this.fitting.dispose();
    this.outBias.dispose();
  }

  private makeDescriptor(weights: Weights, device: DeviceName): Descriptor {
    const { settings } = this;
    const array = (name: string): Float64Array =>
      this.constant(weights, `${descriptorBlocks[settings.kind]}.${name}`, 4 * this.typeMap.length);
    const statistics: EnvironmentStatistics = { mean: array("mean"), stddev: array("stddev") };
    const dtype = precisionType(this.config.descriptor.precision, device);
    return settings.kind === "se_atten"
      ? new SeAttenDescriptor(settings, this.parameters, statistics, dtype)
      : new SeE2ADescriptor(settings, this.parameters, statistics, dtype);
  }

  /** An array that is not trained; nothing where the model has none of its kind. */
  private constant(weights: Weights, name: string, size: number): Float64Array {
    if (size === 0) return new Float64Array(0);
    const array: HostArray | undefined = weights.get(name);
    if (array === undefined) throw new AtomgradError("FORMAT", `model: ${name} is missing`);
    if (array.data.length !== size)
      throw new AtomgradError(
        "FORMAT",
        `model: ${name} has shape [${array.shape.join(",")}], the settings need ${size} numbers`,
      );
    this.fixed.set(name, array);
    return array.data;
  }
}
