import fc from "fast-check";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { getIsa, getThreads, isas, openCpu, setIsa, setThreads } from "../../src/backends/cpu/cpu.js";
import { type NeighborList, neighborList, neighborListOfFrames } from "../../src/geometry/neighbor-list.js";
import { memory, setDefaultDevice } from "../../src/tensor/device.js";
import { compareNeighbors } from "../campaign/neighbors.js";
import { errorOf } from "../data/expect-error.js";
import { bruteForce, type BrutePair, crowd, system, type System } from "./brute-force.js";

openCpu();
setDefaultDevice("cpu");

const listOf = (s: System): NeighborList => neighborList(s.positions, s.cell, s.pbc, s.rcut);

/** i, j, Sx, Sy, Sz of every pair. */
function pairsOf(list: NeighborList): number[][] {
  const [source, target] = list.edgeIndex;
  return Array.from({ length: list.count }, (_, e) => [
    target[e],
    source[e],
    ...list.edgeShift.subarray(3 * e, 3 * e + 3),
  ]);
}

function expectSame(list: NeighborList, wanted: readonly BrutePair[], s: System): void {
  expect(pairsOf(list)).toEqual(wanted.map((p) => [p.i, p.j, ...p.shift]));
  const size = s.positions.reduce((m, x) => Math.max(m, Math.abs(x)), 1);
  let worst = 0;
  const counts = new Int32Array(s.positions.length / 3);
  wanted.forEach((p, e) => {
    counts[p.i]++;
    worst = Math.max(worst, Math.abs(list.distance[e] - p.distance));
    p.vector.forEach((x, b) => (worst = Math.max(worst, Math.abs(list.edgeVector[3 * e + b] - x))));
  });
  expect(worst).toBeLessThanOrEqual(1e-14 * size);
  expect(counts).toEqual(list.ptr.subarray(1).map((end, i) => end - list.ptr[i]));
}

