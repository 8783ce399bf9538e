import { readFileSync } from "node:fs";
import { expect } from "vitest";

/** Numbers e3nn gave (reference/equivariant/). */
export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/equivariant/${name}`, import.meta.url), "utf8")) as T;
}

/** Nested lists as one. */
export function flat(value: unknown): number[] {
  return (value as unknown[]).flat(9) as number[];
}

/** Every number within `tolerance` of the largest wanted one. */
export function expectNear(
  found: ArrayLike<number>,
  wanted: ArrayLike<number>,
  tolerance: number,
  what = "",
): void {
  expect(found.length, `${what}: count`).toBe(wanted.length);
  let scale = 1e-300;
  for (let k = 0; k < wanted.length; k++) scale = Math.max(scale, Math.abs(wanted[k]));
  let worst = 0;
  for (let k = 0; k < wanted.length; k++) {
    const error = Math.abs(found[k] - wanted[k]) / scale;
    worst = Number.isNaN(error) ? Infinity : Math.max(worst, error);
  }
  expect(worst, `${what}: largest difference over largest value`).toBeLessThanOrEqual(tolerance);
}
