import { AtomgradError } from "../tensor/error.js";
import { Cell, type Pbc } from "./cell.js";
import { type Matrix3, rowsTimes } from "./matrix3.js";

/** Frames of at most this many atoms are searched pair by pair. */
const fewAtoms = 48;

/** Farther from the origin the squares of distances overflow. */
const farthest = 1e100;

/** Neighbouring cells of a compact cell that hold the nearest image of an atom. */
const around = [-1, 0, 1];

/** The closest two atoms. */
export interface NearestPair {
  readonly i: number;
  readonly j: number;
  /** Angstrom. */
  readonly distance: number;
}

/** What the search needs to know of a lattice. */
interface Lattice {
  readonly cell: Cell;
  /** [n, 3] of the images around the cell, the cell itself among them. */
  readonly translations: Float64Array;
  /** Angstrom between an atom and its nearest image. */
  readonly self: number;
}

/** Finds the closest atoms of one frame after the other; the lattice of the frame before is kept for those that share it. */
export class NearestPairs {
  private last: { readonly vectors: Float64Array; readonly pbc: string; readonly lattice: Lattice } | null =
    null;

  /** As `nearestPair`. */
  find(positions: ArrayLike<number>, vectors: Matrix3 | null, pbc: Pbc): NearestPair | null {
    const atoms = positions.length / 3;
    const isOpen = typeof pbc === "boolean" ? !pbc : !pbc.includes(true);
    if (isOpen) return atoms < 2 ? null : closestIn(Float64Array.from(positions), null);
    const lattice = this.lattice(vectors, pbc);
    return atoms === 0 ? null : closestIn(lattice.cell.wrap(positions).wrapped, lattice);
  }

  private lattice(vectors: Matrix3 | null, pbc: Pbc): Lattice {
    const { last } = this;
    const flags = String(pbc);
    if (
      last !== null &&
      vectors !== null &&
      last.pbc === flags &&
      last.vectors.every((x, k) => x === vectors[k])
    )
      return last.lattice;
    const lattice = latticeOf(vectors, pbc);
    this.last = { vectors: Float64Array.from(vectors!), pbc: flags, lattice };
    return lattice;
  }
}

/**
 * The smallest distance between any two atoms or between an atom and its periodic images; exact for every triclinic
 * cell. Null when there is no pair.
 *
 * @param positions [N, 3] angstrom, finite
 * @param vectors 9 numbers, rows are lattice vectors; only those of periodic directions are used
 *
 * Errors: VALUE when the periodic vectors span no volume, or for atoms beyond 1e100 angstrom.
 */
export function nearestPair(
  positions: ArrayLike<number>,
  vectors: Matrix3 | null,
  pbc: Pbc,
): NearestPair | null {
  return new NearestPairs().find(positions, vectors, pbc);
}

function latticeOf(vectors: Matrix3 | null, pbc: Pbc): Lattice {
  const { cell } = new Cell(vectors, pbc).compact();
  const range = (k: number): readonly number[] => (cell.pbc[k] ? around : [0]);
  const shifts: number[] = [];
  for (const a of range(0)) for (const b of range(1)) for (const c of range(2)) shifts.push(a, b, c);
  const translations = rowsTimes(shifts, cell.vectors);
  return { cell, translations, self: shortestOf(translations) };
}

const unmoved = new Float64Array(3);

/** @param lattice null: no direction is periodic */
function closestIn(wrapped: Float64Array, lattice: Lattice | null): NearestPair {
  const best = { i: 0, j: 0, distance: lattice?.self ?? Infinity };
  const far = wrapped.findIndex((x) => !(Math.abs(x) <= farthest));
  if (far >= 0)
    throw new AtomgradError(
      "VALUE",
      `atom ${Math.floor(far / 3)} lies at ${wrapped[far]} angstrom; check its position`,
    );
  if (wrapped.length <= 3 * fewAtoms) everyPair(wrapped, lattice, best);
  else closestOfMany(wrapped, lattice?.cell ?? null, best);
  return best;
}

interface Best {
  i: number;
  j: number;
  distance: number;
}

