import { indexMap } from "../../../kernels/segment/op.js";
import { type DeepmdSystem, frameTypes } from "../../data/deepmd-system.js";
import { neighborList } from "../../geometry/neighbor-list.js";
import {
  type PairRules,
  type SelectedNeighbors,
  selectNeighbors,
  TypePairSet,
} from "../../geometry/select-neighbors.js";
import type { DType } from "../../tensor/dtype.js";
import { AtomgradError } from "../../tensor/error.js";
import { tensor } from "../../tensor/tensor.js";
import type { EnergyModel } from "./energy-model.js";
import type { Frames } from "./frames.js";
import type { DeepmdGraph, EmptySlots, TypePairs } from "./graph.js";
import type { SeAttenSettings } from "./se-atten/settings.js";
import type { EnvironmentRows } from "./statistics.js";

/** The graph of frames of equal size for a model. Errors: VALUE (types, positions, cells, atoms on top of each other). */
export function graphOf(model: EnergyModel, frames: Frames): DeepmdGraph {
  const { settings } = model;
  const chosen = Array.from({ length: frames.count }, (_, f) => neighboursOfFrame(settings, frames, f));
  return new GraphBuilder(settings, frames, chosen).build(
    model.descriptor.dtype,
    model.descriptor.needsEmptySlots,
  );
}

/** The graph of some frames of a DeePMD system. */
export function graphOfFrames(model: EnergyModel, system: DeepmdSystem, frames: Int32Array): DeepmdGraph {
  return graphOf(model, framesOf(system, frames));
}

/** Picks frames of a system. */
export function framesOf(system: DeepmdSystem, frames: Int32Array): Frames {
  const { atomCount: atoms } = system;
  const positions = new Float64Array(frames.length * atoms * 3);
  const cells = system.cells === null ? null : new Float64Array(frames.length * 9);
  const types = new Int32Array(frames.length * atoms);
  frames.forEach((frame, f) => {
    positions.set(system.positions.subarray(frame * atoms * 3, (frame + 1) * atoms * 3), f * atoms * 3);
    cells?.set(system.cells!.subarray(frame * 9, (frame + 1) * 9), f * 9);
    types.set(frameTypes(system, frame), f * atoms);
  });
  return { count: frames.length, atoms, positions, cells, types };
}

function neighboursOfFrame(settings: SeAttenSettings, frames: Frames, f: number): SelectedNeighbors {
  const { atoms } = frames;
  const positions = frames.positions.subarray(f * atoms * 3, (f + 1) * atoms * 3);
  const cell = frames.cells === null ? null : frames.cells.subarray(f * 9, (f + 1) * 9);
  const types = frames.types.subarray(f * atoms, (f + 1) * atoms);
  const outside = types.findIndex((t) => t >= settings.typeCount);
  if (outside >= 0)
    throw new AtomgradError(
      "VALUE",
      `frame ${f}: atom ${outside} has type ${types[outside]}, the model knows types 0 to ${settings.typeCount - 1} (${settings.typeMap.join(" ")}) and -1`,
    );
  const list = neighborList(positions, cell, cell !== null, settings.rcut, { inclusive: true });
  const chosen = selectNeighbors(list, types, settings.sel, pairRules(settings));
  if (chosen.minDistance === 0)
    throw new AtomgradError(
      "VALUE",
      `frame ${f}: two atoms are on top of each other (distance 0); correct the positions`,
    );
  return chosen;
}

function pairRules({ excludeTypes, removedPairs, typeCount }: SeAttenSettings): PairRules {
  const setOf = (list: SeAttenSettings["excludeTypes"], key: string): TypePairSet | undefined => {
    const beyond = list.find((pair) => pair.some((t) => t >= typeCount));
    if (beyond !== undefined)
      throw new AtomgradError(
        "CONFIG",
        `${key}: [${beyond.join(", ")}] names a type beyond the ${typeCount} of type_map`,
      );
    return list.length === 0 ? undefined : new TypePairSet(list, typeCount);
  };
  return {
    excluded: setOf(excludeTypes, "model.descriptor.exclude_types"),
    removed: setOf(removedPairs, "model.pair_exclude_types"),
  };
}

/** Puts the frames' neighbours in a row and turns them into tensors. */
class GraphBuilder {
  private readonly atoms: number;
  private readonly edges: number;
  private readonly ptr: Int32Array;
  private readonly neighbour: Int32Array;
  private readonly centre: Int32Array;
  private readonly vector: Float64Array;
  /** Type of each atom; virtual ones pass for type 0, as in DeePMD-kit 3.2, until their energy is dropped. */
  private readonly types: Int32Array;

  constructor(
    private readonly settings: SeAttenSettings,
    private readonly frames: Frames,
    private readonly chosen: readonly SelectedNeighbors[],
  ) {
    this.atoms = frames.count * frames.atoms;
    this.edges = chosen.reduce((n, c) => n + c.neighbour.length, 0);
    this.ptr = new Int32Array(this.atoms + 1);
    this.neighbour = new Int32Array(this.edges);
    this.centre = new Int32Array(this.edges);
    this.vector = new Float64Array(3 * this.edges);
    this.types = frames.types.map((t) => Math.max(0, t));
    let edge = 0;
    chosen.forEach((c, f) => {
      const first = f * frames.atoms;
      for (let i = 0; i < frames.atoms; i++) this.ptr[first + i + 1] = edge + c.ptr[i + 1];
      for (let e = 0; e < c.neighbour.length; e++) {
        this.neighbour[edge + e] = first + c.neighbour[e];
        this.centre[edge + e] = first + c.centre[e];
      }
      this.vector.set(c.vector, 3 * edge);
      edge += c.neighbour.length;
    });
  }

