import fc from "fast-check";
import type { AtomsInCell } from "../../src/geometry/search-space.js";

export type Triple<T> = readonly [T, T, T];

/** A random structure and a cutoff. */
export interface System extends AtomsInCell {
  readonly positions: Float64Array;
  readonly cell: Float64Array | null;
  readonly pbc: Triple<boolean>;
  readonly rcut: number;
  readonly shape: string;
}

const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const rows = (min: number, max: number) => fc.array(number(min, max), { minLength: 9, maxLength: 9 });

/** Cells by what makes them hard. Vectors of non-periodic directions may be anything. */
const shapes: Record<string, fc.Arbitrary<number[]>> = {
  cube: number(1, 8).map((a) => [a, 0, 0, 0, a, 0, 0, 0, a]),
  random: rows(-1, 1).map((m) => m.map((x, k) => 2 * x + (k % 4 === 0 ? 4 : 0))),
  leftHanded: rows(-1, 1).map((m) => m.map((x, k) => x + [0, 4, 0, 3.5, 0, 0, 0, 0, 5][k])),
  needle: fc.tuple(number(0.5, 1), number(8, 30)).map(([a, c]) => [a, 0, 0, 0.2, a, 0, 0, 0.3, c]),
  plate: fc.tuple(number(6, 12), number(0.6, 1)).map(([a, c]) => [a, 0.1, 0, -1, a, 0, 0.2, 0.3, c]),
  tiny: number(0.4, 0.8).map((a) => [a, 0.1, 0, 0, a, 0.1, 0.1, 0, a]),
  sheared: fc
    .tuple(number(2, 4), number(-12, 12), number(-9, 9))
    .map(([a, s, t]) => [a, 0, 0, s, a, 0, t, s, a]),
  hexagonal: number(2, 5).map((a) => [a, 0, 0, -a / 2, (a * Math.sqrt(3)) / 2, 0, 0, 0, 1.6 * a]),
};

function volumeOf(m: ArrayLike<number>): number {
  return (
    m[0] * (m[4] * m[8] - m[5] * m[7]) -
    m[1] * (m[3] * m[8] - m[5] * m[6]) +
    m[2] * (m[3] * m[7] - m[4] * m[6])
  );
}

/** Random systems with 0 to 8 atoms inside, outside, on top of each other and on the faces of the cell. */
export const system: fc.Arbitrary<System> = fc
  .record({
    shape: fc.constantFrom(...Object.keys(shapes)),
    pbc: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    count: fc.nat(8),
    spread: fc.constantFrom(0.5, 1, 1, 3, 1000),
    duplicate: fc.boolean(),
    grid: fc.boolean(),
    erase: fc.boolean(),
    missing: fc.boolean(),
    scale: number(0.3, 1),
  })
  .chain((s) =>
    fc.record({
      cell: shapes[s.shape],
      fractions: fc.array(number(-s.spread, s.spread), { minLength: 3 * s.count, maxLength: 3 * s.count }),
      settings: fc.constant(s),
    }),
  )
  .filter(({ cell }) => Math.abs(volumeOf(cell)) > 0.05)
  .map(({ cell, fractions, settings: { shape, pbc, duplicate, grid, erase, missing, scale } }) => {
    const f = grid ? fractions.map((x) => Math.round(4 * x) / 4) : [...fractions];
    if (duplicate && f.length >= 6) f.splice(3, 3, f[0], f[1], f[2]);
    const positions = new Float64Array(f.length);
    for (let k = 0; k < f.length; k += 3)
      for (let b = 0; b < 3; b++)
        positions[k + b] = f[k] * cell[b] + f[k + 1] * cell[3 + b] + f[k + 2] * cell[6 + b];
    const vectors = cell.map((x, k) => (erase && !pbc[Math.floor(k / 3)] ? 0 : x));
    const none = missing && !pbc.some(Boolean);
    // About as many images as make a brute-force search worth waiting for.
    const periodic = pbc.filter(Boolean).length;
    const reach =
      (shape === "cube" || shape === "random" || shape === "hexagonal" ? 7 : 3.5) *
      (periodic === 3 ? 1 : 1.3);
    return { positions, cell: none ? null : Float64Array.from(vectors), pbc, rcut: reach * scale, shape };
  });

