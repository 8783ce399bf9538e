import fc from "fast-check";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { neighborList } from "../../src/geometry/neighbor-list.js";
import { bruteForce, crowd, system } from "../geometry/brute-force.js";

export interface NeighborCounts {
  readonly systems: number;
  readonly pairs: number;
  /** Systems left out: a pair closer to the cutoff than rounding. */
  readonly undecided: number;
}

/** Random systems against brute force: the same pairs in the same order. Throws at the first difference, shrunk. */
export function compareNeighbors(seed: number, systems: number): NeighborCounts {
  openCpu();
  const counts = { systems: 0, pairs: 0, undecided: 0 };
  fc.assert(
    fc.property(fc.oneof({ weight: 15, arbitrary: system }, { weight: 1, arbitrary: crowd }), (s) => {
      const { pairs, margin } = bruteForce(s);
      if (margin <= 1e-11) {
        counts.undecided++;
        return;
      }
      const list = neighborList(s.positions, s.cell, s.pbc, s.rcut);
      const [source, target] = list.edgeIndex;
      const found = Array.from(source, (j, e) =>
        [target[e], j, ...list.edgeShift.subarray(3 * e, 3 * e + 3)].join(),
      );
      const wanted = pairs.map((p) => [p.i, p.j, ...p.shift].join());
      if (found.join(";") !== wanted.join(";")) throw new Error("the pairs differ from brute force");
      counts.systems++;
      counts.pairs += wanted.length;
    }),
    { numRuns: systems, seed },
  );
  return counts;
}
