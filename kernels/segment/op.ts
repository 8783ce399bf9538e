import { defineOp } from "../../src/autograd/define-op.js";
import { detach } from "../../src/autograd/node.js";
import { reshape } from "../../src/autograd/reshape.js";
import { groupsOf64 } from "../../src/tensor/backend.js";
import type { DeviceName } from "../../src/tensor/backend.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { showShape } from "../../src/tensor/shape.js";
import { ones, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { div, equal, exp, maximum, mul, sub } from "../elementwise/ops.generated.js";
import { chunkBytes } from "./chunks.js";
import {
  gatherReference,
  gatherSumReference,
  segmentExpandReference,
  segmentMaxReference,
  segmentSumReference,
} from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

/** out[n] = sum of x[e] over the rows e of segment n. Status 1: the pointers do not fit. */
export const segmentSumOp = /*#__PURE__*/ defineOp({
  name: "segmentSum",
  inputs: { x: "[E,F]", ptr: "i32[N+1]" },
  output: "[N,F]",
  save: ["ptr"],
  vjp: (g, { ptr }, a) => ({ x: segmentExpandOp.apply([g, ptr], a) }),
  attrs: { E: "int" },
  status: (_code, d) => `ptr must rise from 0 and end at the number of rows, ${d.E}`,
  cost: (d) => ({ flop: d.E * d.F, elements: (d.E + d.N) * d.F }),
  reference: segmentSumReference,
  wgsl: { code: wgsl, groups: (ints) => groupsOf64(ints[2] * ints[1]) },
});

/**
 * out[n] = the largest of x[e] over the rows e of segment n, column by column; 0 for an empty segment. Rows that reach it share
 * the gradient. Status 1: the pointers do not fit.
 */
export const segmentMaxOp = /*#__PURE__*/ defineOp({
  name: "segmentMax",
  inputs: { x: "[E,F]", ptr: "i32[N+1]" },
  output: "[N,F]",
  save: ["x", "ptr", "out"],
  vjp: (g, { x, ptr, out }, a) => {
    const reached = equal(x, segmentExpandOp.apply([out, ptr], a));
    // An empty segment has no rows to share with.
    const share = div(g, maximum(segmentSumOp.apply([reached, ptr], a), 1));
    return { x: mul(segmentExpandOp.apply([share, ptr], a), reached) };
  },
  attrs: { E: "int" },
  status: (_code, d) => `ptr must rise from 0 and end at the number of rows, ${d.E}`,
  cost: (d) => ({ flop: d.E * d.F, elements: (d.E + d.N) * d.F }),
  reference: segmentMaxReference,
  wgsl: { code: wgsl, groups: (ints) => groupsOf64(ints[2] * ints[1]) },
});

/** out[e] = y[n] for the rows e of segment n: the adjoint of segmentSum. */
export const segmentExpandOp = /*#__PURE__*/ defineOp({
  name: "segmentExpand",
  inputs: { y: "[N,F]", ptr: "i32[N+1]" },
  attrs: { E: "int" },
  output: "[E,F]",
  save: ["ptr"],
  vjp: (g, { ptr }, a) => ({ y: segmentSumOp.apply([g, ptr], a) }),
  status: (_code, d) => `ptr must rise from 0 and end at the number of rows, ${d.E}`,
  cost: (d) => ({ flop: 0, elements: (d.E + d.N) * d.F }),
  reference: segmentExpandReference,
  wgsl: { code: wgsl, groups: (ints) => groupsOf64(ints[0] * ints[1]) },
});

/** out[e] = x[index[e]], zeros where the index is -1. */
export const gatherOp = /*#__PURE__*/ defineOp({
  name: "gather",
  inputs: { x: "[R,F]", index: "i32[E]", order: "i32[K]", ptr: "i32[R+1]" },
  types: ["f32", "f64", "i32"],
  output: "[E,F]",
  save: ["index", "order", "ptr"],
  vjp: (g, { index, order, ptr }) => ({ x: gatherSumOp.apply([g, index, order, ptr]) }),
  cost: (d) => ({ flop: 0, elements: 2 * d.E * d.F }),
  reference: gatherReference,
  wgsl: {
    code: wgsl,
    types: ["f32", "i32"],
    unread: ["order", "ptr"],
    groups: (ints) => groupsOf64(ints[2] * ints[1]),
  },
});

/** out[r] = sum of x[order[k]] for k in [ptr[r], ptr[r+1]): the adjoint of gather, in the order of the rows. */
export const gatherSumOp = /*#__PURE__*/ defineOp({
  name: "gatherSum",
  inputs: { x: "[E,F]", index: "i32[E]", order: "i32[K]", ptr: "i32[R+1]" },
  output: "[R,F]",
  save: ["index", "order", "ptr"],
  vjp: (g, { index, order, ptr }) => ({ x: gatherOp.apply([g, index, order, ptr]) }),
  work: (d, itemBytes) => chunkBytes(d.E, d.F, itemBytes),
  cost: (d) => ({ flop: d.E * d.F, elements: (d.E + d.R) * d.F }),
  reference: gatherSumReference,
  wgsl: { code: wgsl, unread: ["index"], groups: (ints) => groupsOf64(ints[3] * ints[1]) },
});

/**
 * A look-up into rows with everything its adjoint needs, so that sums back into the rows have a fixed order: `order`
 * lists the positions by row, `ptr` says where each row's begin.
 */
export interface IndexMap {
  readonly rows: number;
  /** i32[E] */
  readonly index: Tensor;
  /** i32[K], K the number of positions that are not -1 */
  readonly order: Tensor;
  /** i32[rows + 1] */
  readonly ptr: Tensor;
}

/** Makes an IndexMap; -1 stands for no row. Errors: VALUE naming the position of an index outside. */
export function indexMap(index: Int32Array, rows: number, device?: DeviceName): IndexMap {
  const ptr = new Int32Array(rows + 1);
  for (let e = 0; e < index.length; e++) {
    const row = index[e];
    if (row < -1 || row >= rows)
      throw new AtomgradError(
        "VALUE",
        `indexMap: index ${row} at position ${e} is outside 0..${rows - 1} (and not -1)`,
      );
    if (row >= 0) ptr[row + 1]++;
  }
  for (let r = 0; r < rows; r++) ptr[r + 1] += ptr[r];
  const next = ptr.slice(0, rows);
  const order = new Int32Array(ptr[rows]);
  for (let e = 0; e < index.length; e++) if (index[e] >= 0) order[next[index[e]]++] = e;
  const place = (data: Int32Array): Tensor => tensor(data, [data.length], { device });
  return { rows, index: place(index), order: place(order), ptr: place(ptr) };
}

/**
 * Sum over sorted segments: x [E, ...], ptr i32[N+1] rising from 0 to E -> [N, ...]. Empty segments give 0.
 * Errors: VALUE when the pointers do not fit.
 */
export function segmentSum(x: Tensor, ptr: Tensor): Tensor {
  const [rows, rest] = rowsOf("segmentSum", x);
  const out = segmentSumOp.apply([rows, ptr], { E: rows.shape[0] });
  return shapedRows(out, rest);
}

/** Mean over sorted segments, as `segmentSum`. Empty segments give 0. */
export function segmentMean(x: Tensor, ptr: Tensor): Tensor {
  const [rows, rest] = rowsOf("segmentMean", x);
  const [E] = rows.shape;
  const count = segmentSumOp.apply([ones([E, 1], { dtype: x.dtype, device: x.device.name }), ptr], { E });
  const out = div(segmentSumOp.apply([rows, ptr], { E }), maximum(count, 1));
  return shapedRows(out, rest);
}

/** Largest elements over sorted segments, as `segmentSum`. Empty segments give 0; ties share the gradient. */
export function segmentMax(x: Tensor, ptr: Tensor): Tensor {
  const [rows, rest] = rowsOf("segmentMax", x);
  const out = segmentMaxOp.apply([rows, ptr], { E: rows.shape[0] });
  return shapedRows(out, rest);
}

/**
 * Softmax over the rows of each sorted segment, column by column: x [E, ...] -> [E, ...] (`torch_geometric.utils.softmax`).
 * Errors: VALUE when the pointers do not fit.
 */
export function segmentSoftmax(x: Tensor, ptr: Tensor): Tensor {
  const [rows, rest] = rowsOf("segmentSoftmax", x);
  const [E] = rows.shape;
  // The result does not depend on what is subtracted.
  const largest = segmentMaxOp.apply([detach(rows), ptr], { E });
  const weight = exp(sub(rows, segmentExpandOp.apply([largest, ptr], { E })));
  const total = segmentExpandOp.apply([segmentSumOp.apply([weight, ptr], { E }), ptr], { E });
  return shapedRows(div(weight, total), rest);
}

/** Repeats y [N, ...] for every row of its segment -> [E, ...]. */
export function segmentExpand(y: Tensor, ptr: Tensor, E: number): Tensor {
  const [rows, rest] = rowsOf("segmentExpand", y);
  return shapedRows(segmentExpandOp.apply([rows, ptr], { E }), rest);
}

/** Rows of x [rows, ...] in the order of the map -> [E, ...]; also for i32. Errors: SHAPE. */
export function gather(x: Tensor, map: IndexMap): Tensor {
  const [rows, rest] = rowsOf("gather", x);
  const out = gatherOp.apply([rows, map.index, map.order, map.ptr]);
  return shapedRows(out, rest);
}

/** Adds the rows of x [E, ...] into the rows the map names -> [rows, ...] (PyTorch's index_add_, in a fixed order). */
export function scatterSum(x: Tensor, map: IndexMap): Tensor {
  const [rows, rest] = rowsOf("scatterSum", x);
  const out = gatherSumOp.apply([rows, map.index, map.order, map.ptr]);
  return shapedRows(out, rest);
}

/** x as rows, and the shape of one. */
function rowsOf(what: string, x: Tensor): [Tensor, number[]] {
  if (x.rank === 0)
    throw new AtomgradError("SHAPE", `${what}: expected rows, got a scalar of shape ${showShape(x.shape)}`);
  const rest = x.shape.slice(1);
  if (rest.length === 1) return [x, rest];
  return [reshape(x, [x.shape[0], rest.reduce((a, b) => a * b, 1)]), rest];
}

function shapedRows(rows: Tensor, shape: readonly number[]): Tensor {
  return shape.length === 1 ? rows : reshape(rows, [rows.shape[0], ...shape]);
}