  build(dtype: DType, needsEmptySlots: boolean): DeepmdGraph {
    const { atoms, edges, frames, types } = this;
    const i32 = (data: Int32Array) => tensor(data);
    const start = new Int32Array(atoms + 1);
    const pad = new Int32Array(atoms);
    for (let i = 0; i < atoms; i++) {
      const n = this.ptr[i + 1] - this.ptr[i];
      start[i + 1] = start[i] + n * n;
      // Without smooth attention empty slots are masked out: they do not even stand in the denominator.
      pad[i] = this.settings.smooth ? this.settings.sel - n : 0;
    }
    const framePtr = Int32Array.from({ length: frames.count + 1 }, (_, f) => f * frames.atoms);
    const counts = (t: number): boolean => t >= 0 && !this.settings.silentTypes.includes(t);
    return {
      atoms,
      edges,
      frames: frames.count,
      edge: tensor(this.vector, [edges, 3], { dtype }),
      centreType: i32(Int32Array.from(this.centre, (i) => types[i])),
      pairs: this.pairs(
        Int32Array.from(this.neighbour, (j) => types[j]),
        Int32Array.from(this.centre, (i) => types[i]),
      ),
      atomType: indexMap(types, this.settings.typeCount + 1),
      ptr: i32(this.ptr),
      start: i32(start),
      pairCount: start[atoms],
      pad: i32(pad),
      emptySlots: needsEmptySlots ? this.emptySlots(dtype) : undefined,
      real: frames.types.every(counts)
        ? undefined
        : tensor(Float64Array.from(frames.types, (t) => Number(counts(t)))),
      framePtr: i32(framePtr),
      edgePtr: i32(framePtr.map((i) => this.ptr[i])),
      neighbour: indexMap(this.neighbour, atoms),
    };
  }

  private pairs(neighbour: Int32Array, centre: Int32Array): TypePairs {
    const { stripMode, typeCount } = this.settings;
    const count = typeCount + 1;
    return {
      neighbour: indexMap(neighbour, count),
      centre: indexMap(centre, count),
      pair: stripMode
        ? indexMap(
            centre.map((t, k) => t * count + neighbour[k]),
            count * count,
          )
        : undefined,
    };
  }

  /** PyTorch takes the type of a frame's first atom for the neighbour that an empty slot does not have (spec 2.8). */
  private emptySlots(dtype: DType): EmptySlots {
    const { atoms } = this.frames;
    const neighbour = Int32Array.from(this.types, (_, i) => this.types[Math.floor(i / atoms) * atoms]);
    const count = new Float64Array(this.atoms);
    this.chosen.forEach((c, f) => {
      for (let i = 0; i < atoms; i++)
        count[f * atoms + i] = this.settings.sel - (c.ptr[i + 1] - c.ptr[i]) - c.excluded[i];
    });
    return { pairs: this.pairs(neighbour, this.types), count: tensor(count, [this.atoms, 1], { dtype }) };
  }
}

/** Environment rows of one frame without normalisation, for statistics (spec 2.5). */
export function environmentRows(
  settings: SeAttenSettings,
  system: DeepmdSystem,
  frame: number,
): EnvironmentRows {
  const frames = framesOf(system, Int32Array.of(frame));
  const chosen = neighboursOfFrame(settings, frames, 0);
  const { rcut, rcutSmooth, protection } = settings;
  const rows = new Float64Array(4 * chosen.neighbour.length);
  for (let e = 0; e < chosen.neighbour.length; e++) {
    const [x, y, z] = chosen.vector.subarray(3 * e, 3 * e + 3);
    const r = Math.sqrt(x * x + y * y + z * z);
    const u = Math.min(1, Math.max(0, (r - rcutSmooth) / (rcut - rcutSmooth)));
    const s = ((1 - u) ** 3 * (1 + 3 * u + 6 * u * u)) / (r + protection);
    const a = s / (r + protection);
    rows.set([s, a * x, a * y, a * z], 4 * e);
  }
  const atomsPerType = new Int32Array(settings.typeCount);
  for (const t of frames.types) if (t >= 0) atomsPerType[t]++;
  return { centreType: Int32Array.from(chosen.centre, (i) => frames.types[i]), rows, atomsPerType };
}

/** The largest number of neighbours an atom of a frame has within the cutoff, and the shortest distance. */
export function largestNeighbourNumber(
  system: DeepmdSystem,
  frame: number,
  rcut: number,
): { largest: number; minDistance: number } {
  const { positions, cells, types } = framesOf(system, Int32Array.of(frame));
  const list = neighborList(positions, cells, cells !== null, rcut);
  return selectNeighbors(list, types, Number.MAX_SAFE_INTEGER);
}
