import { describe, expect, it } from "vitest";
import { add, mul } from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import type { Backend } from "../../src/tensor/backend.js";
import { device, memory } from "../../src/tensor/device.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { classBytes, Pool, sizeClass } from "../../src/tensor/pool.js";
import { keep, scope } from "../../src/tensor/scope.js";
import { tensor, zeros } from "../../src/tensor/tensor.js";

openCpu();

/** A backend that only numbers its buffers. */
function counting(): { backend: Backend; released: number[] } {
  let next = 0;
  const released: number[] = [];
  const backend = { allocate: () => next++, release: (slot: number) => released.push(slot) };
  return { backend: backend as unknown as Backend, released };
}

describe("size classes", () => {
  it("hold what they are asked for and waste less than a fifth", () => {
    const sizes = [
      0,
      1,
      255,
      256,
      257,
      319,
      320,
      321,
      511,
      512,
      513,
      4096,
      1e6,
      2 ** 31 - 1,
      2 ** 31,
      8 * 2 ** 31,
    ];
    for (const bytes of sizes) {
      const size = classBytes(sizeClass(bytes));
      expect(size).toBeGreaterThanOrEqual(bytes);
      if (bytes > 256) expect(size).toBeLessThan(1.25 * bytes);
    }
  });

  it("rise with the size, four per octave", () => {
    for (let c = 0; c < 100; c++) {
      expect(sizeClass(classBytes(c))).toBe(c);
      expect(sizeClass(classBytes(c) + 1)).toBe(c + 1);
      expect(classBytes(c + 4)).toBe(2 * classBytes(c));
    }
  });
});

describe("the pool", () => {
  it("hands out the smallest free slot first", () => {
    const pool = new Pool(counting().backend);
    const slots = Array.from({ length: 50 }, () => pool.take(3));
    for (const k of new RandomStream(1).permutation(50)) pool.give(3, slots[k]);
    expect(Array.from({ length: 50 }, () => pool.take(3))).toEqual(slots);
    expect(pool.counters.allocations).toBe(50);
  });

  it("keeps the order under a random sequence", () => {
    const pool = new Pool(counting().backend);
    const random = new RandomStream(2);
    const taken: number[] = [];
    const free = new Set<number>();
    for (let step = 0; step < 3000; step++) {
      if (taken.length > 0 && random.uniform() < 0.5) {
        const [slot] = taken.splice(Math.floor(random.uniform() * taken.length), 1);
        pool.give(7, slot);
        free.add(slot);
      } else {
        const smallest = Math.min(...free);
        const slot = pool.take(7);
        if (free.size > 0) expect(slot).toBe(smallest);
        free.delete(slot);
        taken.push(slot);
      }
    }
  });

  it("never mixes classes, counts bytes, and gives free buffers back", () => {
    const { backend, released } = counting();
    const pool = new Pool(backend);
    const a = pool.take(0);
    const b = pool.take(4);
    expect(pool.counters).toEqual({ buffers: 2, bytes: 256 + 512, reserved: 768, allocations: 2 });
    pool.give(0, a);
    expect(pool.take(4)).not.toBe(a);
    pool.trim();
    expect(released).toEqual([a]);
    expect(pool.counters).toEqual({ buffers: 2, bytes: 1024, reserved: 1024, allocations: 3 });
    pool.give(4, b);
    expect(pool.counters.bytes).toBe(512);
  });
});

describe("a step", () => {
  it("allocates nothing after the first and touches the same buffers", () => {
    const w = requireGrad(keep(tensor([0.5, -0.5, 1], [3])));
    const step = (): number[] =>
      scope(() => {
        const x = zeros([100, 3]);
        const y = add(mul(x, w), 1);
        const [g] = grad(sum(mul(y, y)), [w]);
        return [x, y, g].map((t) => t.storage.slot);
      });
    const first = step();
    const { allocations, tensors } = memory();
    for (let k = 0; k < 20; k++) expect(step()).toEqual(first);
    expect(memory()).toMatchObject({ allocations, tensors });
    w.dispose();
  });

  it("can run on poisoned buffers", () => {
    const { pool } = device("cpu");
    pool.poison = true;
    try {
      scope(() => expect([...add(tensor([1, 2]), 1).dataSync()]).toEqual([2, 3]));
    } finally {
      pool.poison = false;
    }
  });
});
