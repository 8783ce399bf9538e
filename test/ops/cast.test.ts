import { describe, expect, it } from "vitest";
import { cast } from "../../kernels/cast/op.js";
import { mul, square } from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { scope } from "../../src/tensor/scope.js";
import { tensor } from "../../src/tensor/tensor.js";

openCpu();
openReference();

describe.each(["cpu", "reference"] as const)("cast on %s", (device) => {
  it("turns bytes and masks into numbers", () => {
    scope(() => {
      const bytes = tensor(Uint8Array.of(0, 1, 128, 255), [2, 2], { device });
      const mask = tensor([0, 3, -1, 0], [4], { dtype: "bool", device });
      expect(cast(bytes, "f32").dataSync()).toEqual(Float32Array.of(0, 1, 128, 255));
      expect(cast(bytes, "f64").dataSync()).toEqual(Float64Array.of(0, 1, 128, 255));
      expect(cast(bytes, "i32").dataSync()).toEqual(Int32Array.of(0, 1, 128, 255));
      expect(cast(bytes, "i32").shape).toEqual([2, 2]);
      expect(cast(mask, "f32").dataSync()).toEqual(Float32Array.of(0, 1, 1, 0));
      expect(cast(mask, "i32").dataSync()).toEqual(Int32Array.of(0, 1, 1, 0));
    });
  });

  it("rounds to the nearest f32 and cuts towards 0", () => {
    scope(() => {
      const x = tensor(Float64Array.of(0.1, -1.9, 2 ** 24 + 1, 1e300), [4], { device });
      expect(cast(x, "f32").dataSync()).toEqual(Float32Array.of(0.1, -1.9, 2 ** 24, Infinity));
      expect(cast(tensor([-1.9, 1.9, -0.5], [3], { device }), "i32").dataSync()).toEqual(
        Int32Array.of(-1, 1, 0),
      );
    });
  });

  it("passes gradients between f32 and f64, each in the type of its variable, to second order", () => {
    scope(() => {
      const x = requireGrad(tensor([1.5, -2], [2], { device }));
      const y = cast(x, "f64");
      const [g] = grad(sum(mul(square(y), y)), [x], { createGraph: true });
      expect(g.dtype).toBe("f32");
      expect([...g.dataSync()]).toEqual([3 * 1.5 ** 2, 12]);
      const [h] = grad(sum(g), [x]);
      expect([...h.dataSync()]).toEqual([9, -12]);
    });
  });
});
