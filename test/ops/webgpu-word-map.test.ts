import { describe, expect, it } from "vitest";
import { WordMap } from "../../src/backends/webgpu/word-map.js";

describe("values by whole numbers", () => {
  const at = 5;
  const words = new Int32Array(16);
  const key = (...numbers: number[]): void => words.set(numbers, at);

  it("are found among thousands, negative numbers and another order told apart", () => {
    const map = new WordMap<string>(3);
    const expected: [number, number, number][] = [];
    for (let a = -1; a < 20; a++)
      for (let b = -1; b < 20; b++) for (let c = 0; c < 10; c++) expected.push([a, b, c]);
    for (const k of expected) {
      key(...k);
      expect(map.get(words, at)).toBeUndefined();
      map.add(k.join(" "), words, at);
    }
    expect(map.size).toBe(expected.length);
    for (const k of expected) {
      key(...k);
      expect(map.get(words, at)).toBe(k.join(" "));
    }
  });

  it("do not depend on what stands behind the key, and are gone once cleared", () => {
    const map = new WordMap<string>(2);
    key(1, 2, 3);
    map.add("one", words, at);
    key(1, 2, 7);
    expect(map.get(words, at)).toBe("one");
    map.clear();
    expect([map.size, map.get(words, at)]).toEqual([0, undefined]);
  });
});
