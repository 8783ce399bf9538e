import { isList, wrongArgument } from "../tensor/arguments.js";
import { AtomgradError } from "../tensor/error.js";
import { cellFromParameters, cellParameters, type CellParameters } from "./cell-parameters.js";
import { shortLattice } from "./lattice-reduction.js";
import { determinant, inverse, type Matrix3, rowsTimes } from "./matrix3.js";
import { niggliReduction } from "./niggli.js";

/** Periodic directions: all, none, or one by one. */
export type Pbc = boolean | readonly [boolean, boolean, boolean];

/** Cells flatter than this fraction of a cube of their edges have no usable inverse. */
const flattest = 1e-10;

/** Atoms more cells away than this cannot be wrapped by 32-bit offsets. */
const farthest = 2 ** 30;

/**
 * A lattice, periodic in some or all directions. Vectors of non-periodic directions, whatever stood there,
 * are replaced by unit vectors perpendicular to all others, so that every cell has an inverse. Left-handed
 * cells are fine.
 */
export class Cell {
  readonly pbc: readonly [boolean, boolean, boolean];
  /** [3, 3] rows are lattice vectors, angstrom. */
  readonly vectors: Float64Array;
  /** [3, 3] fractional = Cartesian . inverse */
  readonly inverse: Float64Array;
  /** Distances between opposite faces, angstrom: how far a direction goes before it repeats. */
  readonly faceDistances: readonly [number, number, number];

  /**
   * @param vectors 9 numbers, rows are lattice vectors; those of non-periodic directions may be zero; null:
   * none at all
   *
   * Errors: SHAPE when there are not 9 numbers, or `pbc` is neither one truth value nor three; VALUE when a periodic vector is missing or not finite, or
   * when the periodic vectors span no volume.
   */
  constructor(vectors: Matrix3 | null, pbc: Pbc) {
    const periodic: readonly unknown[] = typeof pbc === "boolean" ? [pbc, pbc, pbc] : pbc;
    if (!isList(periodic)) throw wrongArgument("cell: pbc", "true or false, once or three times", periodic);
    if (periodic.length !== 3 || periodic.some((axis) => typeof axis !== "boolean"))
      throw new AtomgradError(
        "SHAPE",
        `cell: pbc is [${periodic.map(String).join(", ")}]; give true or false, once or for each of three directions`,
      );
    this.pbc = [periodic[0], periodic[1], periodic[2]] as [boolean, boolean, boolean];
    if (vectors !== null && !isList(vectors) && !ArrayBuffer.isView(vectors))
      throw wrongArgument("cell", "9 numbers, rows are lattice vectors, or null", vectors);
    if (vectors !== null && vectors.length !== 9)
      throw new AtomgradError(
        "SHAPE",
        `cell: got ${vectors.length} numbers; give 9, rows are lattice vectors`,
      );
    this.vectors = complete(vectors, this.pbc);
    this.inverse = inverseOf(this.vectors);
    const height = (k: number): number =>
      1 / Math.hypot(this.inverse[k], this.inverse[k + 3], this.inverse[k + 6]);
    this.faceDistances = [height(0), height(1), height(2)];
  }

  /** Angstrom^3. Errors: VALUE when a direction is not periodic. */
  get volume(): number {
    const open = this.pbc.indexOf(false);
    if (open >= 0)
      throw new AtomgradError("VALUE", `cell: no volume, direction ${"abc"[open]} is not periodic`);
    return Math.abs(determinant(this.vectors));
  }

  /** [N, 3] angstrom -> [N, 3] in units of the lattice vectors. */
  fractional(positions: ArrayLike<number>): Float64Array {
    return rowsTimes(positions, this.inverse);
  }

  /** [N, 3] in units of the lattice vectors -> [N, 3] angstrom. */
  cartesian(fractions: ArrayLike<number>): Float64Array {
    return rowsTimes(fractions, this.vectors);
  }

  /**
   * Moves atoms into the cell along periodic directions: positions = wrapped + offsets . vectors.
   * Errors: VALUE for atoms so far away that offsets overflow, or not finite.
   */
  wrap(positions: ArrayLike<number>): { wrapped: Float64Array; offsets: Int32Array } {
    const wrapped = Float64Array.from(positions);
    const offsets = new Int32Array(positions.length);
    const fractions = this.fractional(positions);
    for (let k = 0; k < positions.length; k++) {
      const a = k % 3;
      const whole = this.pbc[a] ? Math.floor(fractions[k]) : 0;
      if (!(Math.abs(whole) <= farthest))
        throw new AtomgradError(
          "VALUE",
          `atom ${(k - a) / 3} lies ${whole} cells away along ${"abc"[a]}; check its position`,
        );
      offsets[k] = whole;
      for (let b = 0; b < 3; b++) wrapped[k - a + b] -= whole * this.vectors[3 * a + b];
    }
    return { wrapped, offsets };
  }

  /** Lengths in angstrom and angles in degrees. */
  get parameters(): CellParameters {
    return cellParameters(this.vectors);
  }

  /** A cell of lengths and angles: a along +x, b in the xy plane. Errors: VALUE for angles that no cell has. */
  static fromParameters(parameters: CellParameters, pbc: Pbc = true): Cell {
    return new Cell(cellFromParameters(parameters), pbc);
  }

