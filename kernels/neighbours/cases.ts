import { type AtomsInCell, SearchArrays } from "../../src/geometry/search-space.js";
import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { type AtomsToSearch, neighbourCount, neighbourFill, neighbourGrid } from "./op.js";

const skewed = [3, 0.2, 0, -0.4, 3.5, 0.3, 0.1, 0, 4];
const leftHanded = [0, 3, 0.3, 3.2, 0, 0, 0.1, 0.2, 2.9];
const sheared = [3, 0, 0, 13, 3.1, 0, -8, 9, 3.3];
const tiny = [0.7, 0, 0, 0.1, 0.8, 0, 0, 0.2, 0.6];
const medium = [0, 7, 1, 8, 0, 0, 0, -1, 6.5];
const mediumSheared = [6, 0, 0, 19, 6.5, 0, -7, 13.2, 7];
const wide = [31, 0, 0, 0, 33, 0, 2, 0, 29];

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
function lattice(random: Samples, inclusive: boolean): Sample {
  const { data } = random.integers([20, 3], -3, 4);
  const positions = { shape: [20, 3], data: Float64Array.from(data) };
  return {
    inputs: { positions },
    attrs: { cell: [4, 0, 0, 0, 4, 0, 1, 0, 4], pbc: [1, 1, 1], rcut: 3, inclusive, sizes: [20] },
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
  const [rcut, inclusive, device] = [attrs.rcut as number, attrs.inclusive as boolean, positions.device.name];
  const space = neighbourGrid(new SearchArrays(frames, rcut).tensors(device));
  const counts = neighbourCount(space, rcut, inclusive);
  const ptr = [0];
  counts.dataSync().forEach((n) => ptr.push(ptr[ptr.length - 1] + n));
  const pointers = tensor(Int32Array.from(ptr), [ptr.length], { device });
  const range = { E: ptr[ptr.length - 1], from: 0, to: ptr.length - 1 };
  return [counts, ...neighbourFill(space, pointers, range, rcut, inclusive)];
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
      run: () => neighbourGrid({ ...atoms(), wrapped: zeros([1, 3]) }),
      code: "DTYPE",
      says: /wrapped expected f64, got f32/,
    },
    {
      name: "offsets of another number of atoms",
      run: () => neighbourGrid({ ...atoms(), offset: zeros([2, 3], { dtype: "i32" }) }),
      code: "SHAPE",
      says: /offset i32\[N,3\] expected size 1/,
    },
    {
      name: "positions in columns",
      run: () => neighbourGrid({ ...atoms(), positions: zeros([3, 1], { dtype: "f64" }) }),
      code: "SHAPE",
      says: /positions \[N,3\] expected size 1/,
    },
    {
      name: "bounds of two frames for one",
      run: () => neighbourGrid({ ...atoms(), bounds: zeros([2, 10], { dtype: "f64" }) }),
      code: "SHAPE",
      says: /bounds \[F,10\] expected size 1/,
    },
    {
      name: "cells of two frames for one",
      run: () =>
        neighbourCount(neighbourGrid({ ...atoms(), cell: zeros([2, 9], { dtype: "f64" }) }), 1, false),
      code: "SHAPE",
      says: /cell \[F,9\] expected size 1/,
    },
    {
      name: "pointers of too few atoms",
      run: () =>
        neighbourFill(neighbourGrid(atoms()), tensor(Int32Array.of(0)), { E: 0, from: 0, to: 1 }, 1, false),
      code: "SHAPE",
      says: /ptr i32\[N\+1\] expected size 2/,
    },
  ],
});

function atoms(): AtomsToSearch {
  return new SearchArrays([{ positions: [0, 0, 0], cell: null, pbc: false }], 1).tensors("cpu");
}
