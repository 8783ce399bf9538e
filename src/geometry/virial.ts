import { edgePullOp } from "../../kernels/edge_vectors/op.js";
import { mul, neg } from "../../kernels/elementwise/ops.generated.js";
import { type IndexMap, scatterSum } from "../../kernels/segment/op.js";
import { segmentOuter } from "../../kernels/segment_product/op.js";
import { reshape } from "../autograd/reshape.js";
import type { Tensor } from "../tensor/tensor.js";

/**
 * Forces [N,3] from dE/d(edge) [E,3], edge = r_neighbour - r_centre: what edges pull at their centre, less
 * what they pull at their neighbour. Edges are sorted by centre; `ptr` i32[N+1].
 */
export function assembleForces(slope: Tensor, ptr: Tensor, neighbour: IndexMap): Tensor {
  return neg(edgePullOp.apply([slope, ptr, neighbour.index, neighbour.order, neighbour.ptr]));
}

/**
 * Virials [F,9] = -sum over edges of dE/d(edge)_a edge_b, index 3a+b (spec deepmd 2.10): sum of r (x) F, eV.
 * `edgePtr` i32[F+1]: edges of each frame.
 */
export function assembleVirial(slope: Tensor, edge: Tensor, edgePtr: Tensor): Tensor {
  const virial = neg(segmentOuter(slope, edge, edgePtr));
  return reshape(virial, [virial.shape[0], 9]);
}

/** Virials per atom [N,9]: each edge's part belongs to its neighbour. */
export function atomicVirial(slope: Tensor, edge: Tensor, neighbour: IndexMap): Tensor {
  const [E] = slope.shape;
  const parts = mul(reshape(slope, [E, 3, 1]), reshape(edge, [E, 1, 3]));
  return neg(scatterSum(reshape(parts, [E, 9]), neighbour));
}
