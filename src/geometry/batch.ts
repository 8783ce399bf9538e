import { type EdgeGraph } from "../../kernels/edge_vectors/op.js";
import { indexMap } from "../../kernels/segment/op.js";
import type { DeviceName } from "../tensor/backend.js";
import type { DType } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import { tensor } from "../tensor/tensor.js";
import { type FramesNeighborList, type NeighborListOptions, neighborListOfFrames } from "./neighbor-list.js";
import type { AtomsInCell } from "./search-space.js";

/** Atoms, what they are and where: the form in which structures travel between files, models and simulations. */
export interface Structure extends AtomsInCell {
  /** [N] */
  readonly atomicNumbers: ArrayLike<number>;
}

/** F structures of any sizes in a row, N atoms in all, numbered through. */
export interface Batch {
  readonly frames: number;
  readonly atoms: number;
  /** [N, 3] angstrom */
  readonly positions: Float64Array;
  /** [N] */
  readonly atomicNumbers: Int32Array;
  /** [F, 9] rows are lattice vectors, zeros where a structure has no cell. */
  readonly cells: Float64Array;
  /** [N] the structure of each atom. */
  readonly frame: Int32Array;
  /** [F + 1] atoms of each structure. */
  readonly framePtr: Int32Array;
  /** Pairs of all structures, numbered like the atoms. */
  readonly list: FramesNeighborList;
}

/** Puts structures in a row and finds their neighbours. Errors: SHAPE, VALUE naming the structure. */
export function batchOf(
  structures: readonly Structure[],
  rcut: number,
  options?: NeighborListOptions,
): Batch {
  structures.forEach(({ positions, atomicNumbers }, f) => {
    if (positions.length !== 3 * atomicNumbers.length)
      throw new AtomgradError(
        "SHAPE",
        `batch: structure ${f} has ${atomicNumbers.length} atomic numbers and ${positions.length} coordinates`,
      );
  });
  const list = neighborListOfFrames(structures, rcut, options);
  const { framePtr } = list;
  const atoms = framePtr[structures.length];
  const batch = {
    frames: structures.length,
    atoms,
    positions: new Float64Array(3 * atoms),
    atomicNumbers: new Int32Array(atoms),
    cells: new Float64Array(9 * structures.length),
    frame: new Int32Array(atoms),
    framePtr,
    list,
  };
  structures.forEach(({ positions, atomicNumbers, cell }, f) => {
    batch.positions.set(positions, 3 * framePtr[f]);
    batch.atomicNumbers.set(atomicNumbers, framePtr[f]);
    if (cell !== null) batch.cells.set(cell, 9 * f);
    batch.frame.fill(f, framePtr[f], framePtr[f + 1]);
  });
  return batch;
}

/**
 * The pairs of a list as `edgeVectors` reads them.
 *
 * @param dtype type of the positions and cells the vectors will be made from; @param device default: the default device
 */
export function edgeGraph(list: FramesNeighborList, dtype: DType, device?: DeviceName): EdgeGraph {
  const atoms = list.ptr.length - 1;
  return {
    source: indexMap(list.edgeIndex[0], atoms, device),
    ptr: tensor(list.ptr, [atoms + 1], { device }),
    edgePtr: tensor(list.edgePtr, [list.edgePtr.length], { device }),
    shift: tensor(list.edgeShift, [list.count, 3], { dtype, device }),
  };
}
