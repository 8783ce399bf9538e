import { add, mul } from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import type { DeviceName } from "../../src/tensor/backend.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import type { OpCases, Sample } from "../../src/testing/cases.js";
import type { SampleArray } from "../../src/testing/samples.js";

// Nothing here needs a test runner: the page of test/browser runs it too.

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

/**
 * Gradients of order 1 and 2 of a fixed random projection of the op: [dL/dx..., d(sum of squares of dL/dx)/dx...].
 * The same projection on every device, so that results can be compared. Call it in a scope.
 */
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
  const gradients = (parts: readonly Tensor[], createGraph: boolean): Tensor[] => {
    const total = parts
      .filter((y) => y.requiresGrad)
      .reduce<Tensor | undefined>((a, b) => (a ? add(a, b) : b), undefined);
    const found = total === undefined ? [] : grad(total, variables, { createGraph, allowUnused: true });
    // What a result does not depend on, some devices know from the graph and others compute.
    return variables.map((x, k) => found[k] ?? zeros(x.shape, { dtype, device: name }));
  };
  const first = gradients(losses, order > 1);
  if (order < 2) return first;
  const squares = first.filter((g) => g.requiresGrad).map((g) => sum(mul(g, g)));
  return [...first, ...gradients(squares, false)];
}

/** The largest magnitude of some results, the measure of their differences. */
export function scaleOf(results: readonly ArrayLike<number>[]): number {
  let scale = 1e-6;
  for (const x of results) for (let k = 0; k < x.length; k++) scale = Math.max(scale, Math.abs(x[k]));
  return scale;
}