  /**
   * Displacements [N, 3] in angstrom, each moved by whole lattice vectors of the periodic directions to the shortest of its
   * images; right for any skewed cell. Errors: VALUE for cells too skewed.
   */
  minimumImage(displacements: ArrayLike<number>): Float64Array {
    const { cell } = this.compact();
    return shortestImages(displacements, cell);
  }

  /**
   * Niggli's reduced cell of the same lattice: basis . vectors (the convention for telling lattices apart; `compact` is
   * enough for short vectors). Errors: VALUE when a direction is not periodic.
   */
  niggli(tolerance?: number): { cell: Cell; basis: Int32Array } {
    const open = this.pbc.indexOf(false);
    if (open >= 0)
      throw new AtomgradError("VALUE", `cell: no Niggli cell, direction ${"abc"[open]} is not periodic`);
    const { vectors, basis } = niggliReduction(this.vectors, tolerance);
    return { cell: new Cell(vectors, true), basis };
  }

  /** The same lattice by short vectors: basis . vectors. Errors: VALUE for cells too skewed. */
  compact(): { cell: Cell; basis: Int32Array } {
    const { vectors, basis } = shortLattice(this.vectors, this.pbc);
    const same = basis.every((x, k) => x === Number(k % 4 === 0));
    return { cell: same ? this : new Cell(vectors, this.pbc), basis };
  }
}

/** In a basis of shortest vectors the shortest image is at most one vector from the one with fractions in [-1/2, 1/2]. */
function shortestImages(displacements: ArrayLike<number>, { vectors, inverse, pbc }: Cell): Float64Array {
  const fractions = rowsTimes(displacements, inverse);
  const steps = pbc.map((periodic) => (periodic ? [0, -1, 1] : [0]));
  const out = new Float64Array(displacements.length);
  const lattice = (k: number, factors: readonly number[]): number =>
    factors[0] * vectors[k] + factors[1] * vectors[3 + k] + factors[2] * vectors[6 + k];
  for (let at = 0; at + 2 < displacements.length; at += 3) {
    const near = pbc.map((periodic, k) => (periodic ? -Math.round(fractions[at + k]) : 0));
    let best = Infinity;
    for (const i of steps[0])
      for (const j of steps[1])
        for (const k of steps[2]) {
          const factors = [near[0] + i, near[1] + j, near[2] + k];
          const moved = [0, 1, 2].map((b) => displacements[at + b] + lattice(b, factors));
          const square = moved[0] ** 2 + moved[1] ** 2 + moved[2] ** 2;
          // Images at the same distance to rounding: the first stays.
          if (!(square < best * (1 - 1e-12))) continue;
          best = square;
          out.set(moved, at);
        }
  }
  return out;
}

function inverseOf(vectors: Float64Array): Float64Array {
  const size = [0, 3, 6].reduce((p, k) => p * Math.hypot(vectors[k], vectors[k + 1], vectors[k + 2]), 1);
  if (Math.abs(determinant(vectors)) > flattest * size) return inverse(vectors);
  const shown = Array.from(vectors, (x) => Number(x.toPrecision(4))).join(", ");
  throw new AtomgradError("VALUE", `the periodic cell [${shown}] has no volume; check its lattice vectors`);
}

/**
 * The given vectors of periodic directions, and unit vectors perpendicular to them and each other for the
 * rest.
 */
function complete(given: Matrix3 | null, pbc: readonly boolean[]): Float64Array {
  const vectors = new Float64Array(9);
  const spanned: number[][] = [];
  const isOpen = pbc.includes(false);
  for (let k = 0; k < 3; k++) {
    if (!pbc[k]) continue;
    if (given === null)
      throw new AtomgradError("VALUE", `cell: direction ${"abc"[k]} is periodic, but there is no cell`);
    const row = [given[3 * k], given[3 * k + 1], given[3 * k + 2]];
    if (!row.every(Number.isFinite))
      throw new AtomgradError(
        "VALUE",
        `cell: lattice vector ${"abc"[k]} is [${row.join(", ")}]; give finite numbers`,
      );
    vectors.set(row, 3 * k);
    if (isOpen) spanned.push(perpendicular(row, spanned));
  }
  for (let k = 0; k < 3; k++) {
    if (pbc[k]) continue;
    const candidates = [0, 1, 2].map((axis) =>
      perpendicular(
        [0, 1, 2].map((b) => Number(b === axis)),
        spanned,
      ),
    );
    const longest = candidates.reduce((a, b) => (Math.hypot(...b) > Math.hypot(...a) ? b : a));
    const unit = longest.map((x) => x / Math.hypot(...longest));
    vectors.set(unit, 3 * k);
    spanned.push(unit);
  }
  return vectors;
}

/** The part of v perpendicular to an orthogonal set. */
function perpendicular(v: readonly number[], spanned: readonly number[][]): number[] {
  let rest = [...v];
  for (const b of spanned) {
    const square = b[0] ** 2 + b[1] ** 2 + b[2] ** 2;
    const along = square === 0 ? 0 : (rest[0] * b[0] + rest[1] * b[1] + rest[2] * b[2]) / square;
    rest = rest.map((x, k) => x - along * b[k]);
  }
  return rest;
}
