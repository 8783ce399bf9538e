import { type AtomsInCell, SearchArrays } from "../../src/geometry/search-space.js";
import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import {
  type AtomsToSearch,
  neighbourExtent,
  neighbourFill,
  neighbourFind,
  neighbourGrid,
  type PairTensors,
} from "./op.js";

/** Cells that are no boxes along the axes, by what is particular about them; angstrom, rows are lattice vectors. */
export const skewed = [3, 0.2, 0, -0.4, 3.5, 0.3, 0.1, 0, 4];
export const leftHanded = [0, 3, 0.3, 3.2, 0, 0, 0.1, 0.2, 2.9];
export const sheared = [3, 0, 0, 13, 3.1, 0, -8, 9, 3.3];
export const tiny = [0.7, 0, 0, 0.1, 0.8, 0, 0, 0.2, 0.6];
export const wide = [31, 0, 0, 0, 33, 0, 2, 0, 29];
const medium = [0, 7, 1, 8, 0, 0, 0, -1, 6.5];
const mediumSheared = [6, 0, 0, 19, 6.5, 0, -7, 13.2, 7];

interface Settings {
  readonly cell: readonly number[];
  readonly pbc?: readonly [boolean, boolean, boolean];
  readonly rcut?: number;
  readonly inclusive?: boolean;
  readonly sizes: readonly number[];
  /** Positions are drawn from a cube of twice this edge. */
  readonly spread?: number;
  readonly large?: boolean;
}

function sample(random: Samples, { sizes, spread = 6, large, ...rest }: Settings): Sample {
  const atoms = sizes.reduce((a, b) => a + b, 0);
  const positions = random.uniform([atoms, 3], -spread, spread);
  const { cell, pbc = [true, true, true], rcut = 2.9, inclusive = false } = rest;
  return {
    inputs: { positions },
    attrs: { cell, pbc: pbc.map(Number), rcut, inclusive, sizes },
    large,
  };
}

/** Whole coordinates: many pairs lie exactly at the cutoff, and several atoms in one place. */
export function wholePositions(random: Samples): { shape: number[]; data: Float64Array } {
  return { shape: [20, 3], data: Float64Array.from(random.integers([20, 3], -3, 4).data) };
}

/** The cell and the cutoff that go with them. */
export const wholeLattice = { cell: [4, 0, 0, 0, 4, 0, 1, 0, 4], pbc: [1, 1, 1], rcut: 3 };

function lattice(random: Samples, inclusive: boolean): Sample {
  return {
    inputs: { positions: wholePositions(random) },
    attrs: { ...wholeLattice, inclusive, sizes: [20] },
  };
}

function search({ positions }: Record<string, Tensor>, attrs: NonNullable<Sample["attrs"]>): Tensor[] {
  const rows = positions.dataSync();
  const pbc = (attrs.pbc as number[]).map(Boolean) as unknown as [boolean, boolean, boolean];
  let atom = 0;
  const frames = (attrs.sizes as number[]).map((size): AtomsInCell => {
    atom += size;
    return { positions: rows.subarray(3 * (atom - size), 3 * atom), cell: attrs.cell as number[], pbc };
  });
  const [rcut, inclusive, { device }] = [attrs.rcut as number, attrs.inclusive as boolean, positions];
  const arrays = new SearchArrays(frames, rcut, device.name);
  const space = neighbourGrid(arrays.tensors(), arrays.sizes);
  const count = Tensor.empty(device, "i32", [atom], atom);
  const store = neighbourFind(space, rcut, inclusive, count);
  const ptr = new Int32Array(atom + 1);
  count.dataSync().forEach((n, i) => (ptr[i + 1] = ptr[i] + n));
  const range = { E: ptr[atom], from: 0, to: atom };
  const pairs = pairTensors(positions, range.E);
  const pointers = tensor(ptr, [atom + 1], { device: device.name });
  neighbourFill(space, { store, ptr: pointers }, range, rcut, inclusive, pairs);
  return [count, ...pairs];
}

/** Room for E pairs, in f64. */
export function pairTensors({ device }: Tensor, E: number): PairTensors {
  const make = (dtype: "i32" | "f64", width: number) =>
    Tensor.empty(device, dtype, width === 1 ? [E] : [E, width], width * E);
  return [make("i32", 1), make("i32", 1), make("i32", 3), make("f64", 3), make("f64", 1)];
}

