import { Cell } from "../../src/geometry/cell.js";
import { NeighborSearch } from "../../src/geometry/neighbor-search.js";
import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import {
  leftHanded,
  pairTensors,
  sheared,
  skewed,
  tiny,
  wholeLattice,
  wholePositions,
  wide,
} from "../neighbours/cases.js";
import { packing, verletFill, verletMoved, verletPack, verletPackOp, verletWithin } from "./op.js";

const cube = [4, 0, 0, 0, 4, 0, 0, 0, 4];

interface Settings {
  readonly cell: readonly number[];
  readonly atoms: number;
  readonly pbc?: readonly [boolean, boolean, boolean];
  readonly rcut?: number;
  readonly skin?: number;
  readonly inclusive?: boolean;
  /** Positions are drawn from a cube of twice this edge. */
  readonly spread?: number;
  readonly large?: boolean;
}

/** Atoms that have moved by less than half a skin since candidates were searched. */
function sample(random: Samples, { atoms, spread = 6, large, ...rest }: Settings): Sample {
  const { cell, pbc = [true, true, true], rcut = 2.4, skin = 0.8, inclusive = false } = rest;
  const start = random.uniform([atoms, 3], -spread, spread);
  const steps = random.uniform([atoms, 3], -0.28 * skin, 0.28 * skin);
  const positions = { shape: start.shape, data: start.data.map((x, k) => x + steps.data[k]) };
  return {
    inputs: { positions, start },
    attrs: { cell, pbc: pbc.map(Number), rcut, skin, inclusive },
    large,
  };
}

function lattice(random: Samples, inclusive: boolean): Sample {
  const positions = wholePositions(random);
  return { inputs: { positions, start: positions }, attrs: { ...wholeLattice, skin: 1, inclusive } };
}

function find({ positions, start }: Record<string, Tensor>, attrs: NonNullable<Sample["attrs"]>): Tensor[] {
  const { device } = positions;
  const on = { device: device.name };
  const pbc = (attrs.pbc as number[]).map(Boolean) as unknown as [boolean, boolean, boolean];
  const [rcut, inclusive, cell] = [attrs.rcut as number, attrs.inclusive as boolean, attrs.cell as number[]];
  const frame = { positions: start, cell, pbc };
  const search = new NeighborSearch([frame], rcut + (attrs.skin as number), false, device);
  try {
    const { atoms, farthestOffsets: box } = search;
    const [neighbour, , shift] = search.tensors(0, atoms, "f64");
    const ptr = tensor(search.ptr, [atoms + 1], { ...on, dtype: "i32" });
    const vectors = tensor(new Cell(cell, pbc).vectors, [3, 3], on);
    const candidates = verletPack({ neighbour, shift, ptr }, vectors, box, packing(atoms, box)!);
    const [given, far] = verletMoved(positions, start);
    const count = Tensor.empty(device, "i32", [atoms], atoms);
    const kept = verletWithin(candidates, given, rcut, inclusive, count);
    const sums = new Int32Array(atoms + 1);
    count.dataSync().forEach((n, i) => (sums[i + 1] = sums[i] + n));
    const pairs = pairTensors(positions, sums[atoms]);
    verletFill(candidates, kept, given, tensor(sums, [atoms + 1], on), pairs);
    return [given, far, candidates.packed, candidates.offset, candidates.moved, count, ...pairs];
  } finally {
    search.dispose();
  }
}

export const cases = defineCases({
  op: "verlet",
  // Whether a pair lies within the cutoff is decided in f64, whatever the type under test.
  types: ["f64"],
  run: find,
  samples: (random) => [
    ...[0, 1, 2, 3, 5, 7, 8, 9].map((atoms) => sample(random, { cell: skewed, atoms })),
    ...[31, 32, 33, 64].map((atoms) => sample(random, { cell: wide, atoms, spread: 4 })),
    sample(random, { cell: skewed, atoms: 9, pbc: [true, false, true] }),
    sample(random, { cell: skewed, atoms: 17, pbc: [false, false, false] }),
    sample(random, { cell: leftHanded, atoms: 8 }),
    sample(random, { cell: leftHanded, atoms: 6, pbc: [false, true, false] }),
    sample(random, { cell: sheared, atoms: 5 }),
    sample(random, { cell: tiny, atoms: 2, rcut: 1.9 }),
    sample(random, { cell: cube, atoms: 12, spread: 40 }),
    sample(random, { cell: cube, atoms: 9, rcut: 0.3, skin: 2 }),
    lattice(random, false),
    lattice(random, true),
    sample(random, { cell: cube, atoms: 97, rcut: 4, skin: 1.5, inclusive: true, large: true }),
    sample(random, { cell: wide, atoms: 5000, spread: 16, large: true }),
  ],
  differentiate: [],
  order: 0,
  // The same arithmetic everywhere.
  tolerance: { f32: 0, f64: 0 },
  errors: [
    {
      name: "single precision",
      run: () => verletMoved(zeros([1, 3]), zeros([1, 3])),
      code: "DTYPE",
      says: /positions expected f64, got f32/,
    },
    {
      name: "another number of atoms",
      run: () => verletMoved(f64([1, 3]), f64([2, 3])),
      code: "SHAPE",
      says: /start \[N,3\] expected size 1/,
    },
    {
      name: "an offset outside the box",
      run: () => verletPack(pairs(tensor(Int32Array.of(0, 2, 0), [1, 3])), f64([3, 3]), [1, 1, 1], plan),
      code: "VALUE",
      says: /an offset lies outside the box/,
    },
    {
      name: "a box of another size",
      run: () =>
        verletPackOp.applyAll([i32([1]), i32([1, 3]), f64([3, 3])], { bits: 4, a: 1, b: 0, c: 0, B: 2 }),
      code: "VALUE",
      says: /the box has not 2 offsets/,
    },
    {
      name: "positions of other atoms",
      run: () => verletWithin(candidates(), f64([2, 4]), 1, false, i32([1])),
      code: "SHAPE",
      says: /given \[N,4\] expected size 1/,
    },
    {
      name: "rows of too few atoms",
      run: () => verletFill(candidates(), i32([9]), f64([1, 4]), i32([1]), pairTensors(i32([1]), 0)),
      code: "SHAPE",
      says: /rows i32\[N\+1\] expected size 2/,
    },
  ],
});

const plan = { bits: 4, offsets: 27 };
const f64 = (shape: number[]): Tensor => zeros(shape, { dtype: "f64" });
const i32 = (shape: number[]): Tensor => zeros(shape, { dtype: "i32" });
const pairs = (shift: Tensor) => ({ neighbour: i32([1]), shift, ptr: i32([2]) });
const candidates = () => verletPack(pairs(i32([1, 3])), f64([3, 3]), [1, 1, 1], plan);
