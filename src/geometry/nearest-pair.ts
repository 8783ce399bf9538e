import { Cell, type Pbc } from "./cell.js";
import { cross, type Matrix3, rowsTimes } from "./matrix3.js";

/** Frames of at most this many atoms are searched pair by pair. */
const fewAtoms = 48;

/** Neighbouring cells of a compact cell that hold the nearest image of an atom. */
const around = [-1, 0, 1];

/** The closest two atoms. */
export interface NearestPair {
  readonly i: number;
  readonly j: number;
  /** Angstrom. */
  readonly distance: number;
}

/**
 * The smallest distance between any two atoms or between an atom and its periodic images; exact for every triclinic
 * cell. Null when there is no pair.
 *
 * @param positions [N, 3] angstrom, finite
 * @param vectors 9 numbers, rows are lattice vectors; only those of periodic directions are used
 *
 * Errors: VALUE when the periodic vectors span no volume.
 */
export function nearestPair(
  positions: ArrayLike<number>,
  vectors: Matrix3 | null,
  pbc: Pbc,
): NearestPair | null {
  const atoms = positions.length / 3;
  const flags = typeof pbc === "boolean" ? [pbc, pbc, pbc] : pbc;
  const { cell } = new Cell(vectors, pbc).compact();
  const range = (k: number): readonly number[] => (flags[k] ? around : [0]);
  const shifts: number[] = [];
  for (const a of range(0)) for (const b of range(1)) for (const c of range(2)) shifts.push(a, b, c);
  const translations = rowsTimes(shifts, cell.vectors);
  const self = shortestOf(translations);
  if (atoms === 0 || (atoms === 1 && self === Infinity)) return null;
  const best = { i: 0, j: 0, distance: self };
  const { wrapped } = cell.wrap(positions);
  if (atoms <= fewAtoms) everyPair(wrapped, translations, best);
  else binned(wrapped, cell, flags, best);
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

function everyPair(p: Float64Array, translations: Float64Array, best: Best): void {
  let square = best.distance ** 2;
  for (let i = 0; 3 * i < p.length; i++)
    for (let j = i + 1; 3 * j < p.length; j++) {
      const [x, y, z] = [p[3 * j] - p[3 * i], p[3 * j + 1] - p[3 * i + 1], p[3 * j + 2] - p[3 * i + 2]];
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

/**
 * Atoms and their images near the cell in cubes of edge `reach`, which grows until the nearest pair is closer than
 * that. It begins at what densely packed atoms would need, or an angstrom for clusters in a large cell.
 */
function binned(wrapped: Float64Array, cell: Cell, flags: readonly boolean[], best: Best): void {
  const atoms = wrapped.length / 3;
  const space = boundingVolume(wrapped, cell, flags);
  for (let reach = Math.min(best.distance, 1, 1.2 * Math.cbrt(space / atoms)); ; reach *= 1.5) {
    const limit = Math.min(reach, best.distance);
    searchCubes(wrapped, cell, flags, limit, best);
    if (best.distance <= limit) return;
  }
}

/** Cells count in periodic directions, the extent of the atoms (at least 1 angstrom) in others. */
function boundingVolume(wrapped: Float64Array, cell: Cell, flags: readonly boolean[]): number {
  const fractions = cell.fractional(wrapped);
  const extent = [0, 1, 2].map((k) => {
    if (flags[k]) return 1;
    let [low, high] = [Infinity, -Infinity];
    for (let at = k; at < fractions.length; at += 3) {
      low = Math.min(low, fractions[at]);
      high = Math.max(high, fractions[at]);
    }
    return Math.max(1, high - low);
  });
  const [a, b, c] = [0, 3, 6].map((k) => cell.vectors.subarray(k, k + 3));
  const n = cross(a, b);
  return Math.abs(n[0] * c[0] + n[1] * c[1] + n[2] * c[2]) * extent[0] * extent[1] * extent[2];
}

function searchCubes(
  p: Float64Array,
  cell: Cell,
  flags: readonly boolean[],
  reach: number,
  best: Best,
): void {
  const images = withImages(p, cell, flags, reach);
  const cubes = new Map<number, number[]>();
  const coordinate = (x: number): number => Math.floor(x / reach);
  const key = (a: number, b: number, c: number): number => (a * 73856093) ^ (b * 19349663) ^ (c * 83492791);
  for (let k = 0; k < images.owner.length; k++) {
    const at = key(...([0, 1, 2].map((b) => coordinate(images.at[3 * k + b])) as [number, number, number]));
    const cube = cubes.get(at);
    if (cube === undefined) cubes.set(at, [k]);
    else cube.push(k);
  }
  const atoms = p.length / 3;
  for (let i = 0; i < atoms && best.distance > 0; i++) {
    const [x, y, z] = [p[3 * i], p[3 * i + 1], p[3 * i + 2]];
    for (const a of around)
      for (const b of around)
        for (const c of around)
          for (const k of cubes.get(key(coordinate(x) + a, coordinate(y) + b, coordinate(z) + c)) ?? []) {
            if (k === i) continue;
            const d = Math.hypot(images.at[3 * k] - x, images.at[3 * k + 1] - y, images.at[3 * k + 2] - z);
            if (d < best.distance) Object.assign(best, { i, j: images.owner[k], distance: d });
          }
  }
}

/** The atoms themselves first, then their images within reach of the cell. */
function withImages(
  p: Float64Array,
  cell: Cell,
  flags: readonly boolean[],
  reach: number,
): { at: number[]; owner: number[] } {
  const at = Array.from(p);
  const owner = Array.from({ length: p.length / 3 }, (_, k) => k);
  const fractions = cell.fractional(p);
  const margin = [0, 1, 2].map((k) => (flags[k] ? reach / cell.faceDistances[k] : 0));
  const counts = margin.map((m, k) => (flags[k] ? Math.ceil(m) : 0));
  const { vectors: v } = cell;
  for (let a = -counts[0]; a <= counts[0]; a++)
    for (let b = -counts[1]; b <= counts[1]; b++)
      for (let c = -counts[2]; c <= counts[2]; c++) {
        if (a === 0 && b === 0 && c === 0) continue;
        const shift = [a, b, c];
        for (let k = 0; 3 * k < p.length; k++) {
          const inside = shift.every((s, axis) => {
            const f = fractions[3 * k + axis] + s;
            return s === 0 || (f >= -margin[axis] && f <= 1 + margin[axis]);
          });
          if (!inside) continue;
          for (let x = 0; x < 3; x++) at.push(p[3 * k + x] + a * v[x] + b * v[3 + x] + c * v[6 + x]);
          owner.push(k);
        }
      }
  return { at, owner };
}