describe("neighborList", () => {
  it("finds what brute force finds, in order, on 200 random systems", () => {
    const seen: Record<string, number> = {};
    fc.assert(
      fc.property(system, (s) => {
        const { pairs, margin } = bruteForce(s);
        // Closer to the cutoff than rounding, either answer is right.
        fc.pre(margin > 1e-11);
        expectSame(listOf(s), pairs, s);
        seen[s.shape] = (seen[s.shape] ?? 0) + 1;
      }),
      { numRuns: 200, seed: 20 },
    );
    expect(Object.keys(seen).length).toBe(8);
  });

  it("finds what brute force finds on 2,000 random systems, some of them searched cell by cell", () => {
    const { systems, undecided } = compareNeighbors(24, 2000);
    expect(systems + undecided).toBe(2000);
    expect(systems).toBeGreaterThan(1900);
  });

  it("finds the same pairs of frames together as one by one", () => {
    fc.assert(
      fc.property(fc.array(system, { maxLength: 6 }), (frames) => {
        const rcut = 2.7;
        const together = neighborListOfFrames(frames, rcut);
        let atom = 0;
        frames.forEach((s, f) => {
          expect(together.framePtr[f]).toBe(atom);
          const alone = neighborList(s.positions, s.cell, s.pbc, rcut);
          const [first, end] = [together.edgePtr[f], together.edgePtr[f + 1]];
          expect(together.edgeIndex[0].subarray(first, end)).toEqual(alone.edgeIndex[0].map((j) => j + atom));
          expect(together.edgeIndex[1].subarray(first, end)).toEqual(alone.edgeIndex[1].map((i) => i + atom));
          expect(together.edgeShift.subarray(3 * first, 3 * end)).toEqual(alone.edgeShift);
          expect(together.edgeVector.subarray(3 * first, 3 * end)).toEqual(alone.edgeVector);
          expect(together.distance.subarray(first, end)).toEqual(alone.distance);
          atom += s.positions.length / 3;
        });
        expect(together.edgePtr[frames.length]).toBe(together.count);
      }),
      { numRuns: 40, seed: 21 },
    );
  });

  it("lists every pair from both sides, with opposite vectors to the bit", () => {
    fc.assert(
      fc.property(system, (s) => {
        const list = listOf(s);
        const at = new Map(pairsOf(list).map((p, e) => [p.join(), e]));
        pairsOf(list).forEach(([i, j, x, y, z], e) => {
          const back = at.get([j, i, -x, -y, -z].map((v) => v + 0).join());
          expect(back).toBeDefined();
          expect(list.distance[back!]).toBe(list.distance[e]);
          for (let b = 0; b < 3; b++)
            expect(list.edgeVector[3 * back! + b]).toBe(0 - list.edgeVector[3 * e + b]);
        });
      }),
      { numRuns: 60, seed: 22 },
    );
  });

  it("finds the same neighbours of atoms moved by whole cells, with offsets that make up for it", () => {
    fc.assert(
      fc.property(
        system,
        fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 24, maxLength: 24 }),
        (s, moves) => {
          fc.pre(s.cell !== null && bruteForce(s).margin > 1e-9);
          const whole = moves.slice(0, s.positions.length).map((m, k) => (s.pbc[k % 3] ? m : 0));
          const moved = s.positions.map(
            (x, k) =>
              x + [0, 1, 2].reduce((sum, a) => sum + whole[k - (k % 3) + a] * s.cell![3 * a + (k % 3)], 0),
          );
          const list = neighborList(moved, s.cell, s.pbc, s.rcut);
          const home = (i: number, j: number, S: number[]) =>
            S.map((x, a) => x + whole[3 * j + a] - whole[3 * i + a]);
          const back = pairsOf(list).map(([i, j, ...S]) => [i, j, ...home(i, j, S)].join());
          expect(back.sort()).toEqual(
            pairsOf(listOf(s))
              .map((p) => p.join())
              .sort(),
          );
        },
      ),
      { numRuns: 60, seed: 23 },
    );
  });

  it("decides strictly at the cutoff, or includes it when asked", () => {
    const cubic = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
    const count = (rcut: number, inclusive: boolean) =>
      neighborList([0.5, 0.25, 0.75], cubic, true, rcut, { inclusive }).count;
    expect([count(1, false), count(1, true)]).toEqual([0, 6]);
    expect([count(2, false), count(2, true)]).toEqual([26, 32]);
    expect([count(3, false), count(3, true)]).toEqual([92, 122]);
    const two = (inclusive: boolean) => neighborList([0, 0, 0, 0, 3, 4], null, false, 5, { inclusive }).count;
    expect([two(false), two(true)]).toEqual([0, 2]);
    // An atom a rounding error outside the cell: its wrapped position is the opposite face.
    expect(neighborList([0, 0, 0, -1e-17, 0, 0], cubic, true, 2, { inclusive: true }).count).toBe(
      2 * (32 + 33),
    );
  });

  it("keeps distinct atoms in one place, and leaves out only an atom itself", () => {
    const list = neighborList([1, 2, 3, 1, 2, 3], null, false, 0.5);
    expect(pairsOf(list)).toEqual([
      [0, 1, 0, 0, 0],
      [1, 0, 0, 0, 0],
    ]);
    expect(list.distance).toEqual(Float64Array.of(0, 0));
  });

  it("has no use for lattice vectors of directions that are not periodic", () => {
    const positions = [0, 0, 0, 0.9, 0, 0];
    const slab = neighborList(positions, [2, 0, 0, 0, 2, 0, 0, 0, 0], [true, true, false], 1.5);
    expect(slab.count).toBe(4);
    const vacuum = neighborList(positions, [2, 0, 0, 0, 2, 0, 1, 1, 20], [true, true, false], 1.5);
    expect(pairsOf(vacuum)).toEqual(pairsOf(slab));
    expect(neighborList(positions, null, false, 1.5).count).toBe(2);
    expect(neighborList([], [2, 0, 0, 0, 2, 0, 0, 0, 2], true, 1.5).count).toBe(0);
  });

  it("searches cells that are skewed beyond use, sorted by the offsets of the given vectors", () => {
    const short = Float64Array.of(3, 0, 0, 0.3, 3.1, 0, 0.2, -0.4, 2.9);
    const [m, n] = [500, -731];
    const skewed = short.map((x, k) => (k < 3 ? x : k < 6 ? x + m * short[k - 3] : x + n * short[k - 3]));
    const positions = [0.1, 0.2, 0.3, 1.7, 1.1, 2.2];
    const plain = neighborList(positions, short, true, 5);
    const list = neighborList(positions, skewed, true, 5);
    expect(list.count).toBe(plain.count);
    // r = S . skewed = S' . short with S'_b = S_b + n S_c, S'_a = S_a + m S_b.
    const back = pairsOf(list).map(([i, j, x, y, z]) => [i, j, x + m * y, y + n * z, z].join());
    expect(back.sort()).toEqual(
      pairsOf(plain)
        .map((p) => p.join())
        .sort(),
    );
    const keys = pairsOf(list);
    for (let e = 1; e < keys.length; e++) {
      const k = keys[e].findIndex((x, a) => x !== keys[e - 1][a]);
      expect(keys[e][k]).toBeGreaterThan(keys[e - 1][k]);
    }
  });

  it("gives the same bits for any number of threads, and leaves no tensor behind", () => {
    const before = getThreads();
    afterAll(() => setThreads(before));
    const positions = Float64Array.from({ length: 3 * 150 }, (_, k) => ((k * 7919) % 10007) / 800);
    const alive = memory("cpu").tensors;
    const lists = [1, 2, 4].map((threads) => {
      setThreads(threads);
      return neighborList(positions, [12, 0, 0, 1, 11, 0, 0, 2, 13], true, 5);
    });
    expect(lists[1]).toEqual(lists[0]);
    expect(lists[2]).toEqual(lists[0]);
    expect(lists[0].count).toBeGreaterThan(5000);
    expect(memory("cpu").tensors).toBe(alive);
  });

  it("gives the same bits on every instruction set", () => {
    const before = getIsa();
    onTestFinished(() => setIsa(before));
    fc.assert(
      fc.property(fc.oneof(system, crowd), (s) => {
        const lists = isas().map((isa) => {
          setIsa(isa);
          return neighborList(s.positions, s.cell, s.pbc, s.rcut);
        });
        for (const list of lists) expect(list).toEqual(lists[0]);
      }),
      { numRuns: 150, seed: 8 },
    );
  });

  it("counts the shells of diamond", () => {
    const a = 3.567;
    const base = [0, 0, 0, 0, 2, 2, 2, 0, 2, 2, 2, 0, 1, 1, 1, 1, 3, 3, 3, 1, 3, 3, 3, 1].map(
      (x) => (x * a) / 4,
    );
    const shells = [4, 12, 12, 6, 12];
    const radii = [3, 8, 11, 16, 19].map((s) => (a * Math.sqrt(s)) / 4);
    let total = 0;
    shells.forEach((n, k) => {
      total += n;
      expect(neighborList(base, [a, 0, 0, 0, a, 0, 0, 0, a], true, radii[k] + 1e-9).count).toBe(8 * total);
    });
  });
});

