import type { IndexMap } from "../../../kernels/segment/op.js";
import type { Tensor } from "../../tensor/tensor.js";

/**
 * Types of the two atoms of each row, as look-ups into tables over nt + 1 types (the last row is of no atom) or over pairs of
 * them; made where the descriptor reads them.
 */
export interface TypePairs {
  /** centre * (nt + 1) + neighbour. Strip mode looks pairs up, and so does every mode that has more rows than pairs. */
  readonly pair: IndexMap | undefined;
  readonly neighbour: IndexMap | undefined;
  readonly centre: IndexMap | undefined;
}

/** Empty slots, needed only where davg != 0 makes them count: one row per atom, and how often it stands. */
export interface EmptySlots {
  readonly pairs: TypePairs;
  /** [N, 1]: sel minus the neighbours that hold a slot. */
  readonly count: Tensor;
}

/** What se_atten needs beside the edges: all neighbours of a centre see each other. */
export interface AttentionRows {
  readonly pairs: TypePairs;
  /** i32[N+1]: where each centre's n x n attention matrix starts in a row of pairs. */
  readonly start: Tensor;
  /** Sum of n^2 over centres. */
  readonly pairCount: number;
  /** [pairCount] 0 for a neighbour and itself, 1 for others; only with attn_mask. */
  readonly others: Tensor | undefined;
  /** i32[N]: empty or excluded slots that stand in the softmax's denominator. */
  readonly pad: Tensor;
  readonly emptySlots: EmptySlots | undefined;
}

/** The rows of one embedding net: neighbours of one type around a group of centres. */
export interface NetRows {
  /** Number of the net. */
  readonly net: number;
  /** Rows `from` to `to` of `TypeRows.rows`. */
  readonly from: number;
  readonly to: number;
  /** i32[atoms of the group + 1], from 0: rows of each centre. */
  readonly ptr: Tensor;
}

/** Atoms `from` to `to` in the order of `TypeRows.order`. */
export interface AtomRange {
  readonly from: number;
  readonly to: number;
}

/** The atoms of one type. */
export interface TypeBlock extends AtomRange {
  readonly type: number;
}

/** Atoms whose neighbours go through the same nets: those of one type, or all of them (`type_one_side`). */
export interface NetGroup extends AtomRange {
  readonly nets: readonly NetRows[];
  readonly blocks: readonly TypeBlock[];
}

/** What se_e2_a needs beside the edges: atoms by type, and neighbours by net. */
export interface TypeRows {
  /** Rows of all nets, one net after the other, as look-ups into the E edges and then one empty slot per centre type. */
  readonly rows: IndexMap;
  /** [R, 1] how often a row counts: once, or as often as there are empty slots; undefined where all count once. */
  readonly weight: Tensor | undefined;
  readonly groups: readonly NetGroup[];
  /** Of all groups. */
  readonly blocks: readonly TypeBlock[];
  /** Look-up from the atoms of all blocks, one block after the other, to the atoms of the batch. */
  readonly order: IndexMap;
  /** The other way round. */
  readonly place: IndexMap;
}

/**
 * A batch of frames as the models read it: all atoms in a row, real neighbours of each centre in a row (sorted by
 * distance), nothing padded. E edges, N atoms, F frames.
 */
export interface DeepmdGraph {
  readonly atoms: number;
  readonly edges: number;
  readonly frames: number;
  /** r_neighbour - r_centre [E, 3] in the descriptor's type: the variable energies are differentiated by. */
  readonly edge: Tensor;
  /** i32[E] */
  readonly centreType: Tensor;
  /** Types of the atoms, virtual ones as 0. */
  readonly atomType: IndexMap;
  /** i32[N+1]: rows of each centre. */
  readonly ptr: Tensor;
  /** f64[N]: 0 for virtual atoms and types without energy, 1 for others; undefined when all are 1. */
  readonly real: Tensor | undefined;
  /** i32[F+1]: atoms of each frame. */
  readonly framePtr: Tensor;
  /** i32[F+1]: edges of each frame. */
  readonly edgePtr: Tensor;
  /** The neighbour of each edge. */
  readonly neighbour: IndexMap;
  /** Of se_atten. */
  readonly attention: AttentionRows | undefined;
  /** Of se_e2_a. */
  readonly byType: TypeRows | undefined;
  /** [N, numb_fparam + numb_aparam] in f64, not normalised: what the fitting net gets beside descriptors. */
  readonly parameters: Tensor | undefined;
}
