import type { DeviceName } from "../tensor/backend.js";
import { device as deviceByName } from "../tensor/device.js";
import { AtomgradError } from "../tensor/error.js";
import type { Pbc } from "./cell.js";
import { type KeptNeighbors, limitNeighbors } from "./limit-neighbors.js";
import type { Matrix3 } from "./matrix3.js";
import { NeighborSearch, rowsOf } from "./neighbor-search.js";
import type { FramesNeighborList, NeighborList } from "./pair-list.js";
import type { AtomsInCell } from "./search-space.js";

export type { FramesNeighborList, NeighborList };

export interface NeighborListOptions {
  /** Also pairs exactly at the cutoff. */
  readonly inclusive?: boolean;
  /** Keeps at most this many neighbours of each centre. Default: all. */
  readonly maxNeighbors?: number;
  /** Which ones; default nearest. */
  readonly keep?: KeptNeighbors;
  /** Where to search: the same pairs everywhere. Default: the CPU. Errors: DEVICE for one without f64 (webgpu). */
  readonly device?: DeviceName;
}

/** Vectors and distances rounded to single precision; which pairs are neighbours is always decided in f64. */
type Single = NeighborListOptions & { readonly dtype: "f32" };
type Double = NeighborListOptions & { readonly dtype?: "f64" };

/**
 * All pairs closer than `rcut` (strictly), images of an atom included, an atom with itself excluded. Any
 * triclinic or left-handed cell, any mixture of periodic directions, atoms outside the cell, cutoffs larger
 * than the cell. Time and memory grow with the number of atoms, by cell lists.
 *
 * @param positions [N, 3] angstrom, never wrapped in the result
 * @param cell 9 numbers, rows are lattice vectors; vectors of non-periodic directions may be zero; null: no
 * cell
 * @param pbc periodic directions
 * @param options `dtype: "f32"`: vectors and distances rounded to single precision
 *
 * Errors: SHAPE; VALUE for non-finite positions, a periodic cell without volume, a cutoff that is not
 * positive.
 */
export function neighborList(
  positions: ArrayLike<number>,
  cell: Matrix3 | null,
  pbc: Pbc,
  rcut: number,
  options: Single,
): NeighborList<Float32Array>;
export function neighborList(
  positions: ArrayLike<number>,
  cell: Matrix3 | null,
  pbc: Pbc,
  rcut: number,
  options?: Double,
): NeighborList;
export function neighborList(
  positions: ArrayLike<number>,
  cell: Matrix3 | null,
  pbc: Pbc,
  rcut: number,
  options: Single | Double = {},
): NeighborList<Float32Array | Float64Array> {
  return listOf([{ positions, cell, pbc }], rcut, options);
}

/**
 * The neighbour lists of frames that may differ in everything, searched together; pairs stay within a frame.
 * Errors as `neighborList`, naming the frame.
 */
export function neighborListOfFrames(
  frames: readonly AtomsInCell[],
  rcut: number,
  options: Single,
): FramesNeighborList<Float32Array>;
export function neighborListOfFrames(
  frames: readonly AtomsInCell[],
  rcut: number,
  options?: Double,
): FramesNeighborList;
export function neighborListOfFrames(
  frames: readonly AtomsInCell[],
  rcut: number,
  options: Single | Double = {},
): FramesNeighborList<Float32Array | Float64Array> {
  return listOf(frames, rcut, options);
}

function listOf(
  frames: readonly AtomsInCell[],
  rcut: number,
  { inclusive = false, dtype = "f64", maxNeighbors, keep = "nearest", device }: Single | Double,
): FramesNeighborList<Float32Array | Float64Array> {
  if (maxNeighbors !== undefined && (!Number.isInteger(maxNeighbors) || maxNeighbors < 0))
    throw new AtomgradError(
      "VALUE",
      `neighborList: maxNeighbors is ${maxNeighbors}; give a whole number of at least 0`,
    );
  const place = device === undefined ? undefined : deviceByName(device);
  const search = new NeighborSearch(frames, rcut, inclusive, place);
  try {
    const { neighbour, centre, shift, vector, distance } = search.pairs(0, search.atoms, dtype);
    const ptr = rowsOf(search.ptr, 0, search.atoms);
    const list = {
      count: ptr[search.atoms],
      edgeIndex: [neighbour, centre] as const,
      edgeShift: shift,
      edgeVector: vector,
      distance,
      ptr,
      framePtr: search.framePtr,
      edgePtr: search.framePtr.map((i) => ptr[i]),
    };
    if (maxNeighbors === undefined) return list;
    return limitNeighbors(list, maxNeighbors, keep);
  } finally {
    search.dispose();
  }
}

/**
 * A neighbour list piece by piece, in bounded memory: lists of whole centres in order, each of about `pairs` pairs (more only
 * where one centre has more). Atoms keep their numbers; `ptr` covers all of them. Errors as `neighborList`.
 */
export function* neighborListInParts(
  { positions, cell, pbc }: AtomsInCell,
  rcut: number,
  pairs = 2 ** 20,
): Generator<NeighborList & { readonly total: number }> {
  const search = new NeighborSearch([{ positions, cell, pbc }], rcut, false);
  const { ptr, atoms } = search;
  const total = ptr[atoms];
  try {
    let from = 0;
    do {
      let to = Math.min(from + 1, atoms);
      while (to < atoms && ptr[to + 1] - ptr[from] <= pairs) to++;
      const found = search.pairs(from, to, "f64");
      yield {
        total,
        count: found.neighbour.length,
        edgeIndex: [found.neighbour, found.centre],
        edgeShift: found.shift,
        edgeVector: found.vector as Float64Array,
        distance: found.distance as Float64Array,
        ptr: rowsOf(ptr, from, to),
      };
      from = to;
    } while (from < atoms);
  } finally {
    search.dispose();
  }
}
