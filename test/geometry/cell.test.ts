import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Cell } from "../../src/geometry/cell.js";
import { determinant } from "../../src/geometry/matrix3.js";
import { errorOf } from "../data/expect-error.js";
import { system } from "./brute-force.js";

const close = (found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void => {
  expect(found.length).toBe(wanted.length);
  for (let k = 0; k < wanted.length; k++)
    expect(Math.abs(found[k] - wanted[k])).toBeLessThanOrEqual(tolerance);
};

describe("Cell", () => {
  const triclinic = [4, 0.3, -0.2, 1, 5, 0.4, -0.6, 0.7, 6];

  it("knows volume, inverse and the distances between its faces", () => {
    const cell = new Cell(triclinic, true);
    const [a, b, c] = [0, 3, 6].map((k) => triclinic.slice(k, k + 3));
    const cross = (u: number[], v: number[]) => [
      u[1] * v[2] - u[2] * v[1],
      u[2] * v[0] - u[0] * v[2],
      u[0] * v[1] - u[1] * v[0],
    ];
    const volume = cross(a, b).reduce((sum, x, k) => sum + x * c[k], 0);
    expect(cell.volume).toBeCloseTo(volume, 12);
    close(
      cell.faceDistances,
      [cross(b, c), cross(c, a), cross(a, b)].map((n) => volume / Math.hypot(...n)),
      1e-13,
    );
    close(cell.fractional(cell.vectors), [1, 0, 0, 0, 1, 0, 0, 0, 1], 1e-15);
    expect(new Cell([0, 2, 0, 3, 0, 0, 0, 0, 4], true).volume).toBe(24); // left-handed
  });

  it("completes directions that are not periodic with perpendicular unit vectors", () => {
    const wire = new Cell([0, 0, 0, 1, 2, 2, 0, 0, 0], [false, true, false]);
    const dot = (k: number, l: number) =>
      [0, 1, 2].reduce((s, b) => s + wire.vectors[3 * k + b] * wire.vectors[3 * l + b], 0);
    close([dot(0, 0), dot(2, 2), dot(0, 1), dot(1, 2), dot(0, 2), dot(1, 1)], [1, 1, 0, 0, 0, 9], 1e-14);
    expect([...new Cell(null, false).vectors]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    expect(wire.faceDistances[1]).toBeCloseTo(3, 14);
  });

  it("goes to fractions and back, and wraps atoms by whole cells", () => {
    fc.assert(
      fc.property(system, (s) => {
        const cell = new Cell(s.cell, s.pbc);
        const size = s.positions.reduce((m, x) => Math.max(m, Math.abs(x)), 1);
        close(cell.cartesian(cell.fractional(s.positions)), s.positions, 1e-11 * size);
        const { wrapped, offsets } = cell.wrap(s.positions);
        const moved = cell.cartesian(Float64Array.from(offsets));
        close(
          wrapped.map((x, k) => x + moved[k]),
          s.positions,
          1e-12 * size,
        );
        cell.fractional(wrapped).forEach((f, k) => {
          if (s.pbc[k % 3]) expect(Math.abs(f - 0.5)).toBeLessThanOrEqual(0.5 + 1e-10 * size);
          else expect(offsets[k]).toBe(0);
        });
      }),
      { numRuns: 100, seed: 3 },
    );
  });

  it("finds short vectors of the same lattice", () => {
    fc.assert(
      fc.property(system, (s) => {
        const cell = new Cell(s.cell, s.pbc);
        const { cell: short, basis } = cell.compact();
        expect(determinant(basis)).toBe(1);
        close([Math.abs(determinant(short.vectors))], [Math.abs(determinant(cell.vectors))], 1e-9);
        const length = (c: Cell, k: number) => Math.hypot(...c.vectors.subarray(3 * k, 3 * k + 3));
        for (let k = 0; k < 3; k++) expect(length(short, k)).toBeLessThanOrEqual(length(cell, k));
        // No sum of the others, and no other, makes a vector shorter.
        for (const [x, y, z] of [
          [1, 1, 0],
          [1, -1, 0],
          [1, 0, 1],
          [1, 0, -1],
          [0, 1, 1],
          [0, 1, -1],
          [1, 1, 1],
          [1, 1, -1],
          [1, -1, 1],
          [-1, 1, 1],
        ]) {
          const used = [x, y, z].map((m, k) => ({ m, k })).filter(({ m }) => m !== 0);
          if (!used.every(({ k }) => s.pbc[k])) continue;
          const sum = Math.hypot(...short.cartesian([x, y, z]));
          for (const { k } of used) expect(sum).toBeGreaterThanOrEqual(length(short, k) * (1 - 1e-8));
        }
      }),
      { numRuns: 100, seed: 4 },
    );
    const square = new Cell([3, 0, 0, 0, 3, 0, 0, 0, 3], true).compact();
    expect([...square.basis]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    const hexagonal = new Cell([2, 0, 0, -1, Math.sqrt(3), 0, 0, 0, 5], true).compact();
    expect([...hexagonal.basis]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });

  it("refuses what has no volume, with names", () => {
    expect(errorOf(() => new Cell([1, 0, 0, 0, 1, 0, 1, 1, 0], true)).message).toMatch(
      /no volume; check its lattice/,
    );
    expect(errorOf(() => new Cell(new Float64Array(9), [true, true, false])).message).toMatch(/no volume/);
    expect(errorOf(() => new Cell([1, 0, 0, 0, Infinity, 0, 0, 0, 1], true)).message).toMatch(
      /vector b is \[0, Infinity, 0\]/,
    );
    expect(errorOf(() => new Cell([1, 2, 3], true)).code).toBe("SHAPE");
    expect(errorOf(() => new Cell(null, [false, false, true])).message).toMatch(/direction c is periodic/);
    expect(errorOf(() => new Cell(triclinic, [true, true, false]).volume).message).toMatch(
      /direction c is not periodic/,
    );
    expect(errorOf(() => new Cell([1, 0, 0, 1e10, 1, 0, 0, 0, 1], [true, true, false]).compact()).code).toBe(
      "VALUE",
    );
  });
});