function shortestOf(translations: Float64Array): number {
  let shortest = Infinity;
  for (let k = 0; k < translations.length; k += 3) {
    const length = Math.hypot(translations[k], translations[k + 1], translations[k + 2]);
    if (length > 0) shortest = Math.min(shortest, length);
  }
  return shortest;
}

function everyPair(p: Float64Array, lattice: Lattice | null, best: Best): void {
  const translations = lattice?.translations ?? unmoved;
  const mayBeNear = lattice === null ? null : new NearPlanes(p, lattice.cell);
  let square = best.distance ** 2;
  for (let i = 0; 3 * i < p.length; i++)
    for (let j = i + 1; 3 * j < p.length; j++) {
      if (mayBeNear?.pair(i, j, best.distance) === false) continue;
      const x = p[3 * j] - p[3 * i];
      const y = p[3 * j + 1] - p[3 * i + 1];
      const z = p[3 * j + 2] - p[3 * i + 2];
      for (let t = 0; t < translations.length; t += 3) {
        const d =
          (x + translations[t]) ** 2 + (y + translations[t + 1]) ** 2 + (z + translations[t + 2]) ** 2;
        if (d < square) {
          square = d;
          best.i = i;
          best.j = j;
          best.distance = Math.sqrt(d);
        }
      }
    }
}

/** What the planes of a lattice say of pairs of wrapped atoms: no two images are nearer than the planes that they lie in. */
class NearPlanes {
  private readonly fractions: Float64Array;

  constructor(
    wrapped: Float64Array,
    private readonly cell: Cell,
  ) {
    this.fractions = cell.fractional(wrapped);
  }

  /** False where all images of the one atom are farther from the other than `distance`. */
  pair(i: number, j: number, distance: number): boolean {
    const { fractions: f, cell } = this;
    const { faceDistances, pbc } = cell;
    // Rounding must not lose a pair at the margin.
    const limit = (1 + 1e-9) * distance;
    for (let axis = 0; axis < 3; axis++) {
      const apart = Math.abs(f[3 * j + axis] - f[3 * i + axis]);
      const least = pbc[axis] ? Math.min(apart, Math.abs(1 - apart)) : apart;
      if ((least - 1e-12) * faceDistances[axis] > limit) return false;
    }
    return true;
  }
}

/**
 * First without images: atoms go into cubes one by one, each compared with those around it. The edge of the cubes is at most
 * twice the smallest distance so far, so that few share a cube, however the atoms lie (after Golin, Raman, Schwarz and Smid,
 * Nordic Journal of Computing 2, 1995). Then all atoms are compared with the images that are nearer to the cell than the
 * smallest distance.
 */
function closestOfMany(p: Float64Array, cell: Cell | null, best: Best): void {
  const atoms = p.length / 3;
  const start = distanceOf(p, 0, p, 1);
  if (start < best.distance) [best.i, best.j, best.distance] = [0, 1, start];
  if (best.distance === 0) return;
  let cubes = new Cubes(p, best.distance);
  for (let k = 0; k < atoms; k++) {
    const near = cubes.nearest(p, k, best.distance);
    if (near >= 0) {
      [best.i, best.j, best.distance] = [near, k, distanceOf(p, near, p, k)];
      if (best.distance === 0) return;
      if (2 * best.distance < cubes.edge) {
        cubes = new Cubes(p, best.distance);
        for (let earlier = 0; earlier < k; earlier++) cubes.put(earlier);
      }
    }
    cubes.put(k);
  }
  if (cell !== null) compareImages(p, cell, best);
}

function compareImages(p: Float64Array, cell: Cell, best: Best): void {
  let count = 0;
  eachImage(p, cell, best.distance, () => count++);
  const images = new Float64Array(3 * count);
  const owner = new Int32Array(count);
  let at = 0;
  eachImage(p, cell, best.distance, (k, x, y, z) => {
    images.set([x, y, z], 3 * at);
    owner[at++] = k;
  });
  const cubes = new Cubes(images, best.distance);
  for (let k = 0; k < count; k++) cubes.put(k);
  for (let i = 0; 3 * i < p.length && best.distance > 0; i++) {
    const near = cubes.nearest(p, i, best.distance);
    if (near >= 0) [best.i, best.j, best.distance] = [i, owner[near], distanceOf(p, i, images, near)];
  }
}

