import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it } from "vitest";
import { add, mul, square } from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { memory } from "../../src/tensor/device.js";
import { keep, scope, scopeAsync } from "../../src/tensor/scope.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";

openCpu();

const start = memory();
afterEach(() => {
  expect(memory().tensors, "live tensors after the test").toBe(start.tensors);
  expect(memory().buffers, "buffers in use after the test").toBe(start.buffers);
  expect(memory().bytes, "bytes in use after the test").toBe(start.bytes);
});

describe("scope", () => {
  it("frees what was made inside and not returned", () => {
    const kept = scope(() => {
      const x = tensor([1, 2]);
      expect(memory().tensors).toBe(start.tensors + 1);
      return add(mul(x, 2), 1);
    });
    expect(memory().tensors).toBe(start.tensors + 1);
    expect([...kept.dataSync()]).toEqual([3, 5]);
    kept.dispose();
  });

  it("finds what is returned inside arrays and plain objects", () => {
    const { a, list } = scope(() => ({
      a: tensor([1]),
      list: [tensor([2]), { deep: tensor([3]) }] as const,
      n: 4,
    }));
    expect(memory().tensors).toBe(start.tensors + 3);
    expect([a, list[0], list[1].deep].map((t) => t.itemSync())).toEqual([1, 2, 3]);
    for (const t of [a, list[0], list[1].deep]) t.dispose();
  });

  it("nests: what an inner scope returns belongs to the outer one", () => {
    scope(() => {
      const inner = scope(() => scope(() => tensor([5])));
      expect(inner.itemSync()).toBe(5);
    });
  });

  it("returns an outer tensor without taking it over", () => {
    using x = tensor([1]);
    expect(scope(() => x)).toBe(x);
    expect(x.disposed).toBe(false);
  });

  it("frees what was made before an error", () => {
    expect(() =>
      scope(() => {
        tensor([1]);
        throw new Error("mistake");
      }),
    ).toThrow("mistake");
  });

  it("refuses an async function, whose tensors it could not follow", () => {
    expect(() => scope(() => Promise.resolve(1))).toThrow(/scopeAsync/);
  });

  it("waits in scopeAsync", async () => {
    const value = await scopeAsync(async () => {
      const x = tensor([2]);
      await Promise.resolve();
      return square(x).item();
    });
    expect(value).toBe(4);
    await expect(
      scopeAsync(async () => {
        tensor([1]);
        await Promise.reject(new Error("mistake"));
      }),
    ).rejects.toThrow("mistake");
  });

  it("leaves alone what was kept, from any depth", () => {
    let kept: Tensor | undefined;
    scope(() => {
      const outer = tensor([1]);
      scope(() => {
        keep(outer);
        kept = keep(tensor([2]));
      });
      expect(kept!.itemSync()).toBe(2);
      kept!.dispose();
      kept = outer;
    });
    expect(kept!.itemSync()).toBe(1);
    kept!.dispose();
  });

  it("works with using", () => {
    {
      using x = tensor([1]);
      using y = add(x, 1);
      expect(y.itemSync()).toBe(2);
      expect(memory().tensors).toBe(start.tensors + 2);
    }
    expect(memory().tensors).toBe(start.tensors);
  });

  it("frees a tensor once, even if it was disposed of inside", () => {
    scope(() => {
      const x = tensor([1]);
      x.dispose();
      x.dispose();
    });
  });
});

describe("the tape", () => {
  it("keeps alive what it saved, no longer", () => {
    const x = requireGrad(tensor([3]));
    const y = scope(() => sum(square(x)));
    x.dispose();
    expect(memory().tensors, "x is saved by square").toBe(start.tensors + 2);
    y.dispose();
    expect(memory().tensors).toBe(start.tensors);
  });

  it("lets go as it walks", () => {
    const x = requireGrad(tensor([3]));
    const y = scope(() => sum(square(mul(x, x))));
    const [g] = grad(y, [x]);
    expect(g.itemSync()).toBe(4 * 27);
    for (const t of [x, y, g]) t.dispose();
  });

  it("leaks nothing when it is never walked, nor in second derivatives", () => {
    const x = requireGrad(tensor([2], [1], { dtype: "f64" }));
    scope(() => {
      sum(square(mul(x, x)));
    });
    expect(memory().tensors).toBe(start.tensors + 1);
    const second = scope(() => {
      const [g] = grad(sum(mul(square(x), x)), [x], { createGraph: true });
      return grad(sum(g), [x])[0];
    });
    expect(second.itemSync()).toBe(12);
    for (const t of [x, second]) t.dispose();
  });

  it("survives a chain of 100,000 ops", () => {
    const x = requireGrad(tensor([1]));
    const end = scope(() => {
      let y: Tensor = x;
      for (let k = 0; k < 100_000; k++) {
        const next = add(y, 1);
        if (y !== x) y.dispose();
        y = next;
      }
      return y;
    });
    const [g] = grad(end, [x]);
    expect(g.itemSync()).toBe(1);
    for (const t of [end, g, x]) t.dispose();
  });
});

describe("the finaliser", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;

  it("frees tensors made outside any scope and forgotten", async () => {
    const forget = (): void => {
      for (let k = 0; k < 8; k++) square(requireGrad(zeros([1000])));
    };
    forget();
    expect(memory().tensors).toBeGreaterThan(start.tensors);
    for (let k = 0; k < 50 && memory().buffers > start.buffers; k++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });

  it("does not run for what was disposed of, nor twice", async () => {
    const others = Array.from({ length: 8 }, () => tensor([1]));
    ((): void => tensor([1]).dispose())();
    for (let k = 0; k < 5; k++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(memory().tensors).toBe(start.tensors + 8);
    for (const t of others) t.dispose();
  });
});
