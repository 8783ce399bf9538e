import { scope } from "../../tensor/scope.js";
import { openCpu } from "../../backends/cpu/cpu.js";
import { type FrameList, frameList, type FrameOptions } from "./frames.js";
import { graphOf } from "./build-graph.js";
import type { ModelConfig } from "./config/deepmd-input.js";
import { EnergyModel } from "./energy-model.js";
import { readModel } from "./model-file.js";
import { predict } from "./prediction.js";
import { atomicVirial } from "../../geometry/virial.js";

export interface EvalOptions extends FrameOptions {
  /** Also give energies and virials per atom. */
  atomic?: boolean;
}

/** Results of an evaluation; nf frames of N atoms, row-major, eV and angstrom. */
export interface EvalResult {
  /** [nf] */
  readonly energy: Float64Array;
  /** [nf, N, 3] */
  readonly force: Float64Array;
  /** [nf, 9]: sum of r (x) F, positive pressure contribution; stress = -virial / volume */
  readonly virial: Float64Array;
  /** [nf, N] */
  readonly atomEnergy?: Float64Array;
  /** [nf, N, 9] */
  readonly atomVirial?: Float64Array;
}

export interface LoadOptions {
  /** Computes in this number type instead of the model's own. */
  precision?: "f32" | "f64";
}

/** Rough memory of one atom's neighbours in a step decides how many frames are computed at once. */
const atomsPerBatch = 1024;

/** A trained potential: energies, forces, virials of structures. */
export class DeepPot {
  private constructor(private readonly model: EnergyModel) {}

  /**
   * Opens a model file (`.safetensors` of this package, `.dp` or `.yaml` of DeePMD-kit).
   *
   * Errors: FILE, FORMAT, CONFIG.
   */
  static async load(path: string, options: LoadOptions = {}): Promise<DeepPot> {
    openCpu();
    const { config, weights } = await readModel(path);
    return new DeepPot(new EnergyModel(inPrecision(config, options.precision), weights));
  }

  /** A potential around a model that is already in memory; it takes the model over. */
  static of(model: EnergyModel): DeepPot {
    return new DeepPot(model);
  }

  /** Element or type names in the order of type numbers. */
  get typeMap(): readonly string[] {
    return this.model.typeMap;
  }

  /** Cutoff radius, angstrom. */
  get rcut(): number {
    return this.model.settings.rcut;
  }

  /** Numbers per frame (`numb_fparam`) and per atom (`numb_aparam`) the model wants; 0 for most models. */
  get parameterCounts(): { readonly fparam: number; readonly aparam: number } {
    return this.model.parameterCounts;
  }

  /** Width of the descriptor of one atom. */
  get descriptorWidth(): number {
    return this.model.descriptor.width;
  }

  /**
   * Energies, forces and virials of frames with the same number of atoms, computed on the calling thread.
   *
   * @param coords [nf, N, 3] angstrom
   * @param cells [nf, 9] rows are lattice vectors, or null for open boundaries
   * @param types [N] for all frames, or [nf, N]; -1 is a virtual atom
   *
   * Errors: SHAPE, VALUE (a type outside the type map, a flat cell, atoms on top of each other).
   */
  evalSync(
    coords: ArrayLike<number>,
    cells: ArrayLike<number> | null,
    types: ArrayLike<number>,
    options: EvalOptions = {},
  ): EvalResult {
    const frames = frameList(coords, cells, types, options, this.model.parameterCounts);
    const { count, atoms } = frames;
    const result = {
      energy: new Float64Array(count),
      force: new Float64Array(count * atoms * 3),
      virial: new Float64Array(count * 9),
      ...(options.atomic === true && {
        atomEnergy: new Float64Array(count * atoms),
        atomVirial: new Float64Array(count * atoms * 9),
      }),
    };
    const batch = Math.max(1, Math.floor(atomsPerBatch / Math.max(1, atoms)));
    for (let first = 0; first < count; first += batch)
      scope(() => this.evaluateBlock(frames, first, Math.min(count, first + batch), result));
    return result;
  }

  /** Descriptors [nf, N, descriptorWidth]. */
  evalDescriptorSync(
    coords: ArrayLike<number>,
    cells: ArrayLike<number> | null,
    types: ArrayLike<number>,
    options: FrameOptions = {},
  ): Float64Array {
    const frames = frameList(coords, cells, types, options, this.model.parameterCounts);
    const width = frames.atoms * this.descriptorWidth;
    const out = new Float64Array(frames.count * width);
    for (let f = 0; f < frames.count; f++)
      scope(() => {
        const graph = graphOf(this.model, frames.slice(f, f + 1));
        out.set(this.model.descriptors(graph).dataSync(), f * width);
      });
    return out;
  }

  dispose(): void {
    this.model.dispose();
  }

  private evaluateBlock(frames: FrameList, first: number, end: number, result: EvalResult): void {
    const graph = graphOf(this.model, frames.slice(first, end));
    const { energy, force, virial, atomEnergy, slope, edge } = predict(this.model, graph, {
      createGraph: false,
      virial: true,
    });
    result.energy.set(energy.dataSync(), first);
    result.force.set(force.dataSync(), first * frames.atoms * 3);
    result.virial.set(virial!.dataSync(), first * 9);
    result.atomEnergy?.set(atomEnergy.dataSync(), first * frames.atoms);
    result.atomVirial?.set(atomicVirial(slope, edge, graph.neighbour).dataSync(), first * frames.atoms * 9);
  }
}

function inPrecision(config: ModelConfig, precision: "f32" | "f64" | undefined): ModelConfig {
  if (precision === undefined) return config;
  const name = precision === "f32" ? "float32" : "float64";
  return {
    ...config,
    descriptor: { ...config.descriptor, precision: name },
    fitting_net: { ...config.fitting_net, precision: name },
  };
}
