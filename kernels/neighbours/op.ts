import { defineOp } from "../../src/autograd/define-op.js";
import { groupsOf64 } from "../../src/tensor/backend.js";
import { Tensor } from "../../src/tensor/tensor.js";
import { candidateReference } from "./candidate-reference.js";
import { extentReference, fillReference, findReference, gridReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

/** Frames of atoms in a row with their cells; src/geometry/search-space.ts makes them. */
export interface AtomsToSearch {
  /** f64[N,3] as given */
  readonly positions: Tensor;
  /** i32[F+1] atoms of each frame */
  readonly framePtr: Tensor;
  /**
   * f64[F,37]: lattice vectors as given (9); those of a compact cell of the same lattice (9) and its inverse (9); smallest and
   * largest fraction of the frame's atoms in the compact cell per axis (3 + 3); cutoff in units of the distance between its
   * opposite faces (3); how much rounding may change a distance, angstrom (1)
   */
  readonly frame: Tensor;
  /**
   * i32[F,17]: basis, compact = basis . cell (9); grid cells per axis (3; zeros: no grid, every pair is tried), periodic axes
   * as bits (1), first entry of the frame in `cellPtr` (1), number of its first block of centres (1): one per grid cell, or per
   * 32 atoms; words of the store for each atom (1) and the first of them (1)
   */
  readonly plan: Tensor;
}

/** Sizes that go with a plan. */
export interface SearchSizes {
  /** Entries of all grids: cells + 1 for each frame that has one. */
  readonly cells: number;
  /** Blocks of centres of all frames. */
  readonly tasks: number;
  /** Words of the store; 0 where the device's kernels keep nothing. */
  readonly store: number;
}

const frames = { framePtr: "i32[F+1]", frame: "[F,37]", plan: "i32[F,17]" } as const;

/**
 * Extremes of each frame's atoms: fractions in the compact cell, smallest (3) and largest (3), after wrapping along periodic
 * axes; largest coordinate (1; not a number where one is not finite) and offset per axis (3), without signs. Reads cells, basis
 * and periodic axes.
 */
export const neighbourExtentOp = /*#__PURE__*/ defineOp({
  name: "neighbourExtent",
  inputs: { positions: "[N,3]", ...frames },
  types: ["f64"],
  output: "[F,10]",
  work: ({ N }) => 160 * Math.ceil(N / 4096),
  reference: extentReference,
});

const sorted = {
  place: "[3,N]",
  given: "[N,4]",
  info: "i32[N,4]",
  order: "i32[N]",
  cellPtr: "i32[C+1]",
} as const;

/**
 * Sorts the atoms of each frame by grid cell, in rising order within a cell: positions wrapped into the compact cell and as
 * given, offset (3; positions = wrapped + offset . cell) and number, the numbers alone, and the atoms of each cell.
 */
export const neighbourGridOp = /*#__PURE__*/ defineOp({
  name: "neighbourGrid",
  inputs: { positions: "[N,3]", ...frames },
  attrs: { C: "int" },
  types: ["f64"],
  output: sorted,
  work: ({ N }) => 4 * N,
  reference: gridReference,
});

/**
 * Numbers of neighbours of every atom within the cutoff: the first of two passes. On the CPU, what it found of a block of
 * centres stays in the store, where there is room.
 */
export const neighbourFindOp = /*#__PURE__*/ defineOp({
  name: "neighbourFind",
  inputs: { ...sorted, ...frames },
  attrs: { S: "int", inclusive: "bool", tasks: "int", rcut: "real" },
  types: ["f64"],
  output: { count: "i32[N]", store: "i32[S]" },
  reference: findReference,
});

const fillAttrs = {
  E: "int",
  inclusive: "bool",
  tasks: "int",
  from: "int",
  to: "int",
  rcut: "real",
} as const;
const fillInputs = { ...sorted, ...frames, store: "i32[S]", ptr: "i32[N+1]" } as const;
const indices = { neighbour: "i32[E]", centre: "i32[E]", shift: "i32[E,3]" } as const;

/**
 * The second pass: neighbour, centre, cell offset, vector and distance of every pair of the centres from .. to, sorted
 * by centre, neighbour and offset.
 */
export const neighbourFillOp = /*#__PURE__*/ defineOp({
  name: "neighbourFill",
  inputs: fillInputs,
  attrs: fillAttrs,
  types: ["f64"],
  output: { ...indices, vector: "[E,3]", distance: "[E]" },
  reference: fillReference,
});

/** The same pairs; vectors and distances are rounded to single precision. */
export const neighbourFillSingleOp = /*#__PURE__*/ defineOp({
  name: "neighbourFillSingle",
  inputs: fillInputs,
  attrs: fillAttrs,
  types: ["f64"],
  output: { ...indices, vector: "f32[E,3]", distance: "f32[E]" },
  reference: fillReference,
});

/**
 * Devices without f64 find candidates, all pairs of which rounding leaves open whether they are neighbours among them, and the
 * host decides. Without `ptr` the numbers of candidates of M centres from `from` on, W = M; with it the candidates,
 * W = 2 ptr[M]: number of the sorted atom, number of the image.
 */
export const neighbourCandidatesOp = /*#__PURE__*/ defineOp({
  name: "neighbourCandidates",
  inputs: {
    place: "[N,4]",
    window: "i32[N,7]",
    cellPtr: "i32[C+1]",
    frame: "[F,10]",
    plan: "i32[F,7]",
    "ptr?": "i32[P]",
  },
  attrs: { M: "int", W: "int", from: "int" },
  types: ["f32"],
  output: "i32[W]",
  reference: candidateReference,
  wgsl: { code: wgsl, groups: (ints) => groupsOf64(ints[4]) },
});

/** Atoms sorted by grid cell, ready to be searched. */
export interface SearchSpace {
  readonly inputs: readonly Tensor[];
  readonly sizes: SearchSizes;
}

/** f64[F,10] extremes of the frames' atoms. */
export function neighbourExtent({ positions, framePtr, frame, plan }: AtomsToSearch): Tensor {
  return neighbourExtentOp.applyAll([positions, framePtr, frame, plan])[0];
}

/** Puts atoms into the cells of their frames' grids. */
export function neighbourGrid(
  { positions, framePtr, frame, plan }: AtomsToSearch,
  sizes: SearchSizes,
): SearchSpace {
  const placed = neighbourGridOp.applyAll([positions, framePtr, frame, plan], { C: sizes.cells });
  return { inputs: [...placed, framePtr, frame, plan], sizes };
}

/** Writes the numbers of neighbours with |D| < rcut (or <=) to `count` i32[N] and returns the store. */
export function neighbourFind(space: SearchSpace, rcut: number, inclusive: boolean, count: Tensor): Tensor {
  const { tasks, store: S } = space.sizes;
  const store = Tensor.empty(count.device, "i32", [S], S);
  neighbourFindOp.applyInto(space.inputs, { rcut, inclusive, tasks, S }, [count, store]);
  return store;
}

export interface FillRange {
  /** Pairs of the centres `from` .. `to`. */
  readonly E: number;
  readonly from: number;
  readonly to: number;
}

/** Neighbour i32[E], centre i32[E], shift i32[E,3], vector [E,3] and distance [E] of pairs. */
export type PairTensors = readonly [Tensor, Tensor, Tensor, Tensor, Tensor];

/**
 * Writes the pairs of some centres, for the pointers i32[N+1] that the counts give. The types of vectors and distances decide
 * in which precision.
 */
export function neighbourFill(
  space: SearchSpace,
  { store, ptr }: { readonly store: Tensor; readonly ptr: Tensor },
  range: FillRange,
  rcut: number,
  inclusive: boolean,
  into: PairTensors,
): void {
  const op = into[3].dtype === "f64" ? neighbourFillOp : neighbourFillSingleOp;
  op.applyInto([...space.inputs, store, ptr], { ...range, rcut, inclusive, tasks: space.sizes.tasks }, into);
}

/** Frames of atoms as devices without f64 search them; src/geometry/candidate-arrays.ts makes them. */
export interface AtomsInCells {
  /** f32[N,4] sorted by grid cell, about the frame's middle, in the frame's unit */
  readonly place: Tensor;
  /** i32[N,7] first (3) and last (3) grid cell to look through per axis, beyond the grid for other images, and the frame (1) */
  readonly window: Tensor;
  /** i32[C+1] atoms of each grid cell */
  readonly cellPtr: Tensor;
  /** f32[F,10] vectors of the compact cell (9) and the largest square of a candidate's distance (1), in the frame's unit */
  readonly frame: Tensor;
  /**
   * i32[F,7] grid cells per axis (3), the first in `cellPtr` (1), the farthest image per axis (3): -farthest .. farthest are
   * numbered, row by row
   */
  readonly plan: Tensor;
}

/** i32[centres] numbers of candidates of the sorted atoms `from` .. `to`. */
export function countCandidates(atoms: AtomsInCells, from: number, to: number): Tensor {
  return candidatesOf(atoms, { M: to - from, W: to - from, from });
}

/** i32[2E] sorted atom and image of the candidates of the sorted atoms from `from` on; `ptr` i32[centres + 1], E its last. */
export function listCandidates(atoms: AtomsInCells, from: number, ptr: Tensor, E: number): Tensor {
  return candidatesOf(atoms, { M: ptr.size - 1, W: 2 * E, from }, ptr);
}

function candidatesOf(
  { place, window, cellPtr, frame, plan }: AtomsInCells,
  range: { readonly M: number; readonly W: number; readonly from: number },
  ptr?: Tensor,
): Tensor {
  return neighbourCandidatesOp.applyAll([place, window, cellPtr, frame, plan, ptr], range)[0];
}
