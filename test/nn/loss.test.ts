import { describe, expect, it } from "vitest";
import { sum } from "../../kernels/reduce/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { huberLoss, maeLoss, mseLoss } from "../../src/nn/loss.js";
import { memory } from "../../src/tensor/device.js";
import { scope } from "../../src/tensor/scope.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { gradcheck, gradgradcheck } from "../../src/testing/gradcheck.js";

openCpu();

const f64 = (...values: number[]): Tensor => tensor(Float64Array.from(values));

describe("losses", () => {
  const d = [0, 0.25, -0.5, 1, -4];
  const delta = 0.5;
  const huber = d.map((x) => (Math.abs(x) <= delta ? 0.5 * x * x : delta * (Math.abs(x) - 0.5 * delta)));
  it.each<[string, (p: Tensor, t: Tensor, r?: "mean" | "sum" | "none") => Tensor, number[]]>([
    ["mseLoss", mseLoss, d.map((x) => x * x)],
    ["maeLoss", maeLoss, d.map(Math.abs)],
    ["huberLoss", (p, t, r) => huberLoss(p, t, delta, r), huber],
  ])("%s has the values of its formula, by mean, sum and element", (_name, loss, elements) => {
    const before = memory().tensors;
    scope(() => {
      const target = f64(1, 2, 3, 4, 5);
      const prediction = f64(...d.map((x, k) => x + k + 1));
      const total = elements.reduce((a, b) => a + b);
      expect([...loss(prediction, target, "none").dataSync()]).toEqual(elements);
      expect(loss(prediction, target, "sum").itemSync()).toBeCloseTo(total, 14);
      expect(loss(prediction, target).itemSync()).toBeCloseTo(total / 5, 14);
    });
    expect(memory().tensors).toBe(before);
  });

  it("keep alive nothing but the result", () => {
    using p = zeros([3]);
    using t = zeros([3]);
    const before = memory().tensors;
    const results = [mseLoss(p, t), maeLoss(p, t), huberLoss(p, t, 1)];
    expect(memory().tensors).toBe(before + 3);
    for (const loss of results) loss.dispose();
  });

  it("have the gradients that differences give, twice", () => {
    scope(() => {
      const [p, t] = [f64(0.3, -0.9, 2.5), f64(0.1, 0.4, -1)];
      const huber = (a: Tensor, b: Tensor): Tensor => huberLoss(a, b, 0.7);
      for (const f of [mseLoss, maeLoss, huber]) {
        const loss = (a: Tensor, b: Tensor): Tensor => f(a, b);
        gradcheck(loss, [p, t]);
        gradgradcheck(loss, [p, t]);
      }
    });
  });

  it("have the derivatives of the formula where they meet: at 0 and at delta", () => {
    scope(() => {
      const derivatives = (loss: (p: Tensor) => Tensor, at: number): number[] => {
        const p = requireGrad(f64(at));
        const [first] = grad(loss(p), [p], { createGraph: true });
        if (!first.requiresGrad) return [first.itemSync(), 0];
        const [second] = grad(sum(first), [p], { allowUnused: true });
        return [first.itemSync(), second?.itemSync() ?? 0];
      };
      const huber = (p: Tensor): Tensor => huberLoss(p, f64(0), 0.5);
      expect(derivatives(huber, 0)).toEqual([0, 1]);
      expect(derivatives(huber, 0.5)[0]).toBe(0.5);
      expect(derivatives(huber, -0.5)[0]).toBe(-0.5);
      expect(derivatives(huber, 2)).toEqual([0.5, 0]);
      expect(derivatives((p) => maeLoss(p, f64(0)), 0)[0]).toBe(0);
    });
  });

  it("refuse shapes that would broadcast, deltas that are none, and means of nothing", () => {
    scope(() => {
      expect(() => mseLoss(zeros([3]), zeros([3, 1]))).toThrow(
        /mseLoss: prediction \[3\] and target \[3,1\] must have one shape; reshape one of them/,
      );
      for (const delta of [0, -1, NaN, Infinity])
        expect(() => huberLoss(zeros([1]), zeros([1]), delta)).toThrow(
          /huberLoss: delta is .*expected a number above 0/,
        );
      expect(() => maeLoss(zeros([0]), zeros([0]))).toThrow(/no elements/);
      expect(maeLoss(zeros([0]), zeros([0]), "sum").itemSync()).toBe(0);
      expect(() => mseLoss(zeros([1], { dtype: "i32" }), zeros([1], { dtype: "i32" }))).toThrow(
        /f32 or f64, got i32/,
      );
    });
  });
});
