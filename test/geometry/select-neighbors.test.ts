import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { neighborList } from "../../src/geometry/neighbor-list.js";
import { selectNeighbors, TypePairSet } from "../../src/geometry/select-neighbors.js";
import { sortByKey } from "../../src/geometry/sort-by-key.js";
import { system } from "./brute-force.js";

openCpu();

/** The common geometry of the specification's fixtures (section 6): two water molecules in a cube of 13 A. */
const water = {
  positions: [
    [12.83, 2.56, 2.18],
    [12.09, 2.87, 2.74],
    [0.25, 3.32, 1.68],
    [3.36, 3.0, 1.81],
    [3.51, 2.51, 2.6],
    [4.27, 3.22, 1.56],
  ].flat(),
  cell: [13, 0, 0, 0, 13, 0, 0, 0, 13],
  types: Int32Array.of(0, 1, 1, 0, 1, 1),
};

describe("selectNeighbors", () => {
  it.each(["some pairs excluded or removed", "all types alike"])(
    "keeps the nearest of any type: %s",
    (which) => {
      const isPlain = which === "all types alike";
      const settings = fc.record({
        sel: isPlain ? fc.constantFrom(1, 5, 30, 300) : fc.nat(30),
        types: fc.array(fc.integer({ min: isPlain ? 0 : -1, max: isPlain ? 0 : 2 }), {
          minLength: 8,
          maxLength: 8,
        }),
      });
      fc.assert(
        fc.property(system, settings, (s, { sel, types: all }) => {
          const types = Int32Array.from(all.slice(0, s.positions.length / 3));
          const list = neighborList(s.positions, s.cell, s.pbc, s.rcut, { inclusive: true });
          const rules = isPlain
            ? {}
            : { excluded: new TypePairSet([[0, 1]], 3), removed: new TypePairSet([[2, 2]], 3) };
          const found = selectNeighbors(list, types, sel, rules);
          let [largest, nearest] = [0, Infinity];
          types.forEach((type, i) => {
            const edges = Array.from({ length: list.ptr[i + 1] - list.ptr[i] }, (_, k) => list.ptr[i] + k);
            const other = (e: number) => types[list.edgeIndex[0][e]];
            const all = edges.filter((e) => type >= 0 && other(e) >= 0 && !(type === 2 && other(e) === 2));
            largest = Math.max(largest, all.length);
            for (const e of all) nearest = Math.min(nearest, list.distance[e]);
            if (all.length > sel) all.sort((a, b) => list.distance[a] - list.distance[b] || a - b);
            const slots = all.slice(0, sel);
            const kept = slots.filter((e) => type + other(e) !== 1 || type === other(e));
            const [first, end] = [found.ptr[i], found.ptr[i + 1]];
            expect([...found.neighbour.subarray(first, end)]).toEqual(kept.map((e) => list.edgeIndex[0][e]));
            expect([...found.vector.subarray(3 * first, 3 * end)]).toEqual(
              kept.flatMap((e) => [...list.edgeVector.subarray(3 * e, 3 * e + 3)]),
            );
            expect([...found.centre.subarray(first, end)]).toEqual(kept.map(() => i));
            expect(found.excluded[i]).toBe(slots.length - kept.length);
          });
          expect(found.largest).toBe(largest);
          expect(found.minDistance).toBe(nearest);
        }),
        { numRuns: 100, seed: 5 },
      );
    },
  );

  it("finds the neighbours the specification counts (6.1)", () => {
    const { positions, cell, types } = water;
    const list = neighborList(positions, cell, true, 6, { inclusive: true });
    const chosen = selectNeighbors(list, types, 120);
    const counts = [...types].map((_, i) => {
      const row = chosen.neighbour.subarray(chosen.ptr[i], chosen.ptr[i + 1]);
      return [0, 1].map((t) => row.filter((j) => types[j] === t).length);
    });
    expect(counts).toEqual([
      [1, 4],
      [2, 3],
      [2, 3],
      [1, 4],
      [2, 3],
      [2, 3],
    ]);
    expect(chosen.largest).toBe(5);
    const distance = (k: number) => Math.hypot(...chosen.vector.subarray(3 * k, 3 * k + 3));
    const own = [...chosen.neighbour.subarray(0, chosen.ptr[1])];
    expect(distance(own.indexOf(1))).toBeCloseTo(0.9784170889758634, 14);
    expect(distance(own.indexOf(3))).toBeCloseTo(3.5765066755145285, 14);
  });

  it("does not see virtual atoms", () => {
    const list = neighborList([...water.positions, 1, 1, 1, 2, 2, 2], water.cell, true, 6);
    const chosen = selectNeighbors(list, Int32Array.of(...water.types, -1, -1), 120);
    const plain = selectNeighbors(neighborList(water.positions, water.cell, true, 6), water.types, 120);
    expect([...chosen.ptr]).toEqual([...plain.ptr, plain.ptr[6], plain.ptr[6]]);
    expect(chosen.neighbour).toEqual(plain.neighbour);
    expect(chosen.vector).toEqual(plain.vector);
  });
});

describe("sortByKey", () => {
  it("sorts as a stable sort does, at every length", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 200 }), (values) => {
        const keys = Float64Array.from(values, (x) => x / 7);
        const wanted = values.map((_, k) => k).sort((a, b) => keys[a] - keys[b] || a - b);
        const items = Int32Array.from(values, (_, k) => k);
        sortByKey(items, items.length, keys, new Int32Array(items.length));
        expect([...items]).toEqual(wanted);
      }),
      { numRuns: 300, seed: 6 },
    );
  });
});
