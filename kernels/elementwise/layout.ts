import { AtomgradError } from "../../src/tensor/error.js";
import type { Shape } from "../../src/tensor/shape.js";

/** Loop sizes of a broadcast operation and each operand's stride per loop (0: the operand repeats). */
export interface Layout {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** Most loops a kernel takes after merging. */
const maxRank = 6;

/** Merges dimensions along which every operand moves in step, so that most calls are one flat loop. */
export function layoutOf(shape: Shape, operands: readonly Shape[]): Layout {
  const full = operands.map((operand) => stridesOf(operand, shape));
  const sizes: number[] = [];
  const strides: number[][] = operands.map(() => []);
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 1) continue;
    const last = sizes.length - 1;
    const merges = last >= 0 && strides.every((s, k) => s[last] === full[k][d] * shape[d]);
    if (merges) {
      sizes[last] *= shape[d];
      strides.forEach((s, k) => (s[last] = full[k][d]));
    } else {
      sizes.push(shape[d]);
      strides.forEach((s, k) => s.push(full[k][d]));
    }
  }
  if (sizes.length === 0) {
    sizes.push(1);
    strides.forEach((s) => s.push(0));
  }
  if (sizes.length > maxRank)
    throw new AtomgradError(
      "SHAPE",
      `broadcasting needs ${sizes.length} separate loops; at most ${maxRank} are supported`,
    );
  return { sizes, strides };
}

function stridesOf(operand: Shape, shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (let k = operand.length - 1; k >= 0; k--) {
    if (operand[k] !== 1) strides[k + shape.length - operand.length] = stride;
    stride *= operand[k];
  }
  return strides;
}
