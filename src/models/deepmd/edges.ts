import type { SelectedNeighbors } from "../../geometry/select-neighbors.js";
import type { Frames } from "./frames.js";

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
  /** Types of the atoms that neighbours are numbered by: the same, or those of a frame of which these are some centres. */
  readonly neighbourable: Int32Array;

  /** @param wholeTypes types of the whole frame where `frames` holds only some centres of it */
  constructor(
    readonly frames: Frames,
    readonly chosen: readonly SelectedNeighbors[],
    wholeTypes?: Int32Array,
  ) {
    this.atoms = frames.count * frames.atoms;
    this.count = chosen.reduce((n, c) => n + c.neighbour.length, 0);
    this.ptr = new Int32Array(this.atoms + 1);
    this.neighbour = new Int32Array(this.count);
    this.centre = new Int32Array(this.count);
    this.vector = new Float64Array(3 * this.count);
    this.types = frames.types.map((t) => Math.max(0, t));
    this.neighbourable = wholeTypes?.map((t) => Math.max(0, t)) ?? this.types;
    let edge = 0;
    chosen.forEach((c, f) => {
      const first = f * frames.atoms;
      for (let i = 0; i < frames.atoms; i++) this.ptr[first + i + 1] = edge + c.ptr[i + 1];
      putShifted(this.neighbour, edge, c.neighbour, first);
      putShifted(this.centre, edge, c.centre, first);
      this.vector.set(c.vector, 3 * edge);
      edge += c.neighbour.length;
    });
  }

  /** [E] type of each pair's neighbour. */
  get neighbourTypes(): Int32Array {
    return typesOf(this.neighbourable, this.neighbour);
  }

  /** [N] type of the first atom of each atom's frame. */
  get firstTypes(): Int32Array {
    const { atoms } = this.frames;
    const { neighbourable, types } = this;
    return types.map((_, i) =>
      neighbourable === types ? types[Math.floor(i / atoms) * atoms] : neighbourable[0],
    );
  }

  /** [E] type of each pair's centre. */
  get centreTypes(): Int32Array {
    return typesOf(this.types, this.centre);
  }
}

function putShifted(to: Int32Array, at: number, from: Int32Array, by: number): void {
  for (let k = 0; k < from.length; k++) to[at + k] = from[k] + by;
}

/** A loop: `map` takes ten times as long. */
function typesOf(types: Int32Array, atoms: Int32Array): Int32Array {
  const found = new Int32Array(atoms.length);
  for (let e = 0; e < atoms.length; e++) found[e] = types[atoms[e]];
  return found;
}
