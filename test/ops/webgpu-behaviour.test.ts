import { describe, expect, it } from "vitest";
import { add, cos, mul, pow, sigmoid, sin, sub } from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { reshape } from "../../src/autograd/reshape.js";
import { often } from "../../src/backends/webgpu/body.js";
import { openWebGpu, webGpuAdapter } from "../../src/backends/webgpu/webgpu.js";
import { neighborList, neighborListOfFrames } from "../../src/geometry/neighbor-list.js";
import { neighborTensors } from "../../src/geometry/neighbor-tensors.js";
import { radiusGraph } from "../../src/geometry/radius-graph.js";
import { device, memory } from "../../src/tensor/device.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { scope } from "../../src/tensor/scope.js";
import { full, tensor, zeros } from "../../src/tensor/tensor.js";
import { absence } from "./device-matrix.js";

const absent = await absence(openWebGpu);
const gpu = { device: "webgpu" } as const;

function codeOf(f: () => unknown): string {
  try {
    scope(() => {
      f();
    });
  } catch (error) {
    expect(error).toBeInstanceOf(AtomgradError);
    return `${(error as AtomgradError).code}: ${(error as AtomgradError).message}`;
  }
  return "no error";
}

describe.skipIf(absent !== undefined)(`webgpu${absent === undefined ? "" : ` (${absent})`}`, () => {
  it("names its adapter", () => {
    expect(webGpuAdapter()).not.toBe("");
  });

  it("refuses f64, synchronous reads and buffers that are too large", () => {
    expect(codeOf(() => tensor(new Float64Array(3), [3], gpu))).toMatch(/^DTYPE: webgpu computes in f32/);
    expect(codeOf(() => zeros([3], { ...gpu, dtype: "f64" }))).toMatch(/^DTYPE: .*dtype: "f32"/);
    expect(codeOf(() => zeros([1], gpu).dataSync())).toMatch(/^ASYNC_DEVICE: .*await/);
    expect(codeOf(() => zeros([2 ** 31 - 1], gpu))).toMatch(/^DEVICE: webgpu: a buffer of .*smaller batch/);
  });

  it("does not find neighbours at once, and says which function does later", () => {
    const later = (name: string) =>
      `ASYNC_DEVICE: ${name}: webgpu cannot answer at once; use \`await ${name}Async(...)\` there`;
    expect(codeOf(() => neighborTensors(zeros([2, 3], gpu), null, false, 1))).toBe(later("neighborTensors"));
    expect(codeOf(() => neighborList([0, 0, 0], null, false, 1, gpu))).toBe(later("neighborList"));
    expect(codeOf(() => neighborListOfFrames([], 1, gpu))).toBe(later("neighborListOfFrames"));
    expect(codeOf(() => radiusGraph([0, 0, 0], 1, gpu))).toBe(later("radiusGraph"));
  });

  it("keeps integers, bytes, booleans and empty tensors", async () => {
    expect(await tensor([5, -6], [2], { ...gpu, dtype: "i32" }).data()).toEqual(Int32Array.of(5, -6));
    expect(await tensor([0, 255, 7], [3], { ...gpu, dtype: "u8" }).data()).toEqual(Uint8Array.of(0, 255, 7));
    expect(await tensor([2, 0, 1], [3], { ...gpu, dtype: "bool" }).data()).toEqual(Uint8Array.of(1, 0, 1));
    expect(await zeros([0, 3], gpu).data()).toEqual(new Float32Array(0));
  });

  it("reads values as they were when the read was asked for", async () => {
    const x = tensor([1, 2, 3], [3], gpu);
    const y = add(x, x);
    const before = x.data();
    x.assign([7, 7, 7]);
    const [a, b, c, d] = await Promise.all([before, y.data(), x.data(), sum(y).item()]);
    expect([a, b, c, d]).toEqual([
      Float32Array.of(1, 2, 3),
      Float32Array.of(2, 4, 6),
      Float32Array.of(7, 7, 7),
      12,
    ]);
  });

  it("takes one tensor for several inputs", async () => {
    const x = tensor([3, -4], [2], gpu);
    expect(await mul(x, x).data()).toEqual(Float32Array.of(9, 16));
  });

  it("records thousands of operations between reads without allocating", async () => {
    const x = full([100], 1, gpu);
    const step = (): void =>
      scope(() => {
        let y = x;
        for (let k = 0; k < 50; k++) y = scope(() => add(y, x));
      });
    for (let k = 0; k < 3; k++) step();
    const { allocations } = memory("webgpu");
    for (let k = 0; k < 60; k++) step();
    expect(memory("webgpu").allocations).toBe(allocations);
    const y = scope(() => add(x, x));
    expect((await y.data())[99]).toBe(2);
  });

  it("computes from the numbers and values of the moment, however often a launch has come before", async () => {
    const x = tensor([1, 2, 3], [3], gpu);
    const y = tensor([10, 20, 30], [3], gpu);
    for (let k = 0; k < 3 * often; k++) {
      x.assign([k, 2, 3]);
      const [same, scaled] = scope(() => [add(x, y), mul(x, k % 5)]);
      x.assign([-1, -1, -1]);
      expect(await same.data()).toEqual(Float32Array.of(k + 10, 22, 33));
      expect(await scaled.data()).toEqual(Float32Array.of(k, 2, 3).map((v) => v * (k % 5)));
      [same, scaled].forEach((t) => t.dispose());
    }
  });

  it("tells launches apart that differ in shapes alone", async () => {
    const x = tensor([0, 1, 2, 3], [4], gpu);
    const [column, row] = [reshape(x, [4, 1]), reshape(x, [1, 4])];
    const differences = Float32Array.from({ length: 16 }, (_, k) => Math.floor(k / 4) - (k % 4));
    for (let k = 0; k < 2 * often; k++) {
      for (const [a, b, sign] of [[column, row, 1] as const, [row, column, -1] as const]) {
        const table = sub(a, b);
        expect(await table.data()).toEqual(differences.map((d) => sign * d + 0));
        table.dispose();
      }
    }
  });

  it("does not take buffers that were given back for those that came after them", async () => {
    for (let round = 0; round < 3; round++) {
      const x = full([70 + round], round + 1, gpu);
      const y = full([70 + round], 10 * (round + 1), gpu);
      for (let k = 0; k < often; k++) scope(() => add(x, y)); // a group of its own, in a batch that is not handed over
      const sum = add(x, y);
      device("webgpu").pool.trim();
      expect((await sum.data())[69 + round]).toBe(11 * (round + 1));
      [x, y, sum].forEach((t) => t.dispose());
      device("webgpu").pool.trim();
    }
  });

  it("keeps on where numbers never repeat", async () => {
    const x = tensor([1, 2], [2], gpu);
    for (let k = 0; k < 5000; k++) scope(() => mul(x, k));
    expect(await mul(x, 0.5).data()).toEqual(Float32Array.of(0.5, 1));
  });

  it("has sin and cos to rounding, far from 0 too", async () => {
    const values = Float32Array.from({ length: 4000 }, (_, k) => (k - 2000) * (k % 7 === 0 ? 9.87 : 0.0123));
    const x = tensor(values, [values.length], gpu);
    const [s, c] = [await sin(x).data(), await cos(x).data()];
    values.forEach((v, k) => {
      expect(Math.abs(s[k] - Math.sin(v))).toBeLessThan(4e-7);
      expect(Math.abs(c[k] - Math.cos(v))).toBeLessThan(4e-7);
    });
  });

  it("raises negative numbers to whole powers and keeps the sigmoid of large numbers finite", async () => {
    const x = tensor([-2, -2, 0, 0, 3, -2], [6], gpu);
    const p = tensor([3, 2, 2, 0, -1, 0.5], [6], gpu);
    const found = await pow(x, p).data();
    [-8, 4, 0, 1, 1 / 3].forEach((wanted, k) => expect(found[k]).toBeCloseTo(wanted, 5));
    expect(found[5]).toBeNaN();
    const [low, middle, high] = await sigmoid(tensor([-200, 0, 200], [3], gpu)).data();
    expect(low).toBeLessThan(1e-34);
    expect([middle, high]).toEqual([0.5, 1]);
  });
});
