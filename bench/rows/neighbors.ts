import { neighborList, setThreads } from "../../src/index.js";
import { neighborListOfFrames } from "../../src/geometry/neighbor-list.js";
import type { Bench, Workload } from "../bench.js";
import { uniform } from "./uniform.js";

export const everywhere = [true, true, true] as const;
export const cube = (a: number): number[] => [a, 0, 0, 0, a, 0, 0, 0, a];

/** Positions, offsets, vectors and lengths of a pair, as every program has to write them. */
export const bytesPerPair = 8 + 12 + 24 + 8;

function workload(frames: { positions: Float64Array; cell: number[] }[], rcut: number): Workload {
  setThreads(1);
  const input = frames.map((f) => ({ ...f, pbc: everywhere }));
  const count = (): number =>
    input.length === 1
      ? neighborList(input[0].positions, input[0].cell, everywhere, rcut).count
      : neighborListOfFrames(input, rcut).count;
  const pairs = count();
  const atoms = frames.reduce((n, f) => n + f.positions.length / 3, 0);
  return {
    run: count,
    work: { structures: frames.length, atoms, pairs },
    floor: { bytes: pairs * bytesPerPair + 24 * atoms },
    peers: [
      {
        peer: "vesin",
        program: "vesin_neighbors.py",
        args: [],
        request: { rcut, frames: frames.map((f) => ({ positions: Array.from(f.positions), cell: f.cell })) },
      },
    ],
    difference: ({ pairs: theirs }) => Math.abs(pairs - Number(theirs)),
  };
}

/** The diamond lattice, n x n x n cells of 3.567 A; 15 are 27,000 atoms. */
export function diamond(n = 15): { positions: Float64Array; cell: number[] } {
  return lattice(3.567, n, [[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0], [1, 1, 1], [1, 3, 3], [3, 1, 3], [3, 3, 1]]); // prettier-ignore
}

/** n x n x n cubes of edge a with atoms at these quarters of them. */
export function lattice(
  a: number,
  n: number,
  corner: readonly (readonly number[])[],
): { positions: Float64Array; cell: number[] } {
  const positions: number[] = [];
  for (let x = 0; x < n; x++)
    for (let y = 0; y < n; y++)
      for (let z = 0; z < n; z++)
        for (const [u, v, w] of corner) positions.push((x + u / 4) * a, (y + v / 4) * a, (z + w / 4) * a);
  return { positions: Float64Array.from(positions), cell: cube(n * a) };
}

const diamond27k: Bench = {
  name: "neighbors/diamond27k",
  dtype: "f64",
  threads: 1,
  open: () => Promise.resolve(workload([diamond()], 5)),
};

const batch32x20: Bench = {
  name: "neighbors/batch32x20",
  dtype: "f64",
  threads: 1,
  open: () => {
    const edge = (20 / 0.06) ** (1 / 3);
    const frames = Array.from({ length: 32 }, (_, f) => ({
      positions: uniform(60, 10 + f).map((u) => ((u + 1) / 2) * edge),
      cell: cube(edge),
    }));
    return Promise.resolve(workload(frames, 6));
  },
};

/** Time per atom must not depend on how many there are; here in the order of a crystal, 28 neighbours each. Ours alone. */
function ordered(name: string, n: number): Bench {
  return {
    name: `neighbors/${name}`,
    dtype: "f64",
    threads: 1,
    open: () => Promise.resolve({ ...workload([diamond(n)], 3), peers: [] }),
  };
}

/** The same of random atoms, 0.05 in a cubic angstrom, in no order: rows of neighbouring atoms lie far apart in memory. */
function linear(name: string, atoms: number): Bench {
  return {
    name: `neighbors/${name}`,
    dtype: "f64",
    threads: 1,
    open: () => {
      const edge = Math.cbrt(atoms / 0.05);
      const positions = Float64Array.from(uniform(3 * atoms, 9), (u) => ((u + 1) / 2) * edge);
      return Promise.resolve({ ...workload([{ positions, cell: cube(edge) }], 4), peers: [] });
    },
  };
}

export const neighborRows: readonly Bench[] = [
  diamond27k,
  batch32x20,
  ordered("crystal10k", 11),
  ordered("crystal1M", 50),
  linear("linear10k", 1e4),
  linear("linear1M", 1e6),
];
