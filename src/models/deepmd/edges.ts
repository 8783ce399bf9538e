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
