import { cast } from "../../kernels/cast/op.js";
import { detach } from "../autograd/node.js";
import { AtomgradError } from "../tensor/error.js";
import { scope } from "../tensor/scope.js";
import { showShape } from "../tensor/shape.js";
import { type Tensor, tensor } from "../tensor/tensor.js";
import type { Pbc } from "./cell.js";
import type { Matrix3 } from "./matrix3.js";
import { assertDouble, NeighborSearch, rowsOf } from "./neighbor-search.js";

/** A neighbour list on the device of its positions: what `NeighborList` holds, as tensors. */
export interface NeighborTensors {
  /** Number of pairs E. */
  readonly count: number;
  /** Neighbour j (source) and centre i (target), i32[E] each. */
  readonly edgeIndex: readonly [Tensor, Tensor];
  /** i32[E, 3] integer cell offsets of the neighbour. */
  readonly edgeShift: Tensor;
  /** [E, 3] r_j + shift . cell - r_i, angstrom; not recorded: `edgeVectors` makes differentiable ones. */
  readonly edgeVector: Tensor;
  /** [E] angstrom */
  readonly distance: Tensor;
  /** i32[N + 1] pairs of centre i are ptr[i] .. ptr[i + 1]. */
  readonly ptr: Tensor;
}

/**
 * All pairs closer than `rcut`, as `neighborList` finds them and in the same order, found on the device where the positions
 * are (cpu or cuda) and left there; the numbers of neighbours are read back to size the result. Which pairs are neighbours
 * is decided in f64, of positions in f32 as they are.
 *
 * @param positions [N, 3] angstrom; @param cell 9 numbers, rows are lattice vectors; null: no cell
 * @param options `inclusive`: also pairs exactly at the cutoff; `dtype` of vectors and distances: that of the positions
 *
 * Errors: SHAPE, VALUE as `neighborList`; DEVICE for positions on a device without f64 (webgpu).
 */
export function neighborTensors(
  positions: Tensor,
  cell: Matrix3 | null,
  pbc: Pbc,
  rcut: number,
  { inclusive = false, dtype }: { readonly inclusive?: boolean; readonly dtype?: "f32" | "f64" } = {},
): NeighborTensors {
  if (positions.rank !== 2 || positions.shape[1] !== 3 || !/^f(32|64)$/.test(positions.dtype))
    throw new AtomgradError(
      "SHAPE",
      `neighborTensors: positions are ${positions.dtype}${showShape(positions.shape)}; give f32 or f64 [N,3]`,
    );
  const { device } = positions;
  assertDouble(device);
  return scope(() => {
    const exact = cast(detach(positions), "f64");
    const search = new NeighborSearch([{ positions: exact, cell, pbc }], rcut, inclusive, device);
    try {
      const pairs = search.tensors(0, search.atoms, dtype ?? (positions.dtype as "f32" | "f64"));
      const [neighbour, centre, edgeShift, edgeVector, distance] = pairs;
      const rows = rowsOf(search.ptr, 0, search.atoms);
      const ptr = tensor(rows, [rows.length], { device: device.name });
      return { count: distance.size, edgeIndex: [neighbour, centre], edgeShift, edgeVector, distance, ptr };
    } finally {
      search.dispose();
    }
  });
}
