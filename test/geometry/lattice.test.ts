import fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { supercell } from "../../src/data/supercell.js";
import { makeStructure } from "../../src/data/structure.js";
import { Cell } from "../../src/geometry/cell.js";
import { determinant, rowsTimes } from "../../src/geometry/matrix3.js";
import { niggliReduction } from "../../src/geometry/niggli.js";
import { errorOf } from "../data/expect-error.js";

interface Record {
  readonly lattices: {
    cell: number[];
    niggli: number[];
    pbc: [boolean, boolean, boolean];
    vectors: number[];
    lengths: number[];
  }[];
  readonly supercells: {
    cell: number[];
    positions: number[];
    matrix: number[];
    big: number[];
    fractions: number[][];
    numbers: number[];
  }[];
}

const ase = JSON.parse(readFileSync("test/fixtures/geometry/niggli.json", "utf8")) as Record;

function expectClose(found: ArrayLike<number>, wanted: ArrayLike<number>, within: number): void {
  expect(found.length).toBe(wanted.length);
  for (let k = 0; k < wanted.length; k++) expect(Math.abs(found[k] - wanted[k])).toBeLessThan(within);
}

describe("Niggli cells", () => {
  it.each(ase.lattices.map(({ cell, niggli }, k) => [k, cell, niggli] as const))(
    "lattice %i has the lengths and angles that ASE finds",
    (_, vectors, wanted) => {
      const { cell, basis } = new Cell(vectors, true).niggli();
      expectClose(cell.parameters, wanted, 1e-5);
      expect(Math.abs(determinant(basis))).toBe(1);
      expectClose(cell.vectors, rowsTimes(basis, vectors), 1e-12);
    },
  );

  it("do not depend on the vectors that were chosen, and stay as they are", () => {
    const entry = fc.double({ min: -1, max: 1, noNaN: true });
    const change = fc.array(fc.tuple(fc.nat(2), fc.nat(2), fc.integer({ min: -3, max: 3 })), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.array(entry, { minLength: 9, maxLength: 9 }), change, (entries, changes) => {
        const vectors = entries.map((x, k) => (k % 4 === 0 ? x + 4 + k / 4 : 2 * x));
        const other = Float64Array.from(vectors);
        for (const [i, j, times] of changes)
          if (i !== j) for (let b = 0; b < 3; b++) other[3 * i + b] += times * other[3 * j + b];
        const first = niggliReduction(vectors);
        const second = niggliReduction(other);
        expectClose(
          new Cell(second.vectors, true).parameters,
          new Cell(first.vectors, true).parameters,
          0.05,
        );
        expect([...niggliReduction(first.vectors).basis]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
      }),
      { numRuns: 300, seed: 20260 },
    );
  });

  it("need three periodic vectors with a volume", () => {
    expect(
      errorOf(() => new Cell([1, 0, 0, 0, 1, 0, 0, 0, 1], [true, true, false]).niggli()).message,
    ).toMatch(/direction c is not periodic/);
    expect(errorOf(() => niggliReduction([1, 0, 0, 0, 1, 0, 1, 1, 0])).message).toMatch(/no volume/);
  });
});

describe("minimum images", () => {
  it.each(ase.lattices.map((lattice, k) => [k, lattice] as const))(
    "of lattice %i are the shortest of all",
    (_, { cell, pbc, vectors, lengths }) => {
      const images = new Cell(cell, pbc).minimumImage(vectors);
      const found = lengths.map((_, k) => Math.hypot(...images.subarray(3 * k, 3 * k + 3)));
      expectClose(found, lengths, 1e-9);
    },
  );

  it("cells from lengths and angles give them back", () => {
    const parameters = [3, 4, 5, 80, 95, 110] as const;
    expectClose(Cell.fromParameters(parameters).parameters, parameters, 1e-12);
  });
});

describe("supercells", () => {
  it.each(ase.supercells.map((entry, k) => [k, entry] as const))("%i hold the atoms of ASE's", (_, entry) => {
    const small = makeStructure({
      atomicNumbers: Int32Array.of(11, 17, 8),
      positions: Float64Array.from(entry.positions),
      cell: Float64Array.from(entry.cell),
      pbc: [true, true, true],
      energy: -2,
      forces: Float64Array.from({ length: 9 }, (_, k) => k),
      virial: new Float64Array(9).fill(3),
      arrays: new Map([["q", { kind: "real", shape: [3], data: Float64Array.of(1, -1, 0) }]]),
    });
    const big = supercell(small, entry.matrix);
    const times = Math.abs(determinant(entry.matrix));
    expectClose(big.cell!, entry.big, 1e-12);
    expect([big.energy, big.virial![0], big.forces!.length]).toEqual([-2 * times, 3 * times, 9 * times]);
    const place = (z: number, f: ArrayLike<number>): string =>
      `${z} ${Array.from(f, (x) => ((Math.round(x * 1e6) % 1e6) + 1e6) % 1e6).join(" ")}`;
    const fractions = new Cell(big.cell, true).fractional(big.positions);
    const found = Array.from(big.atomicNumbers, (z, k) => place(z, fractions.subarray(3 * k, 3 * k + 3)));
    expect(found.sort()).toEqual(entry.numbers.map((z, k) => place(z, entry.fractions[k])).sort());
    expect(big.arrays.get("q")).toMatchObject({ shape: [3 * times] });
  });

  it("refuse what cannot be repeated", () => {
    const slab = makeStructure({
      atomicNumbers: Int32Array.of(1),
      positions: new Float64Array(3),
      cell: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
      pbc: [true, true, false],
    });
    expect(supercell(slab, [2, 2, 1]).atomicNumbers.length).toBe(4);
    expect(errorOf(() => supercell(slab, [1, 1, 2])).message).toMatch(/direction c is not periodic/);
    expect(errorOf(() => supercell(slab, [1, 0, 1])).message).toMatch(/0 cells/);
    expect(errorOf(() => supercell(slab, [1.5, 1, 1])).message).toMatch(/whole numbers/);
    expect(errorOf(() => supercell({ ...slab, cell: null }, [1, 1, 1])).message).toMatch(/no cell/);
  });
});
