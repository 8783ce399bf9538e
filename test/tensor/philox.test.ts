import { describe, expect, it } from "vitest";
import { philox4x32, RandomStream } from "../../src/tensor/philox.js";

type Words = [number, number, number, number];
const hex = (words: readonly number[]): string[] => words.map((w) => w.toString(16).padStart(8, "0"));

describe("philox4x32-10", () => {
  // Random123's kat_vectors, "philox4x32 10".
  it.each<[string, Words, [number, number], string[]]>([
    ["zeros", [0, 0, 0, 0], [0, 0], ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]],
    [
      "all bits set",
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      ["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"],
    ],
    [
      "the digits of pi",
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      ["d16cfe09", "94fdcceb", "5001e420", "24126ea1"],
    ],
  ])("gives the published words for %s", (_name, counter, key, wanted) => {
    expect(hex(philox4x32(counter, key))).toEqual(wanted);
  });

  it("multiplies 32-bit words exactly", () => {
    // Against the same ten rounds in big integers.
    const mask = 0xffffffffn;
    const slow = (counter: Words, key: [number, number]): number[] => {
      let [c0, c1, c2, c3] = counter.map(BigInt);
      let [k0, k1] = key.map(BigInt);
      for (let round = 0; round < 10; round++) {
        const [p0, p1] = [0xd2511f53n * c0, 0xcd9e8d57n * c2];
        [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & mask, (p0 >> 32n) ^ c3 ^ k1, p0 & mask];
        k0 = (k0 + 0x9e3779b9n) & mask;
        k1 = (k1 + 0xbb67ae85n) & mask;
      }
      return [c0, c1, c2, c3].map(Number);
    };
    for (let k = 0; k < 500; k++) {
      const [a, b, c, d] = philox4x32([k, 1, 2, 3], [4, 5]);
      const key: [number, number] = [d, a ^ b ^ c];
      expect(philox4x32([a, b, c, d], [key[0], key[1] >>> 0])).toEqual(slow([a, b, c, d], [d, key[1] >>> 0]));
    }
  });
});

describe("RandomStream", () => {
  it("is a pure function of seed, stream and position", () => {
    const draw = (seed: number, stream: number): number[] => {
      const random = new RandomStream(seed, stream);
      return Array.from({ length: 9 }, () => random.word());
    };
    expect(draw(42, 1)).toEqual(draw(42, 1));
    expect(draw(42, 1)).not.toEqual(draw(42, 2));
    expect(draw(42, 1)).not.toEqual(draw(43, 1));
    const random = new RandomStream(42, 1);
    expect(draw(42, 1).slice(4, 8)).toEqual(random.at(1));
  });

  it("uses all 53 bits of a seed, and indices beyond 2^32", () => {
    expect(new RandomStream(2 ** 40).word()).not.toBe(new RandomStream(0).word());
    const random = new RandomStream(1);
    expect(random.at(2 ** 32)).not.toEqual(random.at(0));
    expect(random.at(2 ** 32)).toEqual(philox4x32([0, 1, 0, 0], [1, 0]));
  });

  it("draws uniforms in [0, 1) with the moments of the distribution", () => {
    const random = new RandomStream(7);
    const n = 40_000;
    const x = Float64Array.from({ length: n }, () => random.uniform());
    expect(x.every((v) => v >= 0 && v < 1)).toBe(true);
    const mean = x.reduce((a, b) => a + b) / n;
    const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
    // Four standard errors: sqrt(1/12/n) and sqrt(1/180/n).
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(4 * Math.sqrt(1 / 180 / n));
  });

  it("draws normals with the moments of the distribution", () => {
    const random = new RandomStream(8);
    const n = 40_000;
    const x = Float64Array.from({ length: n }, () => random.normal());
    const moment = (p: number): number => x.reduce((a, b) => a + b ** p, 0) / n;
    expect(x.every(Number.isFinite)).toBe(true);
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
  });

  it("permutes: every number once, every place equally likely", () => {
    const random = new RandomStream(9);
    expect([...random.permutation(0)]).toEqual([]);
    expect([...random.permutation(1)]).toEqual([0]);
    const counts = new Int32Array(25);
    const trials = 4000;
    for (let t = 0; t < trials; t++) {
      const order = random.permutation(5);
      expect([...order].sort()).toEqual([0, 1, 2, 3, 4]);
      order.forEach((value, place) => counts[5 * place + value]++);
    }
    const spread = Math.sqrt(trials * 0.2 * 0.8);
    for (const count of counts) expect(Math.abs(count - trials / 5)).toBeLessThan(5 * spread);
  });
});
