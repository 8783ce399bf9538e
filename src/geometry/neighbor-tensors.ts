import { cast } from "../../kernels/cast/op.js";
import { detach } from "../autograd/node.js";
import type { DeviceContext } from "../tensor/device.js";
import type { TypedArray } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import { scope } from "../tensor/scope.js";
import { showShape } from "../tensor/shape.js";
import { type Tensor, tensor } from "../tensor/tensor.js";
import type { Pbc } from "./cell.js";
import type { Matrix3 } from "./matrix3.js";
import { searchCandidates } from "./candidate-search.js";
import {
  assertSearchesAlone,
  type FoundPairs,
  NeighborSearch,
  rowsOf,
  searchesAlone,
} from "./neighbor-search.js";

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

export interface NeighborTensorsOptions {
  /** Also pairs exactly at the cutoff. */
  readonly inclusive?: boolean;
  /** Number type of vectors and distances. Default: that of the positions. */
  readonly dtype?: "f32" | "f64";
}

/**
 * All pairs closer than `rcut`, as `neighborList` finds them and in the same order, found on the device where the positions
 * are (cpu or cuda) and left there; the numbers of neighbours are read back to size the result. Which pairs are neighbours
 * is decided in f64, of positions in f32 as they are.
 *
 * @param positions [N, 3] angstrom; @param cell 9 numbers, rows are lattice vectors; null: no cell
 *
 * Errors: SHAPE, VALUE as `neighborList`; ASYNC_DEVICE for positions on a device that cannot answer at once (webgpu).
 */
export function neighborTensors(
  positions: Tensor,
  cell: Matrix3 | null,
  pbc: Pbc,
  rcut: number,
  { inclusive = false, dtype }: NeighborTensorsOptions = {},
): NeighborTensors {
  checkPositions(positions);
  const { device } = positions;
  assertSearchesAlone(device, "neighborTensors");
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

/**
 * `neighborTensors` for every device, by promise. Positions on webgpu are read back; the device looks for candidates, the host
 * decides in f64, as exactly as anywhere, and sends the pairs. The tensors belong to the scope that is open when the promise is
 * kept: call it in `scopeAsync`, or dispose of them.
 *
 * Errors: as `neighborTensors`; DTYPE for vectors in f64 where the device has none; DEVICE for more pairs than its buffers hold.
 */
export async function neighborTensorsAsync(
  positions: Tensor,
  cell: Matrix3 | null,
  pbc: Pbc,
  rcut: number,
  options: NeighborTensorsOptions = {},
): Promise<NeighborTensors> {
  checkPositions(positions);
  const { device } = positions;
  if (searchesAlone(device)) return neighborTensors(positions, cell, pbc, rcut, options);
  const dtype = options.dtype ?? (positions.dtype as "f32" | "f64");
  device.backend.itemBytes(dtype); // an error now rather than after the search
  const exact = Float64Array.from(await positions.data());
  const { inclusive = false } = options;
  const found = await searchCandidates([{ positions: exact, cell, pbc }], rcut, inclusive, device);
  return scope(() => tensorsOf(found.pairs(dtype), found.ptr, device));
}

function checkPositions(positions: Tensor): void {
  if (positions.rank !== 2 || positions.shape[1] !== 3 || !/^f(32|64)$/.test(positions.dtype))
    throw new AtomgradError(
      "SHAPE",
      `neighborTensors: positions are ${positions.dtype}${showShape(positions.shape)}; give f32 or f64 [N,3]`,
    );
}

function tensorsOf(pairs: FoundPairs, ptr: Int32Array, device: DeviceContext): NeighborTensors {
  const { neighbour, centre, shift, vector, distance } = pairs;
  const E = distance.length;
  const onDevice = (data: TypedArray, shape: number[]) => tensor(data, shape, { device: device.name });
  return {
    count: E,
    edgeIndex: [onDevice(neighbour, [E]), onDevice(centre, [E])],
    edgeShift: onDevice(shift, [E, 3]),
    edgeVector: onDevice(vector, [E, 3]),
    distance: onDevice(distance, [E]),
    ptr: onDevice(ptr, [ptr.length]),
  };
}
