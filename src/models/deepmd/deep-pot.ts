import { AtomgradError } from "../../tensor/error.js";
import { scope } from "../../tensor/scope.js";
import { openCpu } from "../../backends/cpu/cpu.js";
import { graphOf } from "./build-graph.js";
import { EnergyModel } from "./energy-model.js";
import { readModel } from "./model-file.js";
import { predict } from "./prediction.js";
import { atomicVirial } from "../../geometry/virial.js";

export interface EvalOptions {
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
  static async load(path: string): Promise<DeepPot> {
    openCpu();
    const { config, weights } = await readModel(path);
    return new DeepPot(new EnergyModel(config, weights));
  }

  /** Element or type names in the order of type numbers. */
  get typeMap(): readonly string[] {
    return this.model.typeMap;
  }

  /** Cutoff radius, angstrom. */
  get rcut(): number {
    return this.model.settings.rcut;
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
    const frames = frameList(coords, cells, types);
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
  evalDescriptorSync(coords: ArrayLike<number>, cells: ArrayLike<number> | null, types: ArrayLike<number>): Float64Array {
    const frames = frameList(coords, cells, types);
    const width = frames.atoms * this.descriptorWidth;
    const out = new Float64Array(frames.count * width);
    for (let f = 0; f < frames.count; f++)
      scope(() => {
        const graph = graphOf(this.model, frames.slice(f, f + 1));
        out.set(this.model.descriptor.forward(graph).dataSync(), f * width);
      });
    return out;
  }

  dispose(): void {
    this.model.dispose();
  }

  private evaluateBlock(frames: FrameList, first: number, end: number, result: EvalResult): void {
    const graph = graphOf(this.model, frames.slice(first, end));
    const { energy, force, virial, atomEnergy, slope } = predict(this.model, graph, { createGraph: false, virial: true });
    result.energy.set(energy.dataSync(), first);
    result.force.set(force.dataSync(), first * frames.atoms * 3);
    result.virial.set(virial!.dataSync(), first * 9);
    result.atomEnergy?.set(atomEnergy.dataSync(), first * frames.atoms);
    result.atomVirial?.set(atomicVirial(slope, graph).dataSync(), first * frames.atoms * 9);
  }
}

/** Frames of equal size as flat arrays. */
export interface Frames {
  readonly count: number;
  readonly atoms: number;
  /** [count, atoms, 3] */
  readonly positions: Float64Array;
  /** [count, 9] or null */
  readonly cells: Float64Array | null;
  /** [count, atoms] */
  readonly types: Int32Array;
}

class FrameList implements Frames {
  constructor(
    readonly count: number,
    readonly atoms: number,
    readonly positions: Float64Array,
    readonly cells: Float64Array | null,
    readonly types: Int32Array,
  ) {}

  slice(first: number, end: number): Frames {
    const { atoms } = this;
    return new FrameList(
      end - first,
      atoms,
      this.positions.subarray(first * atoms * 3, end * atoms * 3),
      this.cells === null ? null : this.cells.subarray(first * 9, end * 9),
      this.types.subarray(first * atoms, end * atoms),
    );
  }
}

function frameList(coords: ArrayLike<number>, cells: ArrayLike<number> | null, types: ArrayLike<number>): FrameList {
  const positions = Float64Array.from(coords);
  const boxes = cells === null ? null : Float64Array.from(cells);
  const perFrame = 3 * types.length;
  // Types stand once for all frames, or once per frame: the cells, or the sizes, tell which.
  const frames = boxes !== null ? boxes.length / 9 : perFrame > 0 && positions.length > perFrame ? positions.length / perFrame : 1;
  if (boxes !== null && boxes.length % 9 !== 0)
    throw new AtomgradError("SHAPE", `eval: cells have ${boxes.length} numbers; 9 per frame are needed`);
  const atoms = frames === 0 ? 0 : positions.length / 3 / frames;
  const shared = types.length === atoms;
  if (!Number.isInteger(frames) || !Number.isInteger(atoms) || (!shared && types.length !== atoms * frames))
    throw new AtomgradError(
      "SHAPE",
      `eval: ${positions.length} coordinates, ${types.length} types${boxes === null ? "" : ` and ${boxes.length} cell numbers`} do not make whole frames; ` +
        "give coords [nf, N, 3], cells [nf, 9] or null, types [N] or [nf, N]",
    );
  const all = new Int32Array(atoms * frames);
  for (let f = 0; f < frames; f++)
    for (let i = 0; i < atoms; i++) all[f * atoms + i] = types[shared ? i : f * atoms + i];
  return new FrameList(frames, atoms, positions, boxes, all);
}