/** The images of atoms, those in the cell left out, that are no farther from it than `reach`. */
function eachImage(
  p: Float64Array,
  { vectors: v, inverse: w, faceDistances, pbc }: Cell,
  reach: number,
  visit: (k: number, x: number, y: number, z: number) => void,
): void {
  // Rounding must not lose an image at the margin.
  const margin = faceDistances.map((distance) => (1 + 1e-9) * (reach / distance) + 1e-12);
  const [low, high] = [new Int32Array(3), new Int32Array(3)];
  for (let k = 0; 3 * k < p.length; k++) {
    const [x, y, z] = [p[3 * k], p[3 * k + 1], p[3 * k + 2]];
    for (let axis = 0; axis < 3; axis++) {
      if (!pbc[axis]) continue;
      const f = x * w[axis] + y * w[3 + axis] + z * w[6 + axis];
      low[axis] = Math.min(0, Math.ceil(-margin[axis] - f));
      high[axis] = Math.max(0, Math.floor(1 + margin[axis] - f));
    }
    for (let a = low[0]; a <= high[0]; a++)
      for (let b = low[1]; b <= high[1]; b++)
        for (let c = low[2]; c <= high[2]; c++)
          if (a !== 0 || b !== 0 || c !== 0)
            visit(
              k,
              x + a * v[0] + b * v[3] + c * v[6],
              y + a * v[1] + b * v[4] + c * v[7],
              z + a * v[2] + b * v[5] + c * v[8],
            );
  }
}

function distanceOf(p: Float64Array, i: number, q: Float64Array, j: number): number {
  return Math.sqrt(
    (q[3 * j] - p[3 * i]) ** 2 + (q[3 * j + 1] - p[3 * i + 1]) ** 2 + (q[3 * j + 2] - p[3 * i + 2]) ** 2,
  );
}

/** Points by the cubes they lie in. Cubes share places of a table, which costs comparisons but no memory for empty space. */
class Cubes {
  private readonly heads: Int32Array;
  /** The point that was put into the same place before. */
  private readonly before: Int32Array;

  /** @param edge angstrom, above 0 */
  constructor(
    private readonly points: Float64Array,
    readonly edge: number,
  ) {
    const count = Math.max(1, points.length / 3);
    this.heads = new Int32Array(2 ** Math.ceil(Math.log2(count))).fill(-1);
    this.before = new Int32Array(count);
  }

  put(k: number): void {
    const { points, heads, before } = this;
    const at = this.place(
      this.cube(points[3 * k]),
      this.cube(points[3 * k + 1]),
      this.cube(points[3 * k + 2]),
    );
    before[k] = heads[at];
    heads[at] = k;
  }

  /** The point nearest to point `i` of others, if it is nearer than `limit`, which is at most the edge; else -1. */
  nearest(others: Float64Array, i: number, limit: number): number {
    const { points: p, heads, before } = this;
    const [x, y, z] = [others[3 * i], others[3 * i + 1], others[3 * i + 2]];
    const [a, b, c] = [this.cube(x), this.cube(y), this.cube(z)];
    let square = limit ** 2;
    let found = -1;
    for (let n = 0; n < 27; n++) {
      const at = this.place(a - 1 + (n % 3), b - 1 + (Math.floor(n / 3) % 3), c - 1 + Math.floor(n / 9));
      for (let k = heads[at]; k >= 0; k = before[k]) {
        const d = (p[3 * k] - x) ** 2 + (p[3 * k + 1] - y) ** 2 + (p[3 * k + 2] - z) ** 2;
        if (d >= square) continue;
        square = d;
        found = k;
      }
    }
    return found;
  }

  private cube(x: number): number {
    return Math.floor(x / this.edge);
  }

  private place(a: number, b: number, c: number): number {
    const mixed = Math.imul(a, 73856093) ^ Math.imul(b, 19349663) ^ Math.imul(c, 83492791);
    return (mixed ^ (mixed >>> 15)) & (this.heads.length - 1);
  }
}
