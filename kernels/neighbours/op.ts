import { defineOp } from "../../src/autograd/define-op.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { countReference, fillReference } from "./reference.js";

const inputs = {
  positions: "[N,3]",
  wrapped: "[3,N]",
  fraction: "[N,3]",
  offset: "i32[N,3]",
  frame: "i32[N]",
  framePtr: "i32[F+1]",
  cell: "[F,9]",
  compact: "[F,9]",
  basis: "i32[F,9]",
  bounds: "[F,10]",
} as const;
const attrs = { inclusive: "bool", rcut: "real" } as const;

/** Neighbours of every atom within the cutoff: the first of two passes. */
export const neighbourCountOp = /*#__PURE__*/ defineOp({
  name: "neighbourCount",
  inputs,
  attrs,
  types: ["f64"],
  output: "i32[N]",
  reference: countReference,
});

/**
 * The second pass: neighbour, cell offset, vector and distance of every pair, sorted by centre, neighbour and
 * offset.
 */
export const neighbourFillOp = /*#__PURE__*/ defineOp({
  name: "neighbourFill",
  inputs: { ...inputs, ptr: "i32[N+1]" },
  attrs: { E: "int", ...attrs },
  types: ["f64"],
  output: { neighbour: "i32[E]", shift: "i32[E,3]", vector: "[E,3]", distance: "[E]" },
  reference: fillReference,
});

/**
 * What both passes search: the atoms of F frames in a row, as given and wrapped into cells, and how far to
 * look. Pairs stay within a frame. src/geometry/search-space.ts makes it.
 */
export interface SearchSpace {
  /** f64[N,3] as given */
  readonly positions: Tensor;
  /** f64[3,N] inside the compact cell along periodic directions: positions = wrapped + offset . cell */
  readonly wrapped: Tensor;
  /** f64[N,3] wrapped in units of the compact cell's vectors */
  readonly fraction: Tensor;
  /** i32[N,3] */
  readonly offset: Tensor;
  /** i32[N] frame of each atom, and i32[F+1] atoms of each frame */
  readonly frame: Tensor;
  readonly framePtr: Tensor;
  /**
   * f64[F,9] rows are lattice vectors: as given, and compact ones of the same lattice; compact = basis . cell
   */
  readonly cell: Tensor;
  readonly compact: Tensor;
  /** i32[F,9] */
  readonly basis: Tensor;
  /**
   * f64[F,10]: smallest and largest fraction of the frame's atoms per axis (3 + 3); cutoff in units of the
   * distance between opposite faces, -1 where not periodic (3); how much rounding may change a distance,
   * angstrom (1)
   */
  readonly bounds: Tensor;
}

const listed = (s: SearchSpace): Tensor[] => [
  s.positions,
  s.wrapped,
  s.fraction,
  s.offset,
  s.frame,
  s.framePtr,
  s.cell,
  s.compact,
  s.basis,
  s.bounds,
];

/** i32[N] numbers of neighbours with |D| < rcut (or <=). */
export function neighbourCount(space: SearchSpace, rcut: number, inclusive: boolean): Tensor {
  return neighbourCountOp.applyAll(listed(space), { rcut, inclusive })[0];
}

/** Neighbour i32[E], shift i32[E,3], vector f64[E,3], distance f64[E] for the pointers the counts give. */
export function neighbourFill(
  space: SearchSpace,
  ptr: Tensor,
  E: number,
  rcut: number,
  inclusive: boolean,
): Tensor[] {
  return neighbourFillOp.applyAll([...listed(space), ptr], { E, rcut, inclusive });
}
