import { neighbourCount, neighbourFill, neighbourGrid } from "../../kernels/neighbours/op.js";
import { openReference } from "../backends/reference/reference.js";
import type { DeviceName } from "../tensor/backend.js";
import { defaultDevice, isOpen } from "../tensor/device.js";
import { AtomgradError } from "../tensor/error.js";
import { scope } from "../tensor/scope.js";
import { tensor } from "../tensor/tensor.js";
import type { Pbc } from "./cell.js";
import type { Matrix3 } from "./matrix3.js";
import { type AtomsInCell, SearchArrays } from "./search-space.js";

/** A full directed neighbour list, sorted by centre, neighbour and offset. */
export interface NeighborList {
  /** Number of pairs E. */
  readonly count: number;
  /** Row 0: neighbour j (source), row 1: centre i (target); [2][E]. */
  readonly edgeIndex: readonly [Int32Array, Int32Array];
  /** [E, 3] integer cell offsets of the neighbour. */
  readonly edgeShift: Int32Array;
  /** [E, 3] r_j + shift . cell - r_i with the positions as given, angstrom. */
  readonly edgeVector: Float64Array;
  /** [E] angstrom */
  readonly distance: Float64Array;
  /** [N + 1] pairs of centre i are ptr[i] .. ptr[i + 1]. */
  readonly ptr: Int32Array;
}

/** The neighbour lists of several frames in a row; atoms are numbered through. */
export interface FramesNeighborList extends NeighborList {
  /** [F + 1] atoms of each frame. */
  readonly framePtr: Int32Array;
  /** [F + 1] pairs of each frame. */
  readonly edgePtr: Int32Array;
}

export interface NeighborListOptions {
  /** Also pairs exactly at the cutoff. */
  inclusive?: boolean;
}

/** Offsets and vectors have three numbers a pair, and no array holds more than 2^31 - 1. */
const mostPairs = Math.floor((2 ** 31 - 1) / 3);

/**
 * All pairs closer than `rcut` (strictly), images of an atom included, an atom with itself excluded. Any
 * triclinic or left-handed cell, any mixture of periodic directions, atoms outside the cell, cutoffs larger
 * than the cell.
 *
 * @param positions [N, 3] angstrom, never wrapped in the result
 * @param cell 9 numbers, rows are lattice vectors; vectors of non-periodic directions may be zero; null: no
 * cell
 * @param pbc periodic directions
 *
 * Errors: SHAPE; VALUE for non-finite positions, a periodic cell without volume, a cutoff that is not
 * positive.
 */
export function neighborList(
  positions: ArrayLike<number>,
  cell: Matrix3 | null,
  pbc: Pbc,
  rcut: number,
  options: NeighborListOptions = {},
): NeighborList {
  return neighborListOfFrames([{ positions, cell, pbc }], rcut, options);
}

/**
 * The neighbour lists of frames that may differ in everything, searched together; pairs stay within a frame.
 */
export function neighborListOfFrames(
  frames: readonly AtomsInCell[],
  rcut: number,
  options: NeighborListOptions = {},
): FramesNeighborList {
  if (!(rcut > 0) || !Number.isFinite(rcut))
    throw new AtomgradError("VALUE", `neighborList: rcut is ${rcut}; give a positive length`);
  const arrays = new SearchArrays(frames, rcut);
  const inclusive = options.inclusive ?? false;
  const device = searchDevice();
  return scope(() => {
    const space = neighbourGrid(arrays.tensors(device));
    const ptr = pointers(neighbourCount(space, rcut, inclusive).dataSync());
    const count = ptr[arrays.atoms];
    const range = { E: count, from: 0, to: arrays.atoms };
    const pairs = neighbourFill(space, tensor(ptr, [ptr.length], { device }), range, rcut, inclusive);
    const [source, target, shift, vector, distance] = pairs.map((t) => t.dataSync());
    return {
      count,
      edgeIndex: [source as Int32Array, target as Int32Array] as const,
      edgeShift: shift as Int32Array,
      edgeVector: vector as Float64Array,
      distance: distance as Float64Array,
      ptr,
      framePtr: arrays.framePtr,
      edgePtr: arrays.framePtr.map((i) => ptr[i]),
    };
  });
}

/**
 * Searching needs answers at once and in float64: the CPU, or its readable stand-in where there is none
 * (browsers).
 */
function searchDevice(): DeviceName {
  if (isOpen("cpu")) return "cpu";
  defaultDevice(); // an error when nothing is open: the stand-in must not become the default unasked
  openReference();
  return "reference";
}

function pointers(counts: ArrayLike<number>): Int32Array {
  const ptr = new Int32Array(counts.length + 1);
  let total = 0;
  for (let i = 0; i < counts.length; i++) ptr[i + 1] = total += counts[i];
  if (total > mostPairs)
    throw new AtomgradError(
      "VALUE",
      `neighborList: ${total} pairs; at most ${mostPairs} fit, use a smaller rcut`,
    );
  return ptr;
}