export const cases = defineCases({
  op: "neighbours",
  // Whether a pair lies within the cutoff is decided in f64, whatever the type under test.
  types: ["f64"],
  run: search,
  samples: (random) => [
    sample(random, { cell: skewed, sizes: [] }),
    sample(random, { cell: skewed, sizes: [0] }),
    sample(random, { cell: skewed, sizes: [1] }),
    sample(random, { cell: skewed, sizes: [2] }),
    sample(random, { cell: skewed, sizes: [7] }),
    sample(random, { cell: skewed, sizes: [5], rcut: 6 }),
    sample(random, { cell: skewed, sizes: [9], pbc: [true, false, true] }),
    sample(random, { cell: skewed, sizes: [17], pbc: [false, false, false] }),
    sample(random, { cell: leftHanded, sizes: [8] }),
    sample(random, { cell: leftHanded, sizes: [6], pbc: [false, true, false] }),
    sample(random, { cell: sheared, sizes: [5] }),
    sample(random, { cell: sheared, sizes: [4], pbc: [true, true, false] }),
    sample(random, { cell: tiny, sizes: [2] }),
    sample(random, { cell: tiny, sizes: [1], rcut: 4.5 }),
    sample(random, { cell: skewed, sizes: [3, 0, 11, 1], spread: 40 }),
    sample(random, { cell: skewed, sizes: [4], spread: 1e6 }),
    sample(random, { cell: wide, sizes: [33], spread: 5 }),
    lattice(random, false),
    lattice(random, true),
    sample(random, { cell: medium, sizes: [110], rcut: 2.3 }),
    sample(random, { cell: medium, sizes: [7, 130, 2, 100], pbc: [true, false, true], spread: 9 }),
    sample(random, { cell: medium, sizes: [100], pbc: [false, false, false], spread: 4 }),
    sample(random, { cell: mediumSheared, sizes: [120], pbc: [true, true, true], spread: 20 }),
    sample(random, { cell: medium, sizes: [97], rcut: 9, large: true }),
    sample(random, { cell: skewed, sizes: [60, 3], large: true }),
    sample(random, { cell: wide, sizes: [700], spread: 16, large: true }),
  ],
  differentiate: [],
  order: 0,
  // The CPU rounds like the reference, so that both find the same pairs at the cutoff.
  tolerance: { f32: 0, f64: 0 },
  errors: [
    {
      name: "single precision",
      run: () => neighbourExtent({ ...atoms(), positions: zeros([1, 3]) }),
      code: "DTYPE",
      says: /positions expected f64, got f32/,
    },
    {
      name: "positions in columns",
      run: () => neighbourGrid({ ...atoms(), positions: zeros([3, 1], { dtype: "f64" }) }, sizes),
      code: "SHAPE",
      says: /positions \[N,3\] expected size 3/,
    },
    {
      name: "numbers of two frames for one",
      run: () => neighbourGrid({ ...atoms(), frame: zeros([2, 37], { dtype: "f64" }) }, sizes),
      code: "SHAPE",
      says: /frame \[F,37\] expected size 1/,
    },
    {
      name: "plans of two frames for one",
      run: () => neighbourExtent({ ...atoms(), plan: zeros([2, 17], { dtype: "i32" }) }),
      code: "SHAPE",
      says: /plan i32\[F,17\] expected size 1/,
    },
    {
      name: "counts of another number of atoms",
      run: () => neighbourFind(neighbourGrid(atoms(), sizes), 1, false, zeros([2], { dtype: "i32" })),
      code: "SHAPE",
      says: /output 0 is no i32\[1\]/,
    },
    {
      name: "pointers of too few atoms",
      run: () => {
        const i32 = (n: number) => zeros([n], { dtype: "i32" });
        const space = neighbourGrid(atoms(), sizes);
        const range = { E: 0, from: 0, to: 1 };
        neighbourFill(space, { store: i32(8), ptr: i32(1) }, range, 1, false, pairTensors(i32(1), 0));
      },
      code: "SHAPE",
      says: /ptr i32\[N\+1\] expected size 2/,
    },
  ],
});

const sizes = { cells: 0, tasks: 1, store: 8 };

function atoms(): AtomsToSearch {
  return new SearchArrays([{ positions: [0, 0, 0], cell: null, pbc: false }], 1, "cpu").tensors();
}
