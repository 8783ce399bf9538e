import { beforeAll, describe, expect, it } from "vitest";
import { add, mul } from "../../kernels/elementwise/ops.generated.js";
import { cases } from "../../kernels/gated_softmax/cases.js";
import { gatedSoftmaxOp } from "../../kernels/gated_softmax/op.js";
import { raggedNN } from "../../kernels/ragged_matmul/op.js";
import { sum } from "../../kernels/reduce/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad, withRecording } from "../../src/autograd/node.js";
import { reshape } from "../../src/autograd/reshape.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { memory, setDefaultDevice } from "../../src/tensor/device.js";
import type { TypedArray } from "../../src/tensor/dtype.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { scope } from "../../src/tensor/scope.js";
import { full, ones, type Tensor, tensor } from "../../src/tensor/tensor.js";
import type { Sample } from "../../src/testing/cases.js";
import { gradgradcheck } from "../../src/testing/gradcheck.js";
import { Samples } from "../../src/testing/samples.js";
import { inputsOf, scaleOf } from "./derivatives.js";
import { expectClose } from "./matrix.js";

beforeAll(() => {
  openCpu();
  setDefaultDevice("cpu");
});

const differentiable = ["logits", "sw", "unit"] as const;
const modes = [
  { smooth: true, dotr: true },
  { smooth: true, dotr: false },
  { smooth: false, dotr: true },
  { smooth: false, dotr: false },
];
/** Samples without room between the matrices: elementary ops know nothing of that. */
const compact = cases[0]
  .samples(new Samples(4))
  .filter(({ inputs: { logits, start } }) => start.data[start.data.length - 1] === logits.data.length)
  .filter(({ inputs }) => inputs.logits.data.length > 0);
const small = compact.filter((s) => s.large !== true);

type Inputs = Readonly<Record<string, Tensor>>;
type Attrs = Readonly<Record<string, number | boolean>>;
const fused = (i: Inputs, a: Attrs): Tensor =>
  gatedSoftmaxOp.apply(
    gatedSoftmaxOp.inputs.map(({ name }) => i[name]),
    a,
  );
const elementary = (i: Inputs, a: Attrs): Tensor => gatedSoftmaxOp.spec.decompose!(i, a);

function randomLike(x: Tensor, random: RandomStream): Tensor {
  return tensor(
    Float64Array.from({ length: x.size }, () => random.normal()),
    x.shape,
  );
}

/**
 * Value; gradients; gradients, in the output's gradient and the inputs, of a projection of those named by `changed`.
 * Zero for what does not depend.
 */
function derivatives(f: typeof fused, sample: Sample, a: Attrs, changed: readonly string[]): TypedArray[] {
  const random = new RandomStream(5, 3);
  const inputs = inputsOf(sample, "cpu", "f64");
  const variables = differentiable.map((name) => requireGrad(inputs[name]));
  const y = f(inputs, a);
  const g = requireGrad(randomLike(y, random));
  const first = grad(y, variables, { gradOutput: g, createGraph: true, allowUnused: true });
  const projected = first.flatMap((d, k) => {
    const weights = randomLike(variables[k], random);
    return d !== undefined && changed.includes(differentiable[k]) ? [sum(mul(d, weights))] : [];
  });
  const second =
    projected.length === 0
      ? []
      : grad(
          projected.reduce((x, z) => add(x, z)),
          [g, ...variables],
          { allowUnused: true },
        );
  return [y, ...first, ...second].map((t) => t?.dataSync() ?? new Float64Array(1));
}

