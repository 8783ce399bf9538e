import type { Bench } from "../bench.js";
import { equivariantRows } from "./equivariant.js";
import { formatRows } from "./formats.js";
import { addRows } from "./op-add.js";
import { matmulRows } from "./matmul.js";
import { neighborRows } from "./neighbors.js";
import { deepmdRows } from "./deepmd.js";
import { segmentSumRows } from "./segment-sum.js";
import { startRows } from "./start.js";
import { verletRows } from "./verlet.js";
import { webGpuRows } from "./webgpu.js";

/** Every row of the benchmark table, in the order it is printed. */
export const rows: readonly Bench[] = [
  ...addRows,
  ...matmulRows,
  ...segmentSumRows,
  ...neighborRows,
  ...verletRows,
  ...equivariantRows,
  ...deepmdRows,
  ...formatRows,
  ...startRows,
  ...webGpuRows,
];
