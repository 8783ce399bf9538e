import { describe, expect, it } from "vitest";
import { GroupCache } from "../../src/backends/webgpu/group-cache.js";

/** Only identity matters to the cache. */
const group = (label: string): GPUBindGroup => ({ label }) as GPUBindGroup;

describe("bind groups by slots", () => {
  const bound = [0, 2, 3];
  const first = 5;
  const words = new Int32Array(16);
  const key = (a: number, b: number, c: number): void => words.set([a, 99, b, c], first);
  const find = (cache: GroupCache) => cache.at(cache.find(words, first, bound));

  it("are found among thousands, absent inputs and swapped slots told apart", () => {
    const cache = new GroupCache(3);
    const expected: [number, number, number, GPUBindGroup][] = [];
    for (let a = -1; a < 20; a++)
      for (let b = -1; b < 20; b++)
        for (let c = 0; c < 10; c++) expected.push([a, b, c, group(`${a} ${b} ${c}`)]);
    for (const [a, b, c, made] of expected) {
      key(a, b, c);
      expect(find(cache)).toBeUndefined();
      cache.add(made, words, first, bound);
    }
    expect(cache.size).toBe(expected.length);
    for (const [a, b, c, made] of expected) {
      key(a, b, c);
      expect(find(cache)).toBe(made);
    }
  });

  it("do not depend on buffers that are not bound, and are gone once cleared", () => {
    const cache = new GroupCache(3);
    const made = group("one");
    key(1, 2, 3);
    cache.add(made, words, first, bound);
    words[first + 1] = 7;
    expect(find(cache)).toBe(made);
    cache.clear();
    expect([cache.size, find(cache)]).toEqual([0, undefined]);
  });
});
