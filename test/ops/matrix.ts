import { expect } from "vitest";
import type { DeviceName } from "../../src/tensor/backend.js";
import { device, memory } from "../../src/tensor/device.js";
import type { TypedArray } from "../../src/tensor/dtype.js";
import { scopeAsync } from "../../src/tensor/scope.js";
import type { OpCases, Sample } from "../../src/testing/cases.js";
import { derivativeTensors, type FloatType, inputsOf } from "./derivatives.js";

/** Runs the op and reads its outputs; nothing may stay alive afterwards. */
export async function forward(
  c: OpCases,
  sample: Sample,
  name: DeviceName,
  dtype: FloatType,
): Promise<TypedArray[]> {
  const before = memory(name).tensors;
  const values = await scopeAsync(async () => {
    const outs = [c.run(inputsOf(sample, name, dtype), sample.attrs ?? {})].flat();
    return Promise.all(outs.map((t) => t.data()));
  });
  expect(memory(name).tensors, `${c.op} leaks tensors`).toBe(before);
  return values;
}

/** The values of `derivativeTensors`; nothing may stay alive afterwards. */
export async function derivatives(
  c: OpCases,
  sample: Sample,
  name: DeviceName,
  dtype: FloatType,
  order: number,
): Promise<TypedArray[]> {
  const before = memory(name).tensors;
  const values = await scopeAsync(() =>
    Promise.all(derivativeTensors(c, sample, name, dtype, order).map((t) => t.data())),
  );
  expect(memory(name).tensors, `${c.op} leaks tensors in its gradient`).toBe(before);
  return values;
}

/** Whether values agree to `tolerance * scale`. NaN never agrees. */
export function expectClose(
  found: ArrayLike<number>,
  wanted: ArrayLike<number>,
  tolerance: number,
  scale: number,
  what: string,
): void {
  expect(found.length, what).toBe(wanted.length);
  for (let k = 0; k < wanted.length; k++) {
    if (found[k] === wanted[k]) continue;
    const difference = Math.abs(found[k] - wanted[k]);
    if (!(difference <= tolerance * scale))
      expect.fail(
        `${what}: element ${k} is ${found[k]}, expected ${wanted[k]} (difference ${difference / scale} of the largest)`,
      );
  }
}

/** Whether two results agree bit for bit; much faster on large arrays than toEqual. */
export function expectSameBits(found: ArrayLike<number>, wanted: ArrayLike<number>, what: string): void {
  expect(found.length, what).toBe(wanted.length);
  for (let k = 0; k < wanted.length; k++)
    if (!Object.is(found[k], wanted[k]))
      expect.fail(`${what}: element ${k} is ${found[k]} in one run and ${wanted[k]} in another`);
}

/** Every buffer handed out during `f` is filled with NaN first. */
export async function poisoned<R>(name: DeviceName, f: () => Promise<R>): Promise<R> {
  const { pool } = device(name);
  pool.poison = true;
  try {
    return await f();
  } finally {
    pool.poison = false;
  }
}
