import { AtomgradError } from "../tensor/error.js";
import { type Matrix3, rowsTimes } from "./matrix3.js";

/** Shorter by less than this does not count: right angles and hexagons keep the vectors their users chose. */
const worthwhile = 1 - 1e-9;

const largest = 2 ** 30;

/**
 * Short vectors of the same lattice: basis . vectors, with an integer basis of determinant 1. Each periodic
 * vector is made shorter by whole multiples of the other periodic ones until none can be (Semaev's greedy
 * reduction), so that distances between faces are about as large as the lattice allows. Vectors of
 * non-periodic directions stay as they are.
 *
 * Errors: VALUE for cells so skewed that the basis overflows.
 */
export function shortLattice(
  vectors: Matrix3,
  pbc: readonly boolean[],
): { vectors: Float64Array; basis: Int32Array } {
  const reduction = new Reduction(vectors);
  const axes = [0, 1, 2].filter((k) => pbc[k]);
  for (let changed = true; changed;) {
    changed = false;
    for (const k of axes) if (reduction.shortenBy(k, axes)) changed = true;
  }
  const { basis } = reduction;
  return { vectors: rowsTimes(basis, vectors), basis: Int32Array.from(basis) };
}

/** Lattice vectors on their way to short ones; every frame of a set may have a cell of its own, so nothing is allocated on it. */
class Reduction {
  readonly basis = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  private readonly rows: Float64Array;
  private readonly factors = new Float64Array(3);
  private readonly moved = new Float64Array(3);

  constructor(vectors: Matrix3) {
    this.rows = Float64Array.from(vectors);
  }

  /** Adds to vector k, if it gets shorter, the best multiple of each other one, and all sums of the two others. */
  shortenBy(k: number, axes: readonly number[]): boolean {
    const { rows } = this;
    let changed = false;
    for (const l of axes) {
      if (l === k) continue;
      const factor = -Math.round(dot(rows, k, l) / dot(rows, l, l));
      if (factor !== 0 && this.shorten(k, l, factor, l, 0)) changed = true;
    }
    if (axes.length < 3) return changed;
    const [l, m] = k === 0 ? [1, 2] : k === 1 ? [0, 2] : [0, 1];
    for (let s = -1; s <= 1; s += 2)
      for (let t = -1; t <= 1; t += 2) if (this.shorten(k, l, s, m, t)) changed = true;
    return changed;
  }

  /** Adds s times vector l and t times vector m to vector k where that makes it shorter. */
  private shorten(k: number, l: number, s: number, m: number, t: number): boolean {
    const { rows, basis, factors, moved } = this;
    factors.fill(0);
    factors[m] = t;
    factors[l] = s;
    for (let b = 0; b < 3; b++) moved[b] = rows[3 * k + b] + this.sum(rows, b);
    if (!(moved[0] ** 2 + moved[1] ** 2 + moved[2] ** 2 < worthwhile * dot(rows, k, k))) return false;
    for (let b = 0; b < 3; b++) basis[3 * k + b] += this.sum(basis, b);
    if (basis.some((x) => Math.abs(x) > largest))
      throw new AtomgradError(
        "VALUE",
        "the periodic cell is too skewed; give shorter lattice vectors of the same lattice",
      );
    rows.set(moved, 3 * k);
    return true;
  }

  private sum(rows: Float64Array, b: number): number {
    const { factors } = this;
    let sum = 0;
    for (let l = 0; l < 3; l++) if (factors[l] !== 0) sum += factors[l] * rows[3 * l + b];
    return sum;
  }
}

function dot(rows: Float64Array, k: number, l: number): number {
  return rows[3 * k] * rows[3 * l] + rows[3 * k + 1] * rows[3 * l + 1] + rows[3 * k + 2] * rows[3 * l + 2];
}
