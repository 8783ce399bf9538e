import { defineOp } from "../../src/autograd/define-op.js";
import { Tensor } from "../../src/tensor/tensor.js";
import { fillReference, movedReference, packReference, withinReference } from "./reference.js";

/** Centres that share the room behind their kept candidates (kernels/verlet/cpu.cc). */
const [centresOfBlock, spareOfBlock] = [32, 8];

/**
 * Candidates as words: the number of the neighbour in the lowest `bits`, above it that of the cell offset in a box of all
 * offsets x, y, z with |x| <= a, |y| <= b, |z| <= c, row by row. Also these offsets (a zero behind each) and the lattice
 * vectors that belong to them.
 */
export const verletPackOp = /*#__PURE__*/ defineOp({
  name: "verletPack",
  inputs: { neighbour: "i32[C]", shift: "i32[C,3]", cell: "[3,3]" },
  attrs: { bits: "int", a: "int", b: "int", c: "int", B: "int" },
  types: ["f64"],
  output: { packed: "i32[C]", offset: "i32[B,4]", moved: "[B,4]" },
  check: ({ a, b, c, B }) =>
    B === (2 * a + 1) * (2 * b + 1) * (2 * c + 1) ? undefined : `the box has not ${B} offsets`,
  work: ({ C }) => 4 * Math.ceil(C / 65536),
  status: () => "an offset lies outside the box",
  reference: packReference,
});

/** Positions in rows of four, and the largest square of a distance from where they were; not a number where one is not. */
export const verletMovedOp = /*#__PURE__*/ defineOp({
  name: "verletMoved",
  inputs: { positions: "[N,3]", start: "[N,3]" },
  types: ["f64"],
  output: { given: "[N,4]", far: "[1]" },
  work: ({ N }) => 8 * Math.ceil(N / 4096),
  reference: movedReference,
});

const candidates = { ptr: "i32[N+1]", given: "[N,4]", moved: "[B,4]" } as const;

/**
 * Candidates within the cutoff now, and their number for each centre. Those of centre i stand from
 * ptr[i] + 8 floor(i / 32) on; what stands between is not specified.
 */
export const verletWithinOp = /*#__PURE__*/ defineOp({
  name: "verletWithin",
  inputs: { packed: "i32[C]", ...candidates },
  attrs: { K: "int", bits: "int", inclusive: "bool", rcut: "real" },
  types: ["f64"],
  output: { count: "i32[N]", kept: "i32[K]" },
  check: ({ C, N, K }) => (K === keptWords(C, N) ? undefined : `K is ${K}, expected ${keptWords(C, N)}`),
  reference: withinReference,
});

/** Neighbour, centre, cell offset, vector and distance of the candidates kept, those of centre i from row rows[i] on. */
export const verletFillOp = /*#__PURE__*/ defineOp({
  name: "verletFill",
  inputs: { kept: "i32[K]", ...candidates, offset: "i32[B,4]", rows: "i32[N+1]" },
  attrs: { E: "int", bits: "int" },
  types: ["f64"],
  output: {
    neighbour: "i32[E]",
    centre: "i32[E]",
    shift: "i32[E,3]",
    vector: "[E,3]",
    distance: "[E]",
  },
  reference: fillReference,
});

/** Words that C candidates of N centres take once they are tested. */
function keptWords(C: number, N: number): number {
  return C + spareOfBlock * Math.ceil(N / centresOfBlock);
}

/** Candidates ready to be tested. */
export interface Candidates {
  /** i32[C] */
  readonly packed: Tensor;
  /** i32[N+1] candidates of each centre. */
  readonly ptr: Tensor;
  /** i32[B,4] */
  readonly offset: Tensor;
  /** f64[B,4] */
  readonly moved: Tensor;
  /** Of a word, that hold the neighbour's number. */
  readonly bits: number;
}

/** How candidates can be packed: offsets are at most `box` along each axis, either way. Undefined: not in 32 bits. */
export function packing(
  atoms: number,
  box: readonly number[],
): { bits: number; offsets: number } | undefined {
  const bits = Math.max(1, Math.ceil(Math.log2(Math.max(1, atoms))));
  const offsets = box.reduce((n, most) => n * (2 * most + 1), 1);
  return offsets <= mostOffsets && bits + Math.log2(offsets) <= 32 ? { bits, offsets } : undefined;
}

/** Of each of which the lattice vector is kept. */
const mostOffsets = 2 ** 18;

/**
 * Packs the candidates neighbour i32[C] and shift i32[C,3] of centres in a row; `cell` f64[3,3] are the lattice vectors. The caller
 * has asked `packing` whether that can be. Errors: VALUE for offsets outside the box.
 */
export function verletPack(
  { neighbour, shift, ptr }: { readonly neighbour: Tensor; readonly shift: Tensor; readonly ptr: Tensor },
  cell: Tensor,
  [a, b, c]: readonly [number, number, number],
  { bits, offsets: B }: { readonly bits: number; readonly offsets: number },
): Candidates {
  const [packed, offset, moved] = verletPackOp.applyAll([neighbour, shift, cell], { bits, a, b, c, B });
  return { packed, ptr, offset, moved, bits };
}

/** Rows of four f64[N,4] of positions f64[N,3], and the largest square of a distance from `start`, f64[1]. */
export function verletMoved(positions: Tensor, start: Tensor): readonly [Tensor, Tensor] {
  const [given, far] = verletMovedOp.applyAll([positions, start]);
  return [given, far];
}

/** The candidates with |D| < rcut (or <=): their numbers go to `count` i32[N]; the words are returned. */
export function verletWithin(
  { packed, ptr, moved, bits }: Candidates,
  given: Tensor,
  rcut: number,
  inclusive: boolean,
  count: Tensor,
): Tensor {
  const K = keptWords(packed.size, count.size);
  const kept = Tensor.empty(packed.device, "i32", [K], K);
  verletWithinOp.applyInto([packed, ptr, given, moved], { K, bits, inclusive, rcut }, [count, kept]);
  return kept;
}

/** Writes the kept words' pairs, those of centre i from row rows[i] on: neighbour, centre, shift, vector, distance. */
export function verletFill(
  { ptr, offset, moved, bits }: Candidates,
  kept: Tensor,
  given: Tensor,
  rows: Tensor,
  into: readonly [Tensor, Tensor, Tensor, Tensor, Tensor],
): void {
  verletFillOp.applyInto([kept, ptr, given, moved, offset, rows], { E: into[0].size, bits }, into);
}