/** Random systems of 96 to 160 atoms, enough to be searched cell by cell, with clusters, duplicates and atoms far outside. */
export const crowd: fc.Arbitrary<System> = fc
  .record({
    shape: fc.constantFrom("cube", "random", "leftHanded", "sheared", "hexagonal", "plate"),
    pbc: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    count: fc.integer({ min: 96, max: 160 }),
    seed: fc.integer(),
    spread: fc.constantFrom(0.5, 1, 4, 300),
    grid: fc.boolean(),
    clustered: fc.boolean(),
    rcut: number(0.5, 3),
  })
  .chain((s) => fc.record({ cell: shapes[s.shape], settings: fc.constant(s) }))
  .filter(({ cell }) => Math.abs(volumeOf(cell)) > 0.5)
  .map(({ cell, settings: { shape, pbc, count, seed, spread, grid, clustered, rcut } }) => {
    let state = seed >>> 0;
    const uniform = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    const positions = new Float64Array(3 * count);
    for (let k = 0; k < positions.length; k += 3) {
      const width = clustered && k % 2 === 0 ? 0.1 : 1;
      const f = [0, 1, 2].map(() => (2 * uniform() - 1) * spread * width);
      if (grid) f.forEach((x, b) => (f[b] = Math.round(6 * x) / 6));
      for (let b = 0; b < 3; b++)
        positions[k + b] = 2 * (f[0] * cell[b] + f[1] * cell[3 + b] + f[2] * cell[6 + b]);
    }
    return { positions, cell: Float64Array.from(cell, (x) => 2 * x), pbc, rcut, shape };
  });

export interface BrutePair {
  readonly i: number;
  readonly j: number;
  readonly shift: Triple<number>;
  readonly vector: Triple<number>;
  readonly distance: number;
}

type Vector = [number, number, number];

const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** The periodic vectors, completed by vectors perpendicular to them. */
function basisOf(cell: Float64Array | null, pbc: Triple<boolean>): Vector[] {
  const axes = [0, 1, 2].filter((k) => pbc[k]);
  const row = (k: number): Vector => [cell![3 * k], cell![3 * k + 1], cell![3 * k + 2]];
  const any = (v: Vector): Vector => cross(v, Math.abs(v[0]) < Math.hypot(...v) / 2 ? [1, 0, 0] : [0, 1, 0]);
  const given = axes.map(row);
  if (given.length === 0) given.push([1, 0, 0]);
  if (given.length === 1) given.push(any(given[0]));
  if (given.length === 2) given.push(cross(given[0], given[1]));
  const order = [...axes, ...[0, 1, 2].filter((k) => !pbc[k])];
  const rows: Vector[] = [];
  order.forEach((k, n) => (rows[k] = given[n]));
  return rows;
}

/**
 * All pairs by trying, for each pair of atoms, every offset of a box around the nearest one: the contract
 * itself, sorted. `margin` says how close to the cutoff the nearest pair lies.
 */
export function bruteForce({ positions, cell, pbc, rcut }: System): { pairs: BrutePair[]; margin: number } {
  const rows = basisOf(cell, pbc);
  const volume = dot(rows[0], cross(rows[1], rows[2]));
  const normals = [cross(rows[1], rows[2]), cross(rows[2], rows[0]), cross(rows[0], rows[1])];
  const reach = normals.map((n, a) =>
    pbc[a] ? Math.ceil((rcut * Math.hypot(...n)) / Math.abs(volume)) + 1 : 0,
  );
  const pairs: BrutePair[] = [];
  let margin = Infinity;
  const n = positions.length / 3;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const d: Vector = [0, 1, 2].map((b) => positions[3 * j + b] - positions[3 * i + b]) as Vector;
      const home = normals.map((normal, a) => (pbc[a] ? -Math.round(dot(d, normal) / volume) : 0));
      for (let x = home[0] - reach[0]; x <= home[0] + reach[0]; x++)
        for (let y = home[1] - reach[1]; y <= home[1] + reach[1]; y++)
          for (let z = home[2] - reach[2]; z <= home[2] + reach[2]; z++) {
            if (i === j && x === 0 && y === 0 && z === 0) continue;
            const v = d.map((c, b) => c + x * rows[0][b] + y * rows[1][b] + z * rows[2][b]) as Vector;
            const distance = Math.hypot(...v);
            margin = Math.min(margin, Math.abs(distance - rcut));
            if (distance < rcut) pairs.push({ i, j, shift: [x, y, z], vector: v, distance });
          }
    }
  return { pairs, margin };
}
