import { expect } from "vitest";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { sum } from "../../kernels/reduce/op.js";
import { add, mul } from "../../kernels/elementwise/ops.generated.js";
import { memory, device } from "../../src/tensor/device.js";
import type { DeviceName } from "../../src/tensor/backend.js";
import { scopeAsync } from "../../src/tensor/scope.js";
import { RandomStream } from "../../src/tensor/philox.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { tensor } from "../../src/tensor/tensor.js";
import type { TypedArray } from "../../src/tensor/dtype.js";
import type { OpCases, Sample } from "../../src/testing/cases.js";
import type { SampleArray } from "../../src/testing/samples.js";

export type FloatType = "f32" | "f64";

/** The inputs of a sample as tensors of a device and number type. */
export function inputsOf(sample: Sample, name: DeviceName, dtype: FloatType): Record<string, Tensor> {
  const entries = Object.entries(sample.inputs).map(([key, x]) => [key, toTensor(x, name, dtype)] as const);
  return Object.fromEntries(entries);
}

function toTensor(x: SampleArray, name: DeviceName, dtype: FloatType): Tensor {
  const type = x.data instanceof Int32Array ? "i32" : dtype;
  return tensor(x.data, x.shape, { dtype: type, device: name });
}

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

/**
 * Gradients of order 1 and 2 of a fixed random projection of the op: [dL/dx..., d(sum of squares of dL/dx)/dx...].
 * The same projection on every device, so that results can be compared.
 */
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

/** What `derivatives` reads. Call it in a scope. */
export function derivativeTensors(
  c: OpCases,
  sample: Sample,
  name: DeviceName,
  dtype: FloatType,
  order: number,
): Tensor[] {
  const inputs = inputsOf(sample, name, dtype);
  const variables = c.differentiate.map((key) => requireGrad(inputs[key]));
  const random = new RandomStream(3, 13);
  const losses = [c.run(inputs, sample.attrs ?? {})].flat().map((y) => {
    const weights = Float64Array.from({ length: y.size }, () => random.normal());
    return sum(mul(y, tensor(weights, y.shape, { dtype, device: name })));
  });
  const loss = losses.reduce((a, b) => add(a, b));
  if (!loss.requiresGrad) return [];
  const first = grad(loss, variables, { createGraph: order > 1, allowUnused: true });
  const present = first.filter((g) => g !== undefined);
  if (order < 2) return present;
  const squares = present.filter((g) => g.requiresGrad).map((g) => sum(mul(g, g)));
  if (squares.length === 0) return present;
  const total = squares.reduce((a, b) => add(a, b));
  const second = grad(total, variables, { allowUnused: true });
  return [...present, ...second.filter((g) => g !== undefined)];
}

/** The largest magnitude of some results, the measure of their differences. */
export function scaleOf(results: readonly ArrayLike<number>[]): number {
  let scale = 1e-6;
  for (const x of results) for (let k = 0; k < x.length; k++) scale = Math.max(scale, Math.abs(x[k]));
  return scale;
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
