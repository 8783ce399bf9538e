import { createHash } from "node:crypto";
import { expect } from "vitest";
import { PickleFloat } from "../../../src/data/pickle/index.js";
import type { PickleValue } from "../../../src/data/pickle/index.js";
import { StridedArray } from "../../../src/data/strided-array.js";

/** What an `expected.json` of the shared data says of one field: an array by type, shape and hash, or a plain value. */
export type ExpectedField =
  { dtype: string; shape: number[]; sha256: string } | { type: string; value?: unknown };

/** Compares decoded fields with what an independent decoder found. */
export function expectFields(
  found: ReadonlyMap<string, PickleValue>,
  fields: Record<string, ExpectedField>,
): void {
  const described = Object.entries(fields).filter(
    ([, field]) => !("type" in field && field.type === "NoneType"),
  );
  expect([...found.keys()].sort()).toEqual(described.map(([key]) => key).sort());
  for (const [key, field] of described) {
    const value = found.get(key);
    if ("sha256" in field) {
      const array = value as StridedArray;
      expect(array, key).toBeInstanceOf(StridedArray);
      expect({ dtype: array.dtype, shape: array.shape }, key).toEqual({
        dtype: field.dtype,
        shape: field.shape,
      });
      expect(createHash("sha256").update(array.bytes()).digest("hex"), key).toBe(field.sha256);
    } else if ("value" in field) {
      expect(value instanceof PickleFloat, key).toBe(field.type === "float");
      expect(value instanceof PickleFloat ? value.value : value, key).toEqual(field.value);
    }
  }
}
