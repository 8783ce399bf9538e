import { describe, expect, it } from "vitest";
import {
  gather,
  indexMap,
  scatterSum,
  segmentExpand,
  segmentMax,
  segmentMean,
  segmentSoftmax,
  segmentSum,
} from "../../kernels/segment/op.js";
import { sum } from "../../kernels/reduce/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu, setThreads, getThreads } from "../../src/backends/cpu/cpu.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { setDefaultDevice } from "../../src/tensor/device.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { scope } from "../../src/tensor/scope.js";
import { tensor, zeros } from "../../src/tensor/tensor.js";

openCpu();
openReference();
setDefaultDevice("cpu");

describe.each(["cpu", "reference"] as const)("segments and look-ups on %s", (device) => {
  const i32 = (...values: number[]) => tensor(Int32Array.from(values), [values.length], { device });

  it("keep any sizes after the first, none included", () => {
    scope(() => {
      const x = tensor(
        Float32Array.from({ length: 12 }, (_, k) => k),
        [3, 2, 2],
        { device },
      );
      const sums = segmentSum(x, i32(0, 2, 2, 3));
      expect(sums.shape).toEqual([3, 2, 2]);
      expect([...sums.dataSync()]).toEqual([4, 6, 8, 10, 0, 0, 0, 0, 8, 9, 10, 11]);
      const row = segmentSum(tensor([1, 2, 3], [3], { device }), i32(0, 1, 3));
      expect([row.shape, [...row.dataSync()]]).toEqual([[2], [1, 5]]);
      const back = segmentExpand(row, i32(0, 1, 3), 3);
      expect([back.shape, [...back.dataSync()]]).toEqual([[3], [1, 5, 5]]);
      expect(segmentSum(zeros([3, 0, 2], { device }), i32(0, 3)).shape).toEqual([1, 0, 2]);
    });
  });

  it("have a largest, a mean and a softmax, zeros where they are empty", () => {
    scope(() => {
      const ptr = i32(0, 3, 3, 5);
      const x = requireGrad(tensor(Float64Array.of(1, 4, 4, 2, -2), [5], { device }));
      expect([...segmentMax(x, ptr).dataSync()]).toEqual([4, 0, 2]);
      expect([...segmentMean(x, ptr).dataSync()]).toEqual([3, 0, 0]);
      const y = [...segmentSoftmax(x, ptr).dataSync()];
      const [low, high] = [Math.exp(-3), Math.exp(-4)];
      [low, 1, 1].forEach((w, k) => expect(y[k]).toBeCloseTo(w / (low + 2), 14));
      [1, high].forEach((w, k) => expect(y[3 + k]).toBeCloseTo(w / (1 + high), 14));
      const [slope] = grad(sum(segmentMax(x, ptr)), [x]);
      expect([...slope.dataSync()]).toEqual([0, 0.5, 0.5, 1, 0]);
    });
  });

  it("keep a number that is none", () => {
    scope(() => {
      const x = tensor(Float64Array.of(1, NaN, 3, ...new Array<number>(31).fill(0)), [34], { device });
      const row = (n: number) =>
        tensor(
          Float64Array.from({ length: 2 * n }, (_, k) => (k < n ? NaN : 5)),
          [2, n],
          { device },
        );
      expect([...segmentMax(x, i32(0, 3, 34)).dataSync()]).toEqual([NaN, 0]);
      expect([...segmentMax(row(19), i32(0, 2)).dataSync()]).toEqual(new Array(19).fill(NaN));
    });
  });

  it("look up zeros for -1, which takes part in no sum", () => {
    scope(() => {
      const map = indexMap(Int32Array.of(2, -1, 0, 2), 4, device);
      const x = tensor(Float64Array.of(1, 2, 3, 4), [4], { device });
      expect([...gather(x, map).dataSync()]).toEqual([3, 0, 1, 3]);
      const e = tensor(Float64Array.of(10, NaN, 20, 30), [4], { device });
      expect([...scatterSum(e, map).dataSync()]).toEqual([20, 0, 40, 0]);
    });
  });

  it("look up integers", () => {
    scope(() => {
      const map = indexMap(Int32Array.of(1, 0, -1, 1), 2, device);
      const types = tensor(Int32Array.of(7, 8, 2 ** 30, -9), [2, 2], { device });
      const found = gather(types, map);
      expect([found.dtype, found.shape]).toEqual(["i32", [4, 2]]);
      expect([...found.dataSync()]).toEqual([2 ** 30, -9, 7, 8, 0, 0, 2 ** 30, -9]);
    });
  });

  it("list the positions of a row in their order", () => {
    scope(() => {
      const map = indexMap(Int32Array.of(1, 0, 1, -1, 0, 1), 3, device);
      expect([...map.order.dataSync()]).toEqual([1, 4, 0, 2, 5]);
      expect([...map.ptr.dataSync()]).toEqual([0, 2, 5, 5]);
      expect(map.rows).toBe(3);
    });
  });

  it("say what does not fit", () => {
    const error = (f: () => unknown): string => {
      let found = "nothing thrown";
      scope(() => {
        try {
          f();
        } catch (e) {
          expect(e).toBeInstanceOf(AtomgradError);
          found = `${(e as AtomgradError).code}: ${(e as AtomgradError).message}`;
        }
      });
      return found;
    };
    expect(error(() => indexMap(Int32Array.of(0, 1, -2), 2, device))).toMatch(
      /^VALUE: .*index -2 at position 2 /,
    );
    expect(error(() => indexMap(Int32Array.of(0), 0, device))).toMatch(/^VALUE: .*index 0 at position 0 /);
    const map = indexMap(Int32Array.of(0, 1), 2, device);
    expect(error(() => gather(zeros([3], { device }), map))).toMatch(/^SHAPE: gather: /);
    expect(error(() => scatterSum(zeros([3], { device }), map))).toMatch(/^SHAPE: gatherSum: /);
    for (const t of [map.index, map.order, map.ptr]) t.dispose();
    expect(error(() => segmentExpand(zeros([1], { device }), i32(1, 2), 2))).toMatch(
      /^VALUE: segmentExpand: ptr/,
    );
  });
});

it("sums back into one row the same way for any number of threads", () => {
  const random = new RandomStream(3);
  const values = Float32Array.from({ length: 50_000 }, () => random.normal());
  const before = getThreads();
  const sums = [1, 2, 3].map((threads) => {
    setThreads(threads);
    return scope(() => scatterSum(tensor(values), indexMap(new Int32Array(values.length), 1)).dataSync());
  });
  setThreads(before);
  expect(sums[1]).toEqual(sums[0]);
  expect(sums[2]).toEqual(sums[0]);
  const exact = values.reduce((a, b) => a + b, 0);
  expect(Math.abs(sums[0][0] - exact)).toBeLessThan(1e-6 * values.reduce((a, b) => a + Math.abs(b), 0));
});