describe("wrong input", () => {
  const cube = [5, 0, 0, 0, 5, 0, 0, 0, 5];
  it.each([
    ["a cutoff of zero", () => neighborList([0, 0, 0], null, false, 0), "VALUE", /rcut is 0/],
    ["an infinite cutoff", () => neighborList([0, 0, 0], cube, true, Infinity), "VALUE", /rcut is Infinity/],
    ["a NaN position", () => neighborList([0, 0, 0, 1, NaN, 2], null, false, 2), "VALUE", /atom 1 is NaN/],
    ["half a row", () => neighborList([0, 0], null, false, 2), "SHAPE", /2 coordinates/],
    [
      "a cell without volume",
      () => neighborList([0, 0, 0], [1, 0, 0, 2, 0, 0, 0, 0, 1], true, 2),
      "VALUE",
      /no volume/,
    ],
    ["a zero cell", () => neighborList([0, 0, 0], new Float64Array(9), true, 2), "VALUE", /no volume/],
    [
      "two parallel periodic vectors",
      () => neighborList([0, 0, 0], [1, 0, 0, 2, 0, 0, 0, 0, 1], [true, true, false], 2),
      "VALUE",
      /no volume/,
    ],
    [
      "no cell",
      () => neighborList([0, 0, 0], null, [false, true, false], 2),
      "VALUE",
      /direction b is periodic, but there is no cell/,
    ],
    [
      "a NaN cell",
      () => neighborList([0, 0, 0], [5, 0, 0, 0, NaN, 0, 0, 0, 5], true, 2),
      "VALUE",
      /lattice vector b/,
    ],
    [
      "eight cell numbers",
      () => neighborList([0, 0, 0], [5, 0, 0, 0, 5, 0, 0, 0], true, 2),
      "SHAPE",
      /8 numbers/,
    ],
    ["an atom beyond reach", () => neighborList([1e300, 0, 0], cube, true, 2), "VALUE", /atom 0 lies/],
    [
      "a cell in metres",
      () =>
        neighborList(
          [0, 0, 0],
          cube.map((x) => x * 1e-10),
          true,
          2,
        ),
      "VALUE",
      /images of the cell; check the cell and its units/,
    ],
    [
      "a bad frame",
      () =>
        neighborListOfFrames(
          [
            { positions: [0, 0, 0], cell: null, pbc: false },
            { positions: [NaN, 0, 0], cell: null, pbc: false },
          ],
          2,
        ),
      "VALUE",
      /frame 1: position of atom 0/,
    ],
  ])("is refused: %s", (_name, run, code, says) => {
    const error = errorOf(run);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(says);
  });
});
