import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchPlan } from "../../src/data/deepmd-batches.js";
import type { BatchPlanOptions, RandomWord } from "../../src/data/deepmd-batches.js";
import { batchCounts, batchSizes, systemProbabilities } from "../../src/data/deepmd-sampling.js";
import { philox4x32 } from "../../src/tensor/philox.js";
import { errorOf } from "./expect-error.js";

const random: RandomWord = (seed, stream, index) =>
  philox4x32([index >>> 0, Math.floor(index / 2 ** 32), stream, 0], [seed, 0])[0];
const systems = [
  { frames: 64, atoms: 192 },
  { frames: 7, atoms: 10 },
  { frames: 1, atoms: 40 },
];

function plan(options: Partial<BatchPlanOptions> = {}, of = systems): BatchPlan {
  return new BatchPlan(of, { batchSize: 2, seed: 5, random, ...options });
}

describe("batch_size", () => {
  it("knows every form", () => {
    expect([...batchSizes(3, systems)]).toEqual([3, 3, 3]);
    expect([...batchSizes([1, 2, 3], systems)]).toEqual([1, 2, 3]);
    expect([...batchSizes("auto", systems)]).toEqual([1, 4, 1]);
    expect([...batchSizes("auto:200", systems)]).toEqual([2, 20, 5]);
    expect([...batchSizes("max:199", systems)]).toEqual([1, 19, 4]);
    expect([...batchSizes("max:5", systems)]).toEqual([1, 1, 1]);
    expect([...batchSizes("filter:100", systems)]).toEqual([0, 10, 2]);
    expect([...batchCounts(systems, [3, 7, 0])]).toEqual([22, 1, 0]);
  });

  it("refuses the rest by name", () => {
    expect(errorOf(() => batchSizes("mixed:4", systems)).message).toMatch(
      /batch_size: found "mixed:4" \(batches across systems are not made here/,
    );
    expect(errorOf(() => batchSizes("max", systems)).message).toMatch(
      /found "max"; allowed: a number, a list, "auto"/,
    );
    expect(errorOf(() => batchSizes("auto:0", systems)).code).toBe("CONFIG");
    expect(errorOf(() => batchSizes([1], systems)).message).toMatch(/1 numbers for 3 systems/);
    expect(errorOf(() => batchSizes([1, 0, 1], systems)).message).toMatch(/batch_size\[1\]: found 0/);
    expect(errorOf(() => batchSizes(1.5, systems, "validation_data")).message).toMatch(
      /^validation_data\.batch_size: found 1\.5/,
    );
    expect(errorOf(() => batchSizes("filter:9", systems)).message).toMatch(/leaves no system/);
  });
});

describe("auto_prob and sys_probs", () => {
  const counts = [6, 3, 1];

  it("knows every form", () => {
    expect([...systemProbabilities("prob_uniform", null, counts)]).toEqual([1 / 3, 1 / 3, 1 / 3]);
    expect([...systemProbabilities("prob_sys_size", null, counts)]).toEqual([0.6, 0.3, 0.1]);
    const blocks = [...systemProbabilities("prob_sys_size; 0:2:3; 2:3:1", null, counts)];
    [0.5, 0.25, 0.25].forEach((value, k) => expect(blocks[k]).toBeCloseTo(value, 15));
    expect([...systemProbabilities("prob_sys_size;1:3:1", null, counts)]).toEqual([0, 0.75, 0.25]);
    expect([...systemProbabilities("prob_uniform", [0.2, 0.3, 0.5], counts)]).toEqual([0.2, 0.3, 0.5]);
    const filled = [...systemProbabilities("prob_sys_size", [0.6, -1, -1], counts)];
    [0.6, 0.3, 0.1].forEach((value, k) => expect(filled[k]).toBeCloseTo(value, 15));
    expect([...systemProbabilities("prob_uniform", null, [4, 0, 4])]).toEqual([0.5, 0, 0.5]);
  });

  it("refuses the rest by name", () => {
    expect(errorOf(() => systemProbabilities("size", null, counts)).message).toMatch(
      /auto_prob: found "size"; allowed/,
    );
    expect(errorOf(() => systemProbabilities("prob_sys_size; 0:4:1", null, counts)).message).toMatch(
      /block "0:4:1"/,
    );
    expect(errorOf(() => systemProbabilities("prob_sys_size; 0:2", null, counts)).message).toMatch(
      /block "0:2"/,
    );
    expect(errorOf(() => systemProbabilities("prob_sys_size; 0:2:1; 1:3:1", null, counts)).message).toMatch(
      /overlaps/,
    );
    expect(errorOf(() => systemProbabilities("prob_sys_size; 0:2:0", null, counts)).message).toMatch(
      /probability 0/,
    );
    expect(errorOf(() => systemProbabilities("prob_uniform", [1], counts)).message).toMatch(
      /sys_probs: 1 numbers for 3/,
    );
    expect(errorOf(() => systemProbabilities("prob_uniform", [0.5, 0.2, 0.2], counts)).message).toMatch(
      /sum to 0\.9/,
    );
    expect(errorOf(() => systemProbabilities("prob_uniform", [0.9, 0.2, -1], counts)).message).toMatch(
      /must be at most 1/,
    );
  });
});

describe("batches", () => {
  it("uses every frame of a system once before any again, last short batch kept", () => {
    const one = plan({ batchSize: 3 }, [{ frames: 7, atoms: 10 }]);
    expect(one.batchesPerEpoch).toBe(3);
    const orders = new Set<string>();
    for (let pass = 0; pass < 5; pass++) {
      const batches = [0, 1, 2].map((k) => one.at(3 * pass + k).frames);
      expect(batches.map((frames) => frames.length)).toEqual([3, 3, 1]);
      const order = batches.flatMap((frames) => [...frames]);
      expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
      orders.add(order.join());
    }
    expect(orders.size).toBe(5);
  });

  it("draws systems by their probability and passes through each of them evenly", () => {
    const many = plan({ sysProbs: [0.05, 0.15, 0.8], batchSize: 1 });
    const drawn = [0, 0, 0];
    const used = new Map<string, number>();
    for (let step = 0; step < 20000; step++) {
      const { system, frames } = many.at(step);
      drawn[system]++;
      used.set(`${system}/${frames[0]}`, (used.get(`${system}/${frames[0]}`) ?? 0) + 1);
    }
    [1000, 3000, 16000].forEach((expected, k) =>
      expect(Math.abs(drawn[k] - expected)).toBeLessThanOrEqual(30),
    );
    const first = [...used].filter(([name]) => name.startsWith("0/")).map(([, count]) => count);
    expect(first.length).toBe(64);
    expect(Math.max(...first) - Math.min(...first)).toBeLessThanOrEqual(1);
  });

  it("mixes the systems instead of walking through them one by one", () => {
    const sequence = Array.from({ length: 36 }, (_, step) => plan().at(step).system);
    const changes = sequence.filter((system, k) => k > 0 && system !== sequence[k - 1]).length;
    expect(changes).toBeGreaterThan(4);
  });

  it("is a pure function of seed and step", () => {
    const options = fc.record({
      seed: fc.nat(),
      batchSize: fc.integer({ min: 1, max: 9 }),
      autoProb: fc.constantFrom("prob_uniform", "prob_sys_size"),
      steps: fc.array(fc.nat(200000), { minLength: 1, maxLength: 6 }),
    });
    fc.assert(
      fc.property(options, ({ steps, ...rest }) => {
        const shared = plan(rest);
        for (const step of steps) expect(shared.at(step)).toEqual(plan(rest).at(step));
      }),
      { numRuns: 60 },
    );
  });

  it("shares one sequence among ranks", () => {
    const whole = plan();
    const ranks = [0, 1, 2].map((rank) => plan({ rank, rankCount: 3 }));
    for (let step = 0; step < 100; step++) {
      ranks.forEach((part, rank) => expect(part.at(step)).toEqual(whole.at(3 * step + rank)));
    }
  });

  it("depends on the seed and the purpose", () => {
    const head = (p: BatchPlan): string =>
      JSON.stringify(Array.from({ length: 20 }, (_, step) => p.at(step)));
    expect(new Set([plan(), plan({ seed: 6 }), plan({ purpose: "validation" })].map(head)).size).toBe(3);
  });

  it("never draws a system that is left out", () => {
    const filtered = plan({ batchSize: "filter:100" });
    const seen = new Set(Array.from({ length: 200 }, (_, step) => filtered.at(step).system));
    expect([...seen].sort()).toEqual([1, 2]);
  });

  it("restarts late in a long run in no time", () => {
    const big = [
      { frames: 1e6, atoms: 3 },
      { frames: 5e5, atoms: 30 },
    ];
    const late = plan({ batchSize: 1 }, big);
    const start = performance.now();
    expect(late.at(1e9).frames.length).toBe(1);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it("needs a system", () => {
    expect(errorOf(() => plan({}, [])).message).toMatch(/systems: no system is given/);
  });
});

describe("the sample for statistics", () => {
  it("is spread over the file, in file order, and the same for a seed", () => {
    const drawn = plan().sample(0, 10);
    expect(drawn.length).toBe(20);
    expect([...drawn]).toEqual([...new Set(drawn)].sort((a, b) => a - b));
    expect(drawn[0]).toBeLessThan(16);
    expect(drawn[19]).toBeGreaterThan(48);
    expect([...plan().sample(0, 10)]).toEqual([...drawn]);
    expect([...plan({ seed: 6 }).sample(0, 10)]).not.toEqual([...drawn]);
  });

  it("is every frame where that is fewer", () => {
    expect([...plan().sample(1, 10)]).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
});
