import { AtomgradError } from "../tensor/error.js";
import { Cell, type Pbc } from "./cell.js";
import type { Matrix3 } from "./matrix3.js";
import { neighborList, type NeighborList } from "./neighbor-list.js";

export interface VerletListOptions {
  /** How much farther than the cutoff candidates are kept, angstrom. */
  readonly skin: number;
  /** Also pairs exactly at the cutoff. */
  readonly inclusive?: boolean;
}

/**
 * Neighbour lists of a moving structure. Candidates within rcut + skin are found once and used again until an atom has
 * moved by half the skin, or the cell or the number of atoms has changed; the lists are those of `neighborList` to the bit.
 * Atoms may leave the cell; an atom that is moved by whole cells counts as moved.
 */
export class VerletList {
  private candidates: NeighborList | undefined;
  private start = new Float64Array(0);
  private given: Float64Array | null = null;
  /** Complete, as the search takes them. */
  private vectors: Float64Array = new Float64Array(9);
  private made = 0;

  /** Errors: VALUE for a cutoff or skin that is no positive length. */
  constructor(
    readonly rcut: number,
    readonly pbc: Pbc,
    private readonly options: VerletListOptions,
  ) {
    for (const [name, length] of Object.entries({ rcut, skin: options.skin }))
      if (!(length > 0) || !Number.isFinite(length))
        throw new AtomgradError("VALUE", `VerletList: ${name} is ${length}; give a positive length`);
  }

  /** How often candidates have been searched for. */
  get searches(): number {
    return this.made;
  }

  /** The neighbour list of these positions [N, 3] in this cell. Errors as `neighborList`. */
  update(positions: ArrayLike<number>, cell: Matrix3 | null): NeighborList {
    if (this.candidates === undefined || this.outdated(positions, cell)) {
      this.candidates = neighborList(positions, cell, this.pbc, this.rcut + this.options.skin);
      this.start = Float64Array.from(positions);
      this.given = cell === null ? null : Float64Array.from(cell);
      this.vectors = new Cell(cell, this.pbc).vectors;
      this.made++;
    }
    return this.within(this.candidates, positions);
  }

  private outdated(positions: ArrayLike<number>, cell: Matrix3 | null): boolean {
    const { start, given } = this;
    if (positions.length !== start.length || cell?.length !== given?.length) return true;
    if (given?.some((x, k) => x !== cell![k]) === true) return true;
    // A millionth less than half, for the rounding of what is compared.
    const most = (0.4999995 * this.options.skin) ** 2;
    for (let k = 0; k < start.length; k += 3) {
      const [x, y, z] = [
        positions[k] - start[k],
        positions[k + 1] - start[k + 1],
        positions[k + 2] - start[k + 2],
      ];
      if (!(x * x + y * y + z * z < most)) return true;
    }
    return false;
  }

  /** The candidates that are within the cutoff now. */
  private within(from: NeighborList, positions: ArrayLike<number>): NeighborList {
    const { rcut, vectors: cell } = this;
    const inclusive = this.options.inclusive ?? false;
    const atoms = from.ptr.length - 1;
    const [source] = from.edgeIndex;
    const kept = new Int32Array(from.count);
    const vectors = new Float64Array(3 * from.count);
    const ptr = new Int32Array(atoms + 1);
    let count = 0;
    for (let i = 0; i < atoms; i++) {
      for (let e = from.ptr[i]; e < from.ptr[i + 1]; e++) {
        let square = 0;
        for (let b = 0; b < 3; b++) {
          const x = positions[3 * source[e] + b] - positions[3 * i + b] + shifted(from.edgeShift, e, cell, b);
          vectors[3 * count + b] = x;
          square += x * x;
        }
        const distance = Math.sqrt(square);
        if (distance < rcut || (inclusive && distance === rcut)) kept[count++] = e;
      }
      ptr[i + 1] = count;
    }
    return listFrom(from, kept.subarray(0, count), vectors.slice(0, 3 * count), ptr);
  }
}

/** Component b of shift . cell. */
function shifted(shift: Int32Array, e: number, cell: Float64Array, b: number): number {
  return shift[3 * e] * cell[b] + shift[3 * e + 1] * cell[3 + b] + shift[3 * e + 2] * cell[6 + b];
}

function listFrom(
  from: NeighborList,
  kept: Int32Array,
  edgeVector: Float64Array,
  ptr: Int32Array,
): NeighborList {
  const edgeShift = new Int32Array(3 * kept.length);
  const distance = new Float64Array(kept.length);
  for (let k = 0; k < kept.length; k++) {
    const [x, y, z] = [edgeVector[3 * k], edgeVector[3 * k + 1], edgeVector[3 * k + 2]];
    distance[k] = Math.sqrt(x * x + y * y + z * z);
    for (let b = 0; b < 3; b++) edgeShift[3 * k + b] = from.edgeShift[3 * kept[k] + b];
  }
  const [source, target] = from.edgeIndex;
  return {
    count: kept.length,
    edgeIndex: [kept.map((e) => source[e]), kept.map((e) => target[e])],
    edgeShift,
    edgeVector,
    distance,
    ptr,
  };
}
