import { basename } from "node:path";
import { openCpu } from "../../backends/cpu/cpu.js";
import { AtomgradError } from "../../tensor/error.js";
import { EvalThread } from "./eval-thread.js";
import { evaluateEnergies, evaluateRows, type EvalResult, type EvalTask } from "./evaluate.js";
import { frameList, type FrameOptions } from "./frames.js";

import type { ModelConfig } from "./config/deepmd-input.js";
import { EnergyModel } from "./energy-model.js";
import { readModel } from "./model-file.js";
import { halfPrecisionNotes } from "./half-nets.js";

export type { EvalResult } from "./evaluate.js";

export interface EvalOptions extends FrameOptions {
  /** Also give energies and virials per atom. */
  atomic?: boolean;
}

export interface Abortable {
  /** Ends the evaluation: the promise is rejected at once with the signal's reason. */
  signal?: AbortSignal;
}

export interface LoadOptions {
  /** Computes in this number type instead of the model's own. */
  precision?: "f32" | "f64";
  /** Names of the types for files that do not hold them: early TensorFlow graphs. */
  typeMap?: readonly string[];
}

/**
 * A trained potential: energies, forces, virials of structures. `eval` and its like compute in a thread of their own and
 * leave the event loop free; the `...Sync` ones compute on the calling thread. Several potentials may be used at once, also
 * in worker threads. `dispose` gives the memory back.
 */
export class DeepPot {
  /** Where this potential's evaluations run; undefined before the first. */
  private remote: ReturnType<typeof EvalThread.add> | undefined;

  private constructor(private readonly model: EnergyModel) {}

  /**
   * Opens a model file: `.safetensors` of this package, `.dp`, `.yaml` and frozen models of DeePMD-kit.
   *
   * Errors: FILE, FORMAT, CONFIG.
   */
  static async load(path: string, options: LoadOptions = {}): Promise<DeepPot> {
    openCpu();
    const { config, weights } = await readModel(path, options);
    try {
      return new DeepPot(new EnergyModel(inPrecision(config, options.precision), weights));
    } catch (error) {
      if (!(error instanceof AtomgradError)) throw error;
      throw new AtomgradError(error.code, `${basename(path)}: ${error.message}`, { cause: error });
    }
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

  /** What a user should know of how it computes: a sentence for each type of half-precision nets. */
  get notes(): readonly string[] {
    return halfPrecisionNotes(this.model.config);
  }

  /** Numbers per frame (`numb_fparam`) and per atom (`numb_aparam`) the model wants; 0 for most models. */
  get parameterCounts(): { readonly fparam: number; readonly aparam: number } {
    return this.model.parameterCounts;
  }

  /** Width of the descriptor of one atom; TensorFlow does not count the type's own vector to it, PyTorch does. */
  get descriptorWidth(): number {
    return this.model.descriptorWidth;
  }

  /** Numbers per atom that `evalFittingLastLayer` gives. */
  get lastLayerWidth(): number {
    return this.model.lastLayerWidth;
  }

  /**
   * Energies, forces and virials of frames with the same number of atoms, computed off the calling thread.
   *
   * @param coords [nf, N, 3] angstrom
   * @param cells [nf, 9] rows are lattice vectors, or null for open boundaries
   * @param types [N] for all frames, or [nf, N]; -1 is a virtual atom
   *
   * Errors: SHAPE, VALUE (a type outside the type map, a flat cell, atoms on top of each other); the signal's reason.
   */
  async eval(
    coords: ArrayLike<number>,
    cells: ArrayLike<number> | null,
    types: ArrayLike<number>,
    options: EvalOptions & Abortable = {},
  ): Promise<EvalResult> {
    const task = { kind: "energy", atomic: options.atomic === true } as const;
    return (await this.compute(task, coords, cells, types, options)) as Record<
      keyof EvalResult,
      Float64Array
    >;
  }

  /** Descriptors [nf, N, descriptorWidth], computed off the calling thread. */
  async evalDescriptor(
    coords: ArrayLike<number>,
    cells: ArrayLike<number> | null,
    types: ArrayLike<number>,
    options: FrameOptions & Abortable = {},
  ): Promise<Float64Array> {
    return (await this.compute({ kind: "descriptor" }, coords, cells, types, options)).rows;
  }

  /** What the last hidden layer of the fitting net gives, [nf, N, lastLayerWidth], computed off the calling thread. */
  async evalFittingLastLayer(
    coords: ArrayLike<number>,
    cells: ArrayLike<number> | null,
    types: ArrayLike<number>,
    options: FrameOptions & Abortable = {},
  ): Promise<Float64Array> {
    return (await this.compute({ kind: "fittingLastLayer" }, coords, cells, types, options)).rows;
  }

  /** As `eval`, computed on the calling thread. */
  evalSync(
    coords: ArrayLike<number>,
    cells: ArrayLike<number> | null,
    types: ArrayLike<number>,
    options: EvalOptions = {},
  ): EvalResult {
    const frames = frameList(coords, cells, types, options, this.model.parameterCounts);
    return evaluateEnergies(this.model, frames, options.atomic === true)!;
  }

  /** As `evalDescriptor`, computed on the calling thread. */
  evalDescriptorSync(
    coords: ArrayLike<number>,
    cells: ArrayLike<number> | null,
    types: ArrayLike<number>,
    options: FrameOptions = {},
  ): Float64Array {
    const frames = frameList(coords, cells, types, options, this.model.parameterCounts);
    return evaluateRows(this.model, frames, "descriptor")!;
  }

  /** As `evalFittingLastLayer`, computed on the calling thread. */
  evalFittingLastLayerSync(
    coords: ArrayLike<number>,
    cells: ArrayLike<number> | null,
    types: ArrayLike<number>,
    options: FrameOptions = {},
  ): Float64Array {
    const frames = frameList(coords, cells, types, options, this.model.parameterCounts);
    return evaluateRows(this.model, frames, "fittingLastLayer")!;
  }

  /** Gives the model's memory back; evaluations that are under way are finished. */
  dispose(): void {
    this.remote?.thread.remove(this.remote.model);
    this.remote = undefined;
    this.model.dispose();
  }

  private compute(
    task: EvalTask,
    coords: ArrayLike<number>,
    cells: ArrayLike<number> | null,
    types: ArrayLike<number>,
    options: FrameOptions & Abortable,
  ): Promise<Record<string, Float64Array>> {
    const frames = frameList(coords, cells, types, options, this.model.parameterCounts);
    if (this.remote === undefined || this.remote.thread.ended) this.remote = EvalThread.add(this.model);
    const { thread, model } = this.remote;
    return thread.run(model, task, frames, options.name, options.signal);
  }
}

function inPrecision(config: ModelConfig, precision: "f32" | "f64" | undefined): ModelConfig {
  if (precision === undefined) return config;
  const name = precision === "f32" ? "float32" : "float64";
  return {
    ...config,
    descriptor: { ...config.descriptor, precision: name },
    fitting_net: { ...config.fitting_net, precision: name },
    type_embedding: config.type_embedding && { ...config.type_embedding, precision: name },
  };
}
