import { defineOp, type Inputs } from "../../src/autograd/define-op.js";
import { reshape } from "../../src/autograd/reshape.js";
import { groupsOf64 } from "../../src/tensor/backend.js";
import { AtomgradError } from "../../src/tensor/error.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { add, mul, sub } from "../elementwise/ops.generated.js";
import { gather, type IndexMap, scatterSum, segmentExpand, segmentSum } from "../segment/op.js";
import { segmentOuter } from "../segment_product/op.js";
import { slice } from "../shape_ops/op.js";
import { edgePullReference, edgeVectorsReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

const look = { ptr: "i32[N+1]", source: "i32[E]", order: "i32[K]", sourcePtr: "i32[N+1]" } as const;
const status = (code: number): string =>
  code === 1
    ? "ptr must rise from 0 and end at the number of edges"
    : "edgePtr must rise from 0 and end at the number of edges";

/** r_source - r_centre (+ shift . cell): see `edgeVectors`. Status 1, 2: pointers do not fit. */
export const edgeVectorsOp = /*#__PURE__*/ defineOp({
  name: "edgeVectors",
  inputs: {
    positions: "[N,3]",
    "cell?": "[B,9]",
    "shift?": "[E,3]",
    ptr: look.ptr,
    "edgePtr?": "i32[B+1]",
    source: look.source,
    order: look.order,
    sourcePtr: look.sourcePtr,
  },
  output: "[E,3]",
  save: ["shift", "ptr", "edgePtr", "source", "order", "sourcePtr"],
  vjp: (g, { shift, ptr, edgePtr, source, order, sourcePtr }, _a, needs) => ({
    positions: needs("positions") ? edgePullOp.apply([g, ptr, source, order, sourcePtr]) : undefined,
    cell: needs("cell") ? cellGradient(shift, g, edgePtr) : undefined,
  }),
  decompose: (i) => differences(i),
  status,
  cost: (d) => ({ flop: 9 * d.E, elements: 10 * d.E + 3 * d.N }),
  reference: edgeVectorsReference,
  wgsl: { code: wgsl, unread: ["order", "sourcePtr"], groups: (ints) => groupsOf64(ints[2]) },
});

/** What edges pull at their atoms: the sum of g over edges to a neighbour less that over edges of a centre. */
export const edgePullOp = /*#__PURE__*/ defineOp({
  name: "edgePull",
  inputs: { g: "[E,3]", ...look },
  output: "[N,3]",
  save: ["ptr", "source", "order", "sourcePtr"],
  vjp: (w, { ptr, source, order, sourcePtr }) => ({
    g: edgeVectorsOp.apply([w, undefined, undefined, ptr, undefined, source, order, sourcePtr]),
  }),
  decompose: (i) => sub(scatterSum(i.g, mapOf(i)), segmentSum(i.g, i.ptr)),
  status,
  cost: (d) => ({ flop: 6 * d.E, elements: 7 * d.E + 3 * d.N }),
  reference: edgePullReference,
  wgsl: { code: wgsl, unread: ["source"], groups: (ints) => groupsOf64(ints[1]) },
});

/** Directed edges of frames in a row, sorted by centre: N atoms, E edges, B frames. */
export interface EdgeGraph {
  /** The neighbour (source) of each edge among the N atoms. */
  readonly source: IndexMap;
  /** i32[N+1]: edges of each centre. */
  readonly ptr: Tensor;
  /** i32[B+1]: edges of each frame. */
  readonly edgePtr: Tensor;
  /** [E,3] whole numbers of lattice vectors, in the type of the positions. */
  readonly shift: Tensor;
}

/**
 * Edge vectors r_source + shift . cell - r_centre, differentiable in positions and cell to any order.
 *
 * @param positions [N,3] angstrom; @param cell [B,9] or [B,3,3], rows are lattice vectors; undefined: no periodic images
 * @returns [E,3] angstrom. Errors: SHAPE; VALUE when pointers do not fit.
 */
export function edgeVectors(positions: Tensor, graph: EdgeGraph, cell?: Tensor): Tensor {
  const { source, ptr, edgePtr, shift } = graph;
  const look = [source.index, source.order, source.ptr];
  if (cell === undefined)
    return edgeVectorsOp.apply([positions, undefined, undefined, ptr, undefined, ...look]);
  if (cell.size !== 9 * cell.shape[0])
    throw new AtomgradError(
      "SHAPE",
      `edgeVectors: cell expected [B,9] or [B,3,3], got [${cell.shape.join(",")}]`,
    );
  return edgeVectorsOp.apply([positions, reshape(cell, [cell.shape[0], 9]), shift, ptr, edgePtr, ...look]);
}

const mapOf = ({ source, order, sourcePtr }: Inputs): IndexMap => ({
  rows: sourcePtr.shape[0] - 1,
  index: source,
  order,
  ptr: sourcePtr,
});

function cellGradient(shift: Tensor, g: Tensor, edgePtr: Tensor): Tensor {
  const frames = edgePtr.shape[0] - 1;
  return reshape(segmentOuter(shift, g, edgePtr), [frames, 9]);
}

function differences(i: Inputs): Tensor {
  const E = i.source.shape[0];
  const difference = sub(gather(i.positions, mapOf(i)), segmentExpand(i.positions, i.ptr, E));
  if (i.cell === undefined) return difference;
  const cells = segmentExpand(i.cell, i.edgePtr, E);
  const images = [0, 1, 2].map((a) => mul(slice(i.shift, 1, a, a + 1), slice(cells, 1, 3 * a, 3 * a + 3)));
  return images.reduce((sum, image) => add(sum, image), difference);
}
