import { indexMap, scatterSum } from "../../kernels/segment/op.js";
import type { Tensor } from "../tensor/tensor.js";

/**
 * Sums the rows of x [E, ...] that have the same index: [rows, ...], as `torch_scatter.scatter` along dimension 0.
 *
 * @param rows default: the largest index + 1. Errors: VALUE naming an index outside, SHAPE. For many calls with one index make an
 * `indexMap` once and use `scatterSum`.
 */
export function scatter(x: Tensor, index: Int32Array, rows?: number): Tensor {
  const count = rows ?? index.reduce((most, i) => Math.max(most, i), -1) + 1;
  return scatterSum(x, indexMap(index, count, x.device.name));
}
