import type { DeviceName } from "../tensor/backend.js";
import { assertOneOf, assertOptional } from "../tensor/arguments.js";
import { device as deviceByName } from "../tensor/device.js";
import { AtomgradError } from "../tensor/error.js";
import { searchCandidates } from "./candidate-search.js";
import type { Pbc } from "./cell.js";
import { keptNeighbors, type KeptNeighbors, limitNeighbors } from "./limit-neighbors.js";
import type { Matrix3 } from "./matrix3.js";
import {
  assertDouble,
  assertSearchesAlone,
  type FoundPairs,
  NeighborSearch,
  rowsOf,
  searchesAlone,
} from "./neighbor-search.js";
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
  /** Where to search: the same pairs everywhere. Default: the CPU. "webgpu" answers in the `Async` forms alone. */
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
 * positive; ASYNC_DEVICE for a device that cannot answer at once (webgpu).
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
  return listOf("neighborList", [{ positions, cell, pbc }], rcut, options);
}

/**
 * `neighborList` for every device: the same pairs in the same order, by promise. On "webgpu" the device looks for candidates and
 * the host decides; the vectors are as precise as from any other device.
 */
export function neighborListAsync(
  positions: ArrayLike<number>,
  cell: Matrix3 | null,
  pbc: Pbc,
  rcut: number,
  options: Single,
): Promise<NeighborList<Float32Array>>;
export function neighborListAsync(
  positions: ArrayLike<number>,
  cell: Matrix3 | null,
  pbc: Pbc,
  rcut: number,
  options?: Double,
): Promise<NeighborList>;
export function neighborListAsync(
  positions: ArrayLike<number>,
  cell: Matrix3 | null,
  pbc: Pbc,
  rcut: number,
  options: Single | Double = {},
): Promise<NeighborList<Float32Array | Float64Array>> {
  return promisedListOf("neighborList", [{ positions, cell, pbc }], rcut, options);
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
  return listOf("neighborListOfFrames", frames, rcut, options);
}

/** `neighborListOfFrames` for every device, as `neighborListAsync`. */
export function neighborListOfFramesAsync(
  frames: readonly AtomsInCell[],
  rcut: number,
  options: Single,
): Promise<FramesNeighborList<Float32Array>>;
export function neighborListOfFramesAsync(
  frames: readonly AtomsInCell[],
  rcut: number,
  options?: Double,
): Promise<FramesNeighborList>;
export function neighborListOfFramesAsync(
  frames: readonly AtomsInCell[],
  rcut: number,
  options: Single | Double = {},
): Promise<FramesNeighborList<Float32Array | Float64Array>> {
  return promisedListOf("neighborListOfFrames", frames, rcut, options);
}

type AnyList = FramesNeighborList<Float32Array | Float64Array>;

function listOf(
  name: string,
  frames: readonly AtomsInCell[],
  rcut: number,
  options: Single | Double,
): AnyList {
  checkOptions(name, options);
  const place = options.device === undefined ? undefined : deviceByName(options.device);
  if (place !== undefined) assertSearchesAlone(place, name);
  const search = new NeighborSearch(frames, rcut, options.inclusive ?? false, place);
  try {
    const pairs = search.pairs(0, search.atoms, options.dtype ?? "f64");
    return limited(listFrom(pairs, rowsOf(search.ptr, 0, search.atoms), search.framePtr), options);
  } finally {
    search.dispose();
  }
}

async function promisedListOf(
  name: string,
  frames: readonly AtomsInCell[],
  rcut: number,
  options: Single | Double,
): Promise<AnyList> {
  checkOptions(name, options);
  const place = options.device === undefined ? undefined : deviceByName(options.device);
  if (place === undefined || searchesAlone(place)) return listOf(name, frames, rcut, options);
  const found = await searchCandidates(frames, rcut, options.inclusive ?? false, place);
  return limited(listFrom(found.pairs(options.dtype ?? "f64"), found.ptr, found.framePtr), options);
}

function checkOptions(name: string, options: Single | Double): void {
  assertOptional(name, options);
  const { maxNeighbors, keep = "nearest", dtype = "f64" } = options;
  assertOneOf(`${name}: dtype`, dtype, ["f32", "f64"]);
  if (!keptNeighbors.includes(keep))
    throw new AtomgradError(
      "VALUE",
      `neighborList: keep is ${JSON.stringify(keep)}; choose one of ${keptNeighbors.join(", ")}`,
    );
  if (maxNeighbors !== undefined && (!Number.isInteger(maxNeighbors) || maxNeighbors < 0))
    throw new AtomgradError(
      "VALUE",
      `neighborList: maxNeighbors is ${maxNeighbors}; give a whole number of at least 0`,
    );
}

function listFrom(pairs: FoundPairs, ptr: Int32Array, framePtr: Int32Array): AnyList {
  const { neighbour, centre, shift, vector, distance } = pairs;
  return {
    count: ptr[ptr.length - 1],
    edgeIndex: [neighbour, centre],
    edgeShift: shift,
    edgeVector: vector,
    distance,
    ptr,
    framePtr,
    edgePtr: framePtr.map((i) => ptr[i]),
  };
}

function limited(list: AnyList, { maxNeighbors, keep = "nearest" }: NeighborListOptions): AnyList {
  return maxNeighbors === undefined ? list : limitNeighbors(list, maxNeighbors, keep);
}

/**
 * A neighbour list piece by piece, in bounded memory: lists of whole centres in order, each of about `pairs` pairs (more only
 * where one centre has more). Atoms keep their numbers; `ptr` covers all of them. Errors as `neighborList`.
 *
 * @param options `device`: where to search. Default: the CPU. Errors: DEVICE for one without f64 (webgpu)
 */
export function* neighborListInParts(
  { positions, cell, pbc }: AtomsInCell,
  rcut: number,
  pairs = 2 ** 20,
  { device }: Pick<NeighborListOptions, "device"> = {},
): Generator<NeighborList & { readonly total: number }> {
  const place = device === undefined ? undefined : deviceByName(device);
  if (place !== undefined) assertDouble(place, "neighborListInParts");
  const search = new NeighborSearch([{ positions, cell, pbc }], rcut, false, place);
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
