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
  const basis = [1, 0, 0, 0, 1, 0, 0, 0, 1];
  const rows = Float64Array.from(vectors);
  const square = (k: number): number => dot(rows, k, k);
  const shorten = (k: number, factors: readonly number[]): boolean => {
    const moved = [0, 1, 2].map((b) => rows[3 * k + b] + sumOver(factors, (l) => rows[3 * l + b]));
    if (!(moved[0] ** 2 + moved[1] ** 2 + moved[2] ** 2 < worthwhile * square(k))) return false;
    for (let b = 0; b < 3; b++) basis[3 * k + b] += sumOver(factors, (l) => basis[3 * l + b]);
    if (basis.some((x) => Math.abs(x) > largest))
      throw new AtomgradError(
        "VALUE",
        "the periodic cell is too skewed; give shorter lattice vectors of the same lattice",
      );
    rows.set(moved, 3 * k);
    return true;
  };
  const axes = [0, 1, 2].filter((k) => pbc[k]);
  for (let changed = true; changed;) {
    changed = false;
    for (const k of axes) for (const factors of steps(rows, k, axes)) if (shorten(k, factors)) changed = true;
  }
  return { vectors: rowsTimes(basis, vectors), basis: Int32Array.from(basis) };
}

/** What may be added to vector k: the best multiple of each other one, and all sums of the two others. */
function* steps(rows: Float64Array, k: number, axes: readonly number[]): Generator<number[]> {
  const others = axes.filter((l) => l !== k);
  for (const l of others) {
    const factors = [0, 0, 0];
    factors[l] = -Math.round(dot(rows, k, l) / dot(rows, l, l));
    if (factors[l] !== 0) yield factors;
  }
  if (others.length < 2) return;
  for (const s of [-1, 1])
    for (const t of [-1, 1]) {
      const factors = [0, 0, 0];
      factors[others[0]] = s;
      factors[others[1]] = t;
      yield factors;
    }
}

function sumOver(factors: readonly number[], value: (l: number) => number): number {
  return factors.reduce((sum, factor, l) => (factor === 0 ? sum : sum + factor * value(l)), 0);
}

function dot(rows: Float64Array, k: number, l: number): number {
  return rows[3 * k] * rows[3 * l] + rows[3 * k + 1] * rows[3 * l + 1] + rows[3 * k + 2] * rows[3 * l + 2];
}
