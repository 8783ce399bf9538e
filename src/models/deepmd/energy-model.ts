import { add, mul } from "../../../kernels/elementwise/ops.generated.js";
import { gather, segmentSum } from "../../../kernels/segment/op.js";
import { reshape } from "../../autograd/reshape.js";
import type { DeviceName } from "../../tensor/backend.js";
import { AtomgradError } from "../../tensor/error.js";
import { keep } from "../../tensor/scope.js";
import { type Tensor, tensor } from "../../tensor/tensor.js";
import type { ModelConfig } from "./config/deepmd-input.js";
import { EnergyFitting } from "./energy-fitting.js";
import type { DeepmdGraph } from "./graph.js";
import { type HostArray, ParameterSet, type Weights } from "./parameters.js";
import { SeAttenDescriptor } from "./se-atten/descriptor.js";
import { fittingSettings, precisionType, seAttenSettings } from "./se-atten/from-config.js";
import type { SeAttenSettings } from "./se-atten/settings.js";

/** Weights that are fixed by statistics, not trained. */
const fixedNames = [
  "descriptor.se_atten.mean",
  "descriptor.se_atten.stddev",
  "fitting_net.bias_atom_e",
  "out_bias",
  "out_std",
] as const;

/** A `se_atten` energy model: descriptor, fitting net and biases. Energies in eV, lengths in angstrom. */
export class EnergyModel {
  readonly settings: SeAttenSettings;
  readonly typeMap: readonly string[];
  readonly parameters: ParameterSet;
  readonly descriptor: SeAttenDescriptor;
  private readonly fitting: EnergyFitting;
  private readonly fixed: Weights = new Map();
  /** out_bias by type in f64, [nt+1, 1]; 0 for virtual atoms. */
  private readonly outBias: Tensor;

  /** @param config the model section with `sel` resolved; @param weights by DeePMD-kit's names */
  constructor(
    readonly config: ModelConfig,
    weights: Weights,
    device: DeviceName = "cpu",
  ) {
    this.settings = seAttenSettings(config);
    this.typeMap = this.settings.typeMap;
    const types = this.typeMap.length;
    for (const name of fixedNames) this.fixed.set(name, required(weights, name));
    this.parameters = new ParameterSet(weights, device);
    const statistics = {
      mean: this.fixedArray("descriptor.se_atten.mean", 4 * types),
      stddev: this.fixedArray("descriptor.se_atten.stddev", 4 * types),
    };
    const precision = precisionType(config.descriptor.precision);
    this.descriptor = new SeAttenDescriptor(this.settings, this.parameters, statistics, precision);
    this.fitting = new EnergyFitting(
      fittingSettings(config),
      this.descriptor.width,
      this.parameters,
      this.fixedArray("fitting_net.bias_atom_e", types),
      precisionType(config.fitting_net.precision),
    );
    const rows = new Float64Array(types + 1);
    rows.set(this.fixedArray("out_bias", types));
    this.outBias = keep(tensor(rows, [types + 1, 1], { dtype: "f64", device }));
  }

  /** Atomic energies [N], f64, eV; virtual atoms 0. */
  atomEnergies(graph: DeepmdGraph): Tensor {
    return this.energiesOf(this.descriptor.forward(graph), graph);
  }

  /** Atomic energies of given descriptors. */
  energiesOf(descriptor: Tensor, graph: DeepmdGraph): Tensor {
    const energies = this.fitting.forward(descriptor, graph);
    const biased = add(energies, reshape(gather(this.outBias, graph.atomType), [graph.atoms]));
    return graph.real === undefined ? biased : mul(biased, graph.real);
  }

  /** Frame energies [F] from atomic ones. */
  frameEnergies(atomEnergies: Tensor, graph: DeepmdGraph): Tensor {
    return segmentSum(atomEnergies, graph.framePtr);
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
    return new Map([...this.parameters.export(), ...this.fixed]);
  }

  dispose(): void {
    this.parameters.dispose();
    this.descriptor.dispose();
    this.fitting.dispose();
    this.outBias.dispose();
  }

  private fixedArray(name: string, size: number): Float64Array {
    const { data, shape } = this.fixed.get(name)!;
    if (data.length !== size)
      throw new AtomgradError(
        "FORMAT",
        `model: ${name} has shape [${shape.join(",")}], the type map needs ${size} numbers`,
      );
    return data;
  }
}

function required(weights: Weights, name: string): HostArray {
  const array = weights.get(name);
  if (array === undefined) throw new AtomgradError("FORMAT", `model: ${name} is missing`);
  return array;
}
