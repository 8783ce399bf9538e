import { describe, expect, it } from "vitest";
import { add } from "../../kernels/elementwise/ops.generated.js";
import { reshape } from "../../src/autograd/reshape.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { setDefaultDevice } from "../../src/tensor/device.js";
import { AtomgradError, type ErrorCode } from "../../src/tensor/error.js";
import { scope } from "../../src/tensor/scope.js";
import { broadcastShapes, sizeOf } from "../../src/tensor/shape.js";
import { full, ones, type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";

openCpu();
openReference();
setDefaultDevice("cpu");

function expectError(code: ErrorCode, says: RegExp, run: () => unknown): void {
  let thrown: unknown;
  scope(() => {
    try {
      run();
    } catch (error) {
      thrown = error;
    }
  });
  expect(thrown).toBeInstanceOf(AtomgradError);
  expect((thrown as AtomgradError).code).toBe(code);
  expect((thrown as AtomgradError).message).toMatch(says);
}

describe.each(["cpu", "reference"] as const)("a tensor on %s", (name) => {
  const device = { device: name };

  it("keeps values of every number type", () => {
    scope(() => {
      expect(tensor([1, 2.5, -3], undefined, device).dataSync()).toEqual(Float32Array.of(1, 2.5, -3));
      expect(tensor(Float64Array.of(0.1, NaN), [2], device).dataSync()).toEqual(Float64Array.of(0.1, NaN));
      expect(tensor(Int32Array.of(-7, 2 ** 30), [2, 1], device).dataSync()).toEqual(
        Int32Array.of(-7, 2 ** 30),
      );
      expect(tensor(Uint8Array.of(255), [1], device).dataSync()).toEqual(Uint8Array.of(255));
      expect(tensor([0, 2, -1], [3], { dtype: "bool", ...device }).dataSync()).toEqual(
        Uint8Array.of(0, 1, 1),
      );
      expect(tensor(7, undefined, device).shape).toEqual([]);
    });
  });

  it("reads in both ways, and scalars as numbers", async () => {
    using x = tensor([1, 2], [2], device);
    using y = tensor(3, undefined, { dtype: "f64", ...device });
    expect(await x.data()).toEqual(x.dataSync());
    expect(await y.item()).toBe(3);
    expect(y.itemSync()).toBe(3);
  });

  it("fills, and holds no values at all", () => {
    scope(() => {
      expect(zeros([2, 2], device).dataSync()).toEqual(new Float32Array(4));
      expect(ones([2], { dtype: "i32", ...device }).dataSync()).toEqual(Int32Array.of(1, 1));
      expect(full([], -2, device).itemSync()).toBe(-2);
      expect(zeros([0, 3], device).dataSync()).toHaveLength(0);
    });
  });

  it("is overwritten by assign, and hands out copies", () => {
    using x = tensor([1, 2], [2], device);
    const before = x.dataSync();
    x.assign([3, 4]);
    expect(before).toEqual(Float32Array.of(1, 2));
    expect(x.dataSync()).toEqual(Float32Array.of(3, 4));
  });

  it("takes no lists of lists, whose numbers would be lost", () => {
    expect(() => tensor([[1, 2] as never, [3, 4] as never])).toThrow(
      /list of lists; give the numbers in one list/,
    );
  });

  it("says what is wrong with a shape", () => {
    expectError("SHAPE", /tensor: 3 values do not fill shape \[2,2\]/, () =>
      tensor([1, 2, 3], [2, 2], device),
    );
    expectError("SHAPE", /whole number >= 0, got \[2,-1\]/, () => zeros([2, -1], device));
    expectError("SHAPE", /whole number >= 0, got \[1.5\]/, () => zeros([1.5], device));
    expectError("SHAPE", /whole number >= 0, got \[NaN\]/, () => zeros([NaN], device));
    expectError("SHAPE", /assign: 1 values for a tensor of shape \[2\]/, () =>
      zeros([2], device).assign([1]),
    );
    expectError("SHAPE", /item\(\): the tensor has shape \[2\]/, () => zeros([2], device).itemSync());
    expectError("SHAPE", /\[2,3\] has 6 elements, \[4\] does not/, () => reshape(zeros([2, 3], device), [4]));
    expectError("SHAPE", /more than one size open/, () => reshape(zeros([4], device), [-1, -1]));
    expectError("SHAPE", /\[2\] and \[3\] cannot be broadcast/, () =>
      add(zeros([2], device), zeros([3], device)),
    );
  });

  it("is not readable once freed, not even through an op", async () => {
    const x = tensor([1, 2], [2], device);
    x.dispose();
    expect(x.disposed).toBe(true);
    const says = /tensor of shape \[2\] was freed; return it from its scope or keep\(\) it/;
    expectError("DISPOSED", says, () => x.dataSync());
    expectError("DISPOSED", says, () => x.assign([1, 2]));
    expectError("DISPOSED", says, () => add(x, 1));
    expectError("DISPOSED", says, () => reshape(x, [2, 1]));
    await expect(x.data()).rejects.toThrow(says);
    x.dispose();
    expect(x.disposed).toBe(true);
  });
});

describe("shapes", () => {
  it("count up to 2^31 - 1 elements", () => {
    expect(sizeOf([])).toBe(1);
    expect(sizeOf([3, 0, 5])).toBe(0);
    expect(sizeOf([2 ** 31 - 1])).toBe(2 ** 31 - 1);
    expectError("SHAPE", /\[65536,32768\] has 2147483648 elements; a tensor holds less than 2\^31/, () =>
      sizeOf([65536, 32768]),
    );
  });

  it("broadcast from the last index", () => {
    expect(broadcastShapes("add", [[3, 1], [4], []])).toEqual([3, 4]);
    expect(broadcastShapes("add", [[1], [0]])).toEqual([0]);
    expectError(
      "SHAPE",
      /mul: \[2,3\] and \[2\] cannot be broadcast together \(sizes 3 and 2 at index 1\)/,
      () => broadcastShapes("mul", [[2, 3], [2]]),
    );
  });

  it("must not come from another device", () => {
    scope(() => {
      const [x, y]: Tensor[] = [zeros([1], { device: "cpu" }), zeros([1], { device: "reference" })];
      expectError("DEVICE", /operands are on cpu and reference/, () => add(x, y));
    });
  });
});
