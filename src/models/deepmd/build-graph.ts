import { indexMap } from "../../../kernels/segment/op.js";
import type { DeepmdSystem } from "../../data/deepmd-system.js";
import type { SelectedNeighbors } from "../../geometry/select-neighbors.js";
import { tensor } from "../../tensor/tensor.js";
import type { EnergyModel } from "./energy-model.js";
import { type Frames, framesOf } from "./frames.js";
import type { DeepmdGraph } from "./graph.js";
import { neighboursOfFrame } from "./neighbours.js";
import { attentionRows } from "./se-atten/attention-rows.js";
import { typeRows } from "./se-e2-a/type-rows.js";

/** The graph of frames of equal size for a model. Errors: VALUE (types, positions, cells, atoms on top of each other). */
export function graphOf(model: EnergyModel, frames: Frames): DeepmdGraph {
  const { settings } = model;
  const chosen = Array.from({ length: frames.count }, (_, f) => neighboursOfFrame(settings, frames, f));
  return build(model, new Edges(frames, chosen));
}

/** The graph of some frames of a DeePMD system. */
export function graphOfFrames(model: EnergyModel, system: DeepmdSystem, frames: Int32Array): DeepmdGraph {
  return graphOf(model, framesOf(system, frames));
}

/** The frames' atoms and chosen neighbours in a row. */
export class Edges {
  readonly atoms: number;
  readonly count: number;
  /** [N + 1] */
  readonly ptr: Int32Array;
  /** [E] atoms, numbered through. */
  readonly neighbour: Int32Array;
  readonly centre: Int32Array;
  /** [E, 3] */
  readonly vector: Float64Array;
  /** [N] type of each atom; virtual ones pass for type 0, as in DeePMD-kit 3.2, until their energy is dropped. */
  readonly types: Int32Array;

  constructor(
    readonly frames: Frames,
    readonly chosen: readonly SelectedNeighbors[],
  ) {
    this.atoms = frames.count * frames.atoms;
    this.count = chosen.reduce((n, c) => n + c.neighbour.length, 0);
    this.ptr = new Int32Array(this.atoms + 1);
    this.neighbour = new Int32Array(this.count);
    this.centre = new Int32Array(this.count);
    this.vector = new Float64Array(3 * this.count);
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

  /** [E] */
  get neighbourTypes(): Int32Array {
    return this.neighbour.map((j) => this.types[j]);
  }

  /** [E] */
  get centreTypes(): Int32Array {
    return this.centre.map((i) => this.types[i]);
  }
}

function build(model: EnergyModel, edges: Edges): DeepmdGraph {
  const { settings, descriptor } = model;
  const { atoms, count, frames, types } = edges;
  const { dtype, needsEmptySlots } = descriptor;
  const framePtr = Int32Array.from({ length: frames.count + 1 }, (_, f) => f * frames.atoms);
  const counts = (t: number): boolean => t >= 0 && !settings.silentTypes.includes(t);
  return {
    atoms,
    edges: count,
    frames: frames.count,
    edge: tensor(edges.vector, [count, 3], { dtype }),
    centreType: tensor(edges.centreTypes),
    atomType: indexMap(types, settings.typeCount + 1),
    ptr: tensor(edges.ptr),
    real: frames.types.every(counts)
      ? undefined
      : tensor(Float64Array.from(frames.types, (t) => Number(counts(t)))),
    framePtr: tensor(framePtr),
    edgePtr: tensor(framePtr.map((i) => edges.ptr[i])),
    neighbour: indexMap(edges.neighbour, atoms),
    attention:
      settings.kind === "se_atten" ? attentionRows(settings, edges, needsEmptySlots, dtype) : undefined,
    byType:
      settings.kind === "se_e2_a"
        ? typeRows(
            settings,
            { types, ptr: edges.ptr, neighbourType: edges.neighbourTypes, slots: slotsInUse(edges) },
            needsEmptySlots,
            dtype,
          )
        : undefined,
    parameters: model.parameterRows(frames),
  };
}

function slotsInUse({ chosen }: Edges): Int32Array {
  return Int32Array.from(chosen.flatMap(({ slots }) => [...slots!]));
}
