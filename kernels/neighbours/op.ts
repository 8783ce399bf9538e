import { defineOp } from "../../src/autograd/define-op.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { countReference, fillReference, gridReference } from "./reference.js";

/** Atoms of F frames in a row, wrapped into compact cells; src/geometry/search-space.ts makes them. */
export interface AtomsToSearch {
  /** f64[N,3] inside the compact cell along periodic directions: positions = wrapped + offset . cell */
  readonly wrapped: Tensor;
  /** f64[N,3] wrapped in units of the compact cell's vectors */
  readonly fraction: Tensor;
  /** f64[N,3] as given */
  readonly positions: Tensor;
  /** i32[N,3] */
  readonly offset: Tensor;
  /** i32[F+1] atoms of each frame */
  readonly framePtr: Tensor;
  /** f64[F,9] rows are lattice vectors: as given, and compact ones of the same lattice; compact = basis . cell */
  readonly cell: Tensor;
  readonly compact: Tensor;
  /** i32[F,9] */
  readonly basis: Tensor;
  /**
   * f64[F,10]: smallest and largest fraction of the frame's atoms per axis (3 + 3); cutoff in units of the distance
   * between opposite faces (3); how much rounding may change a distance, angstrom (1)
   */
  readonly bounds: Tensor;
  /**
   * i32[F,6]: grid cells per axis (3; zeros: no grid, every pair is tried), periodic axes as bits (1), first entry of
   * the frame in `cellPtr` (1), number of its first block of centres (1): one per grid cell, or per 32 atoms
   */
  readonly grid: Tensor;
  /** Entries of all grids: cells + 1 for each frame that has one. */
  readonly cells: number;
  /** Blocks of centres of all frames. */
  readonly tasks: number;
}

/** Sorts the atoms of each frame by grid cell, in rising order within a cell. */
export const neighbourGridOp = /*#__PURE__*/ defineOp({
  name: "neighbourGrid",
  inputs: {
    wrapped: "[N,3]",
    fraction: "[N,3]",
    positions: "[N,3]",
    offset: "i32[N,3]",
    framePtr: "i32[F+1]",
    bounds: "[F,10]",
    grid: "i32[F,6]",
  },
  attrs: { C: "int" },
  types: ["f64"],
  output: {
    place: "[3,N]",
    placedFraction: "[3,N]",
    given: "[N,3]",
    info: "i32[N,4]",
    cellPtr: "i32[C+1]",
  },
  work: ({ N }) => 4 * N,
  reference: gridReference,
});

const inputs = {
  place: "[3,N]",
  placedFraction: "[3,N]",
  given: "[N,3]",
  info: "i32[N,4]",
  cellPtr: "i32[C+1]",
  framePtr: "i32[F+1]",
  cell: "[F,9]",
  compact: "[F,9]",
  basis: "i32[F,9]",
  bounds: "[F,10]",
  grid: "i32[F,6]",
} as const;

/** Neighbours of every atom within the cutoff: the first of two passes. */
export const neighbourCountOp = /*#__PURE__*/ defineOp({
  name: "neighbourCount",
  inputs,
  attrs: { inclusive: "bool", tasks: "int", rcut: "real" },
  types: ["f64"],
  output: "i32[N]",
  reference: countReference,
});

const fillAttrs = {
  E: "int",
  inclusive: "bool",
  tasks: "int",
  from: "int",
  to: "int",
  rcut: "real",
} as const;
const indices = { neighbour: "i32[E]", centre: "i32[E]", shift: "i32[E,3]" } as const;

/**
 * The second pass: neighbour, centre, cell offset, vector and distance of every pair of the centres from .. to, sorted
 * by centre, neighbour and offset.
 */
export const neighbourFillOp = /*#__PURE__*/ defineOp({
  name: "neighbourFill",
  inputs: { ...inputs, ptr: "i32[N+1]" },
  attrs: fillAttrs,
  types: ["f64"],
  output: { ...indices, vector: "[E,3]", distance: "[E]" },
  reference: fillReference,
});

/** The same pairs; vectors and distances are rounded to single precision. */
export const neighbourFillSingleOp = /*#__PURE__*/ defineOp({
  name: "neighbourFillSingle",
  inputs: { ...inputs, ptr: "i32[N+1]" },
  attrs: fillAttrs,
  types: ["f64"],
  output: { ...indices, vector: "f32[E,3]", distance: "f32[E]" },
  reference: fillReference,
});

/** Atoms sorted by grid cell, ready to be searched. */
export interface SearchSpace {
  readonly inputs: readonly Tensor[];
  readonly tasks: number;
}

/** Puts atoms into the cells of their frames' grids. */
export function neighbourGrid(atoms: AtomsToSearch): SearchSpace {
  const { wrapped, fraction, positions, offset, framePtr, cell, compact, basis, bounds, grid } = atoms;
  const placed = neighbourGridOp.applyAll([wrapped, fraction, positions, offset, framePtr, bounds, grid], {
    C: atoms.cells,
  });
  return { inputs: [...placed, framePtr, cell, compact, basis, bounds, grid], tasks: atoms.tasks };
}

/** i32[N] numbers of neighbours with |D| < rcut (or <=). */
export function neighbourCount(space: SearchSpace, rcut: number, inclusive: boolean): Tensor {
  return neighbourCountOp.applyAll(space.inputs, { rcut, inclusive, tasks: space.tasks })[0];
}

export interface FillRange {
  /** Pairs of the centres `from` .. `to`. */
  readonly E: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Neighbour i32[E], centre i32[E], shift i32[E,3], vector [E,3] and distance [E] of the pairs of some centres, for the
 * pointers i32[N+1] that the counts give.
 *
 * @param dtype type of vectors and distances
 */
export function neighbourFill(
  space: SearchSpace,
  ptr: Tensor,
  range: FillRange,
  rcut: number,
  inclusive: boolean,
  dtype: "f32" | "f64" = "f64",
): Tensor[] {
  const op = dtype === "f64" ? neighbourFillOp : neighbourFillSingleOp;
  return op.applyAll([...space.inputs, ptr], { ...range, rcut, inclusive, tasks: space.tasks });
}
