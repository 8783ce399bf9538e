import { neighborList, type NeighborList, setThreads, VerletList } from "../../src/index.js";
import type { Bench, Workload } from "../bench.js";
import { bytesPerPair, cube, diamond, everywhere, lattice } from "./neighbors.js";
import { uniform } from "./uniform.js";

interface Structure {
  readonly positions: Float64Array;
  readonly cell: number[];
}

/** As many atoms as 64 molecules of water have, where they would be. */
function water(): Structure {
  const edge = 12.42;
  return { positions: uniform(576, 21).map((u) => ((u + 1) / 2) * edge), cell: cube(edge) };
}

const copper = (): Structure => lattice(3.61, 10, [[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0]]); // prettier-ignore

/** Ways to the list of a moving structure: a new search, candidates used again, the same into the memory of the last list. */
const ways = {
  search: (rcut: number) => ({
    update: (x: Float64Array, cell: number[]) => neighborList(x, cell, everywhere, rcut),
  }),
  reuse: (rcut: number, skin: number) => new VerletList(rcut, everywhere, { skin }),
  overwrite: (rcut: number, skin: number) => new VerletList(rcut, everywhere, { skin, overwrite: true }),
} as const;

/** Steps of molecular dynamics: thermal displacements, from which atoms move on by a hundredth of an angstrom. */
function workload(
  way: keyof typeof ways,
  { positions, cell }: Structure,
  rcut: number,
  skin: number,
): Workload {
  const size = positions.length;
  const moved = (from: Float64Array, by: number, seed: number): Float64Array => {
    const random = uniform(size, seed);
    return from.map((x, k) => x + by * random[k]);
  };
  const start = moved(positions, 0.05, 31);
  const steps = [start, moved(start, 0.01, 32), moved(start, 0.01, 33)];
  const lists: { update(x: Float64Array, cell: number[]): NeighborList } = ways[way](rcut, skin);
  let step = 0;
  const count = (): number => lists.update(steps[step++ % steps.length], cell).count;
  const pairs = count();
  return {
    run: count,
    work: { atoms: size / 3, pairs },
    floor: { bytes: pairs * bytesPerPair + 8 * size },
    peers: [],
  };
}

function rows(name: string, make: () => Structure, rcut: number, skin: number, threads: number): Bench[] {
  return (["search", "reuse", "overwrite"] as const).map((way) => ({
    name: `neighbors/verlet-${name}-skin${skin}-${way}`,
    dtype: "f64",
    threads,
    open: () => {
      setThreads(threads);
      return Promise.resolve(workload(way, make(), rcut, skin));
    },
  }));
}

export const verletRows: readonly Bench[] = [1, 2].flatMap((threads) => [
  ...rows("water192", water, 6, 1, threads),
  ...rows("water192", water, 6, 2, threads),
  ...rows("copper4k", copper, 5, 1, threads),
  ...rows("diamond27k", diamond, 5, 0.5, threads),
  ...rows("diamond27k", diamond, 5, 1, threads),
]);
