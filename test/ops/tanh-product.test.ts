import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mul } from "../../kernels/elementwise/ops.generated.js";
import { matmul } from "../../kernels/matmul/op.js";
import { sum } from "../../kernels/reduce/op.js";
import {
  tanhProductGradientsOp,
  tanhProductVjpOp,
  tanhProductVjpVjpOp,
} from "../../kernels/tanh_product/op.js";
import type { Op } from "../../src/autograd/define-op.js";
import { grad } from "../../src/autograd/grad.js";
import { profile } from "../../src/autograd/profile.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu, getThreads, setThreads } from "../../src/backends/cpu/cpu.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { setDefaultDevice } from "../../src/tensor/device.js";
import type { TypedArray } from "../../src/tensor/dtype.js";
import { scope } from "../../src/tensor/scope.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { Samples } from "../../src/testing/samples.js";
import { type FloatType, scaleOf } from "./derivatives.js";
import { expectClose, expectSameBits } from "./matrix.js";

const before = { threads: 1 };
beforeAll(() => {
  openCpu();
  openReference();
  setDefaultDevice("cpu");
  before.threads = getThreads();
});
afterAll(() => setThreads(before.threads));

/** Rows, columns, width: empty, one, odd, a row more than a block, several parts of several blocks. */
const sizes = [
  [0, 3, 2],
  [2, 0, 3],
  [2, 3, 0],
  [1, 1, 1],
  [5, 9, 3],
  [127, 25, 17],
  [260, 7, 33],
  [16300, 5, 1],
  [900, 100, 50],
] as const;

const shapes = (op: Op, [E, N, K]: readonly number[]): number[][] =>
  Object.values(op.spec.inputs).map((text) =>
    Array.from(text.matchAll(/[ENK]/g), ([d]) => (d === "E" ? E : d === "N" ? N : K)),
  );

function run(
  op: Op,
  size: readonly number[],
  device: "cpu" | "reference",
  type: FloatType,
  optional: boolean,
): TypedArray[] {
  const random = new Samples(11);
  const keys = Object.keys(op.spec.inputs);
  return scope(() => {
    const inputs = shapes(op, size).map((shape, k) => {
      const { data } = random.uniform(shape);
      return optional || !keys[k].endsWith("?") ? tensor(data, shape, { dtype: type, device }) : undefined;
    });
    return op.applyAll(inputs).map((t) => t.dataSync());
  });
}

describe.each(
  [tanhProductVjpOp, tanhProductGradientsOp, tanhProductVjpVjpOp].map((op) => [op.name, op] as const),
)("%s", (_name, op) => {
  it.each([
    ["f64", 1e-14],
    ["f32", 3e-6],
  ] as const)("is its reference in %s, with and without addends", (type, tolerance) => {
    for (const size of sizes)
      for (const optional of [false, true]) {
        const [found, wanted] = [
          run(op, size, "cpu", type, optional),
          run(op, size, "reference", type, optional),
        ];
        wanted.forEach((values, k) => {
          expectClose(found[k], values, tolerance, scaleOf([values]), `output ${k} of ${size.join(" x ")}`);
        });
      }
  });

  it("has the same bits for any number of threads", () => {
    setThreads(1);
    const one = run(op, [2050, 50, 25], "cpu", "f64", true);
    for (const count of [2, 3]) {
      setThreads(count);
      run(op, [2050, 50, 25], "cpu", "f64", true).forEach((values, k) =>
        expectSameBits(values, one[k], `output ${k} with ${count} threads`),
      );
    }
  });
});

describe("the gradients of a product with tanh", () => {
  const network = (rows: number): { x: Tensor; w: Tensor; loss: Tensor } => {
    const random = new Samples(3);
    const given = (shape: number[]): Tensor =>
      requireGrad(tensor(random.uniform(shape).data, shape, { dtype: "f64" }));
    const [x, w] = [given([rows, 3]), given([3, 6])];
    const y = matmul(x, w, { activation: "tanh" });
    return { x, w, loss: sum(mul(y, y)) };
  };
  const kernels = (f: () => unknown): string[] => scope(() => [...profile(f).keys()]);

  it("run in fused kernels where there are many rows", () => {
    const { x, w, loss } = network(1024);
    expect(kernels(() => grad(loss, [x], { keepTape: true }))).toContain("tanhProductVjp");
    expect(kernels(() => grad(loss, [x, w], { keepTape: true }))).toContain("tanhProductGradients");
    const [force] = grad(loss, [x], { createGraph: true });
    const total = sum(mul(force, force));
    expect(kernels(() => grad(total, [x, w]))).toContain("tanhProductVjpVjp");
  });

  it("run in general ones for few rows", () => {
    const { x, loss } = network(1023);
    expect(kernels(() => grad(loss, [x]))).not.toContain("tanhProductVjp");
  });
});
