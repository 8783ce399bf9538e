import { sum } from "../../kernels/reduce/op.js";
import { add, mul } from "../../kernels/elementwise/ops.generated.js";
import { grad } from "../autograd/grad.js";
import { noGrad, requireGrad, withRecording } from "../autograd/node.js";
import { AtomgradError } from "../tensor/error.js";
import { RandomStream } from "../tensor/philox.js";
import { scope } from "../tensor/scope.js";
import type { Tensor } from "../tensor/tensor.js";
import { tensor } from "../tensor/tensor.js";

export interface GradcheckOptions {
  /** Step of the central differences (default 1e-5, scaled by the size of the value). */
  step?: number;
  /** Largest allowed difference, relative to the largest derivative (default 1e-6). */
  tolerance?: number;
  /** At most this many elements of each input are tried (default 12, chosen at random). */
  elements?: number;
}

/**
 * Compares the gradient of `f` at float64 tensors `xs` with central differences, for a random projection of the output.
 * Throws GRAD naming input, element and both numbers when they differ.
 */
export function gradcheck(
  f: (...xs: Tensor[]) => Tensor,
  xs: readonly Tensor[],
  options: GradcheckOptions = {},
): void {
  const { step = 1e-5, tolerance = 1e-6, elements = 12 } = options;
  const random = new RandomStream(1, 11);
  const weights = scope(() => {
    const y = noGrad(() => f(...xs));
    return Float64Array.from({ length: y.size }, () => random.normal());
  });
  const project = (inputs: readonly Tensor[]): Tensor => {
    const y = f(...inputs);
    return sum(mul(y, tensor(weights, y.shape, { device: y.device.name })));
  };
  const analytic = scope(() => {
    const variables = xs.map(copyAsVariable);
    const y = withRecording(true, () => project(variables));
    if (y.node === undefined) return variables.map((v) => new Float64Array(v.size));
    return grad(y, variables, { allowUnused: true }).map(
      (g, k) => g?.dataSync() ?? new Float64Array(variables[k].size),
    );
  });
  const scale = Math.max(1e-3, ...analytic.map(largest));
  xs.forEach((x, k) => {
    const values = x.dataSync();
    for (const e of choose(x.size, elements, random)) {
      const h = step * (1 + Math.abs(values[e]));
      const at = (delta: number): number =>
        scope(() => {
          const moved = values.slice();
          moved[e] += delta;
          const inputs = xs.map((t, j) => (j === k ? tensor(moved, t.shape, { device: t.device.name }) : t));
          return noGrad(() => project(inputs)).itemSync();
        });
      const numeric = (at(h) - at(-h)) / (2 * h);
      if (!(Math.abs(numeric - analytic[k][e]) <= tolerance * scale))
        throw new AtomgradError(
          "GRAD",
          `gradcheck: input ${k}, element ${e}: analytic ${analytic[k][e]}, numeric ${numeric} (largest ${scale})`,
        );
    }
  });
}

/** Gradcheck of the gradient of `f`: proves that gradients of gradients are right. */
export function gradgradcheck(
  f: (...xs: Tensor[]) => Tensor,
  xs: readonly Tensor[],
  options: GradcheckOptions = {},
): void {
  const random = new RandomStream(2, 11);
  const shape = scope(() => noGrad(() => f(...xs)).shape);
  const cotangent = tensor(
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    shape,
    { device: xs[0].device.name },
  );
  const weights = xs.map((x) => Float64Array.from({ length: x.size }, () => random.normal()));
  const slope = (...inputs: Tensor[]): Tensor =>
    withRecording(true, () => {
      const g = inputs[inputs.length - 1];
      const variables = inputs.slice(0, -1).map((x) => (x.requiresGrad ? x : requireGrad(x)));
      const y = f(...variables);
      if (y.node === undefined) return mul(sum(g), 0); // piecewise constant
      const grads = grad(y, variables, { gradOutput: g, createGraph: true, allowUnused: true });
      return grads
        .map((d, k) =>
          d === undefined ? undefined : sum(mul(d, tensor(weights[k], d.shape, { device: d.device.name }))),
        )
        .filter((d) => d !== undefined)
        .reduce((a, b) => add(a, b));
    });
  gradcheck(slope, [...xs, cotangent], { tolerance: 1e-5, ...options });
  cotangent.dispose();
}

function copyAsVariable(x: Tensor): Tensor {
  return requireGrad(tensor(x.dataSync(), x.shape, { device: x.device.name }));
}

function largest(values: ArrayLike<number>): number {
  let m = 0;
  for (let k = 0; k < values.length; k++) m = Math.max(m, Math.abs(values[k]));
  return m;
}

function choose(size: number, count: number, random: RandomStream): number[] {
  if (size <= count) return Array.from({ length: size }, (_, k) => k);
  return Array.from({ length: count }, () => Math.floor(random.uniform() * size));
}