describe.each(modes)("gated softmax, smooth $smooth, dotr $dotr", ({ smooth, dotr }) => {
  const attrs = { scale: 0.6, smooth, dotr };

  it.each([[["logits"]], [["sw"]], [["unit"]], [["sw", "unit"]], [["logits", "sw", "unit"]]])(
    "has the value and derivatives of the elementary ops when %s change",
    (changed) => {
      for (const sample of compact)
        scope(() => {
          const found = derivatives(fused, sample, attrs, changed);
          const wanted = derivatives(elementary, sample, attrs, changed);
          expect(found.length).toBe(wanted.length);
          wanted.forEach((x, k) => {
            if (x.length === found[k].length)
              expectClose(found[k], x, 1e-12, Math.max(0.01, scaleOf([x])), `result ${k}`);
            else expectClose([scaleOf([found[k], x])], [1e-6], 0, 1, `result ${k} of one side`);
          });
        });
    },
  );

  it("has third derivatives", () => {
    for (const sample of small.slice(0, 4))
      scope(() => {
        const inputs = inputsOf(sample, "cpu", "f64");
        const slope = (...given: Tensor[]): Tensor =>
          withRecording(true, () => {
            const [logits, sw, unit] = given.map((x) => (x.requiresGrad ? x : requireGrad(x)));
            const y = fused({ ...inputs, logits, sw, unit }, attrs);
            const found = grad(sum(mul(y, y)), [logits, sw, unit], { createGraph: true, allowUnused: true });
            return found
              .flatMap((d) => (d === undefined ? [] : [sum(mul(d, d))]))
              .reduce((x, z) => add(x, z));
          });
        gradgradcheck(
          slope,
          differentiable.map((name) => inputs[name]),
          { tolerance: 1e-4 },
        );
      });
  });
});

describe("gated softmax", () => {
  const attrs = { scale: 0.6, smooth: true, dotr: true };

  it("gives weights whose rows sum to 1 without gates, and less with empty slots", () => {
    scope(() => {
      const { logits, unit, ptr, start } = inputsOf(small[small.length - 1], "cpu", "f64");
      const open = ones([ptr.dataSync()[ptr.size - 1]], { dtype: "f64" });
      const rows = (count: number): number[] => {
        const pad = full([ptr.size - 1], count, { dtype: "i32" });
        const i = { logits, sw: open, unit, ptr, start, pad };
        const weights = fused(i, { ...attrs, dotr: false });
        return Array.from(raggedNN(weights, reshape(open, [open.size, 1]), ptr, start).dataSync());
      };
      for (const total of rows(0)) expect(total).toBeCloseTo(1, 14);
      for (const total of rows(1000)) expect(total).toBeLessThan(1);
    });
  });

  it("stays finite for logits that would overflow", () => {
    scope(() => {
      const { sw, unit, ptr, start, pad } = inputsOf(small[small.length - 1], "cpu", "f32");
      const pairs = start.dataSync()[start.size - 1];
      const logits = requireGrad(
        tensor(
          Float32Array.from({ length: pairs }, (_, k) => (k % 3) * 1e4 - 1e4),
          [pairs],
        ),
      );
      for (const mode of modes) {
        const weights = fused({ logits, sw, unit, ptr, start, pad }, { scale: 1, ...mode });
        const [slope] = grad(sum(weights), [logits]);
        for (const x of [...weights.dataSync(), ...slope.dataSync()]) expect(Number.isFinite(x)).toBe(true);
      }
    });
  });

  it("frees everything its derivatives kept", () => {
    const before = memory("cpu").tensors;
    scope(() => void derivatives(fused, small[0], attrs, differentiable));
    expect(memory("cpu").tensors).toBe(before);
  });

  it("can be walked again, from one output or from all", () => {
    scope(() => {
      const inputs = inputsOf(small[small.length - 1], "cpu", "f64");
      const variables = differentiable.map((name) => requireGrad(inputs[name]));
      const y = fused(inputs, attrs);
      const first = grad(sum(mul(y, y)), variables, { createGraph: true });
      const walk = (k: number): TypedArray =>
        grad(sum(mul(first[k], first[k])), variables, { keepTape: true })[0].dataSync();
      const alone = walk(1);
      walk(0);
      grad(
        first.map((d) => sum(mul(d, d))).reduce((x, z) => add(x, z)),
        variables,
        { keepTape: true },
      );
      expect(walk(1)).toEqual(alone);
    });
  });
});
