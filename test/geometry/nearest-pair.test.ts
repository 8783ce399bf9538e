import { describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import type { Pbc } from "../../src/geometry/cell.js";
import { nearestPair } from "../../src/geometry/nearest-pair.js";
import { neighborList } from "../../src/geometry/neighbor-list.js";

openCpu();

let state = 12345;
const random = (): number => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return state / 2 ** 32;
};

describe("the nearest pair of atoms", () => {
  it.each([1, 2, 7, 48, 49, 200])(
    "equals the smallest distance of the neighbour list (%i atoms)",
    (atoms) => {
      for (let round = 0; round < 40; round++) {
        const size = 2 + 10 * random();
        const skew = round % 4 === 0 ? 6 : 0.8;
        const cell = Array.from({ length: 9 }, (_, k) =>
          k % 4 === 0 ? size : size * skew * (random() - 0.5),
        );
        const pbc: Pbc = [round % 2 === 0, round % 3 !== 1, round % 5 !== 2];
        const positions = Array.from({ length: 3 * atoms }, () => (3 * random() - 1) * size);
        let found;
        try {
          found = nearestPair(positions, cell, pbc);
        } catch {
          continue;
        }
        if (found === null) {
          expect(atoms).toBe(1);
          continue;
        }
        const { distance } = neighborList(positions, cell, pbc, found.distance * (1 + 1e-9), {
          inclusive: true,
        });
        expect(distance.length).toBeGreaterThan(0);
        expect(found.distance).toBeCloseTo(Math.min(...distance), 10);
      }
    },
  );

  it("has no pair for one atom without periodic directions, and its own image else", () => {
    expect(nearestPair([0, 0, 0], null, false)).toBeNull();
    expect(nearestPair([0, 0, 0], [5, 0, 0, 0, 4, 0, 0, 0, 9], true)!.distance).toBe(4);
  });

  it("finds atoms at one place, also many of them", () => {
    expect(nearestPair(new Float64Array(3000), null, false)!.distance).toBe(0);
    expect(nearestPair(new Float64Array(3e6), [9, 0, 0, 0, 9, 0, 0, 0, 9], true)!.distance).toBe(0);
  });

  it("takes no longer where nearly all of many atoms crowd together", () => {
    const atoms = 200_000;
    const crowd = Float64Array.from({ length: 3 * atoms }, () => 1e-3 * random());
    crowd.set([900, 900, 900]);
    const cell = [1000, 0, 0, 0, 1000, 0, 0, 0, 1000];
    const start = process.cpuUsage();
    const { distance, i, j } = nearestPair(crowd, cell, true)!;
    const { user, system } = process.cpuUsage(start);
    const between = (k: number): number => crowd[3 * i + k] - crowd[3 * j + k];
    expect(Math.hypot(between(0), between(1), between(2))).toBeCloseTo(distance, 12);
    expect(distance).toBeLessThan(1e-6);
    expect((user + system) / 1e6).toBeLessThan(5);
  });

  it("refuses atoms so far away that no square of a distance is finite", () => {
    expect(() => nearestPair([0, 0, 0, 1e200, 0, 0], null, false)).toThrow(/atom 1 lies at 1e\+?200/);
  });
});
