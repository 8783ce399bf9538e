import { defineOp, type Dims } from "../../src/autograd/define-op.js";
import type { WgslKernel } from "../../src/tensor/backend.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gemmSerialWorkspaceBytes } from "../matmul/workspace.js";
import { centrePointerSentence, pointers } from "./centre-pointers.js";
import { raggedNNReference, raggedNTReference, raggedTNReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

const status = (code: number, dims: Dims): string => centrePointerSentence(code, dims, "rows");

const cost = (d: Dims): { flop: number; elements: number } => ({
  flop: 2 * d.P * d.H,
  elements: 2 * d.E * d.H + d.P,
});

/** The numbers of cpu.cc: the scratch memory of at most 64 runs. */
const runsOf = (d: Dims): number => Math.min(d.N, 64);

/** Sums of at most 192 rows. */
const workOfRows = (d: Dims, itemBytes: number): number =>
  runsOf(d) * gemmSerialWorkspaceBytes(d.H, 192, itemBytes);

/** Eight workgroups for each centre, and eight for what belongs to none (webgpu.wgsl). */
function onGpu(centres: (ints: Int32Array) => number): WgslKernel {
  return {
    code: wgsl,
    groups: (ints) => {
      const groups = 8 * (centres(ints) + 1);
      return [Math.min(groups, 32768), Math.ceil(groups / 32768), 1];
    },
  };
}

export const raggedNTOp = /*#__PURE__*/ defineOp({
  name: "ragged_nt",
  inputs: { x: "[E,H]", y: "[E,H]", ...pointers },
  attrs: { P: "int" },
  output: "[P]",
  // Panels of 64 columns.
  work: (d, itemBytes) => runsOf(d) * gemmSerialWorkspaceBytes(64, d.H, itemBytes),
  status,
  save: ["x", "y", "ptr", "start"],
  vjp: (g, { x, y, ptr, start }, _a, needs) => ({
    x: needs("x") ? raggedNN(g, y, ptr, start) : undefined,
    y: needs("y") ? raggedTN(g, x, ptr, start) : undefined,
  }),
  cost,
  reference: raggedNTReference,
  wgsl: onGpu((ints) => ints[2]),
});

export const raggedNNOp = /*#__PURE__*/ defineOp({
  name: "ragged_nn",
  inputs: { a: "[P]", v: "[E,H]", ...pointers },
  output: "[E,H]",
  work: workOfRows,
  status,
  save: ["a", "v", "ptr", "start"],
  vjp: (g, { a, v, ptr, start }, _a, needs) => ({
    a: needs("a") ? raggedNT(g, v, ptr, start, a.size) : undefined,
    v: needs("v") ? raggedTN(a, g, ptr, start) : undefined,
  }),
  cost,
  reference: raggedNNReference,
  wgsl: onGpu((ints) => ints[3]),
});

export const raggedTNOp = /*#__PURE__*/ defineOp({
  name: "ragged_tn",
  inputs: { a: "[P]", x: "[E,H]", ...pointers },
  output: "[E,H]",
  work: workOfRows,
  status,
  save: ["a", "x", "ptr", "start"],
  vjp: (g, { a, x, ptr, start }, _a, needs) => ({
    a: needs("a") ? raggedNT(x, g, ptr, start, a.size) : undefined,
    x: needs("x") ? raggedNN(a, g, ptr, start) : undefined,
  }),
  cost,
  reference: raggedTNReference,
  wgsl: onGpu((ints) => ints[3]),
});

/**
 * Products between all rows of each centre: C_i = X_i Y_i^T, [n_i, n_i], side by side in one array [pairCount].
 *
 * @param x [E,H]; @param y [E,H]
 * @param ptr i32[N+1]: centre i owns rows ptr[i] to ptr[i+1]
 * @param start i32[N+1]: where the matrix of centre i starts, start[i+1] >= start[i] + n_i^2
 * @param pairCount at least start[N]; elements of no centre are 0
 *
 * Differentiable to any order. Errors: SHAPE; VALUE for pointers that do not fit (on the CPU, where they can be read).
 */
export function raggedNT(x: Tensor, y: Tensor, ptr: Tensor, start: Tensor, pairCount: number): Tensor {
  return raggedNTOp.apply([x, y, ptr, start], { P: pairCount });
}

/** O_i = A_i V_i: rows of each centre mixed by its matrix. a [P], v [E,H] -> [E,H]; pointers and errors as in `raggedNT`. */
export function raggedNN(a: Tensor, v: Tensor, ptr: Tensor, start: Tensor): Tensor {
  return raggedNNOp.apply([a, v, ptr, start]);
}

/** Z_i = A_i^T X_i. a [P], x [E,H] -> [E,H]; pointers and errors as in `raggedNT`. */
export function raggedTN(a: Tensor, x: Tensor, ptr: Tensor, start: Tensor): Tensor {
  return raggedTNOp.apply([a, x, ptr, start]);
}
