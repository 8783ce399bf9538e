import { AtomgradError } from "./error.js";

/** Sizes of a tensor, slowest index first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Kernels index with 32-bit integers. */
const largestSize = 2 ** 31 - 1;

/** Number of elements. Errors: SHAPE for a size that is negative, fractional or in total 2^31 or more. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let k = 0; k < shape.length; k++) {
    const n = shape[k];
    if (!(n >= 0) || n !== Math.floor(n))
      throw new AtomgradError("SHAPE", `a size must be a whole number >= 0, got ${showShape(shape)}`);
    size *= n;
  }
  if (size > largestSize)
    throw new AtomgradError(
      "SHAPE",
      `${showShape(shape)} has ${size} elements; a tensor holds less than 2^31`,
    );
  return size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false;
  return true;
}

export function showShape(shape: Shape): string {
  return `[${shape.join(",")}]`;
}

/**
 * The common shape of operands, aligned at the last index: sizes must be equal or 1 (numpy's rule).
 * Errors: SHAPE, naming the operation.
 */
export function broadcastShapes(what: string, shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    const shift = rank - shape.length;
    for (let k = 0; k < shape.length; k++) {
      const n = shape[k];
      const m = out[k + shift];
      if (n === m || n === 1) continue;
      if (m !== 1)
        throw new AtomgradError(
          "SHAPE",
          `${what}: ${shapes.map(showShape).join(" and ")} cannot be broadcast together (sizes ${m} and ${n} at index ${k + shift})`,
        );
      out[k + shift] = n;
    }
  }
  return out;
}

/** Turns a possibly negative axis into 0..rank-1. Errors: VALUE. */
export function axisOf(what: string, axis: number, rank: number): number {
  const k = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || k < 0 || k >= rank)
    throw new AtomgradError("VALUE", `${what}: axis ${axis} is outside a tensor of rank ${rank}`);
  return k;
}
