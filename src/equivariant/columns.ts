import { concat, slice } from "../../kernels/shape_ops/op.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Slice } from "./irreps.js";

/** The ranges of the last axis one after the other: x [..., n] -> [..., sum of lengths]. */
export function columns(x: Tensor, ranges: readonly Slice[]): Tensor {
  const axis = x.rank - 1;
  const merged: { start: number; stop: number }[] = [];
  for (const { start, stop } of ranges) {
    if (start === stop) continue;
    const last = merged[merged.length - 1] as { start: number; stop: number } | undefined;
    if (last?.stop === start) last.stop = stop;
    else merged.push({ start, stop });
  }
  if (merged.length === 0) return slice(x, axis, 0, 0); // recorded, so that its gradient is zeros
  if (merged.length === 1 && merged[0].start === 0 && merged[0].stop === x.shape[axis]) return x;
  return concat(
    merged.map(({ start, stop }) => slice(x, axis, start, stop)),
    axis,
  );
}
