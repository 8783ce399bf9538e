import { defineOp } from "../../src/autograd/define-op.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { countReference, fillReference } from "./reference.js";

const inputs = {
  positions: "[N,3]",
  wrapped: "[N,3]",
  offset: "i32[N,3]",
  cell: "[3,3]",
  image: "i32[K,3]",
  imageVector: "[3,K]",
} as const;
const attrs = { inclusive: "bool", rcut: "real" } as const;

/** Neighbours of every atom within the cutoff: the first of two passes. */
export const neighbourCountOp = /*#__PURE__*/ defineOp({
  name: "neighbourCount",
  inputs,
  attrs,
  types: ["f64"],
  output: "i32[N]",
  cost: (d) => ({ flop: 8 * d.N * d.N * d.K, bytes: 0 }),
  reference: countReference,
});

/** The second pass: neighbour, cell offset, vector and distance of every pair, sorted by centre, neighbour and offset. */
export const neighbourFillOp = /*#__PURE__*/ defineOp({
  name: "neighbourFill",
  inputs: { ...inputs, ptr: "i32[N+1]" },
  attrs: { E: "int", ...attrs },
  types: ["f64"],
  output: { neighbour: "i32[E]", shift: "i32[E,3]", vector: "[E,3]", distance: "[E]" },
  cost: (d) => ({ flop: 8 * d.N * d.N * d.K, bytes: 0 }),
  reference: fillReference,
});

/** What both passes search: atoms as given and wrapped into the cell, and the periodic images to try. */
export interface SearchSpace {
  /** f64[N,3] as given */
  readonly positions: Tensor;
  /** f64[N,3] wrapped along the periodic directions: positions = wrapped + offset . cell */
  readonly wrapped: Tensor;
  /** i32[N,3] */
  readonly offset: Tensor;
  /** f64[3,3] rows are lattice vectors */
  readonly cell: Tensor;
  /** i32[K,3] images in rising order, and f64[3,K] their vectors, one row per component */
  readonly image: Tensor;
  readonly imageVector: Tensor;
}

const listed = (s: SearchSpace): Tensor[] => [
  s.positions,
  s.wrapped,
  s.offset,
  s.cell,
  s.image,
  s.imageVector,
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
