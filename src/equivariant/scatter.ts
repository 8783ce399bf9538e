import { indexMap, scatterSum } from "../../kernels/segment/op.js";
import { AtomgradError } from "../tensor/error.js";
import { showShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { assertTensor, assertWhole, kindOf } from "../tensor/arguments.js";

/**
 * Sums the rows of x [E, ...] that have the same index: [rows, ...], as `torch_scatter.scatter` along dimension 0.
 *
 * @param rows default: the largest index + 1. Errors: VALUE naming an index outside, SHAPE. For many calls with one index make an
 * `indexMap` once and use `scatterSum`.
 */
export function scatter(x: Tensor, given: Int32Array | readonly number[], rows?: number): Tensor {
  assertTensor("scatter: x", x);
  const index = wholeNumbers(given);
  if (rows !== undefined) assertWhole("scatter: rows", rows);
  if (index.length !== x.shape[0])
    throw new AtomgradError(
      "SHAPE",
      `scatter: index has ${index.length} numbers for x ${showShape(x.shape)}; give one a row of x`,
    );
  const count = rows ?? index.reduce((most, i) => Math.max(most, i), -1) + 1;
  return scatterSum(x, indexMap(index, count, x.device.name));
}

function wholeNumbers(index: Int32Array | readonly number[]): Int32Array {
  if (index instanceof Int32Array) return index;
  if (!Array.isArray(index))
    throw new AtomgradError(
      "VALUE",
      `scatter: index must be an Int32Array or a list of whole numbers, one a row of x; got ${kindOf(index)}`,
    );
  const wrong = index.findIndex((i) => !Number.isInteger(i));
  if (wrong >= 0)
    throw new AtomgradError("VALUE", `scatter: index[${wrong}] is ${String(index[wrong])}; give row numbers`);
  return Int32Array.from(index);
}
