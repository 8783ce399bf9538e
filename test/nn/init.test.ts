import { describe, expect, it } from "vitest";
import * as init from "../../src/nn/init.js";
import { glorotOrthogonal } from "../../src/nn/orthogonal.js";
import { RandomStream } from "../../src/tensor/philox.js";
import type { Shape } from "../../src/tensor/shape.js";

const draw = (initializer: init.Initializer, shape: Shape, seed = 1): Float64Array =>
  initializer(shape, new RandomStream(seed));

function moments(x: Float64Array): { mean: number; variance: number; low: number; high: number } {
  const mean = x.reduce((a, b) => a + b) / x.length;
  const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
  return { mean, variance, low: Math.min(...x), high: Math.max(...x) };
}

describe("initialisers", () => {
  it("are pure functions of the stream", () => {
    for (const f of [
      init.normal(),
      init.uniform(),
      init.xavierUniform(),
      init.xavierNormal(),
      glorotOrthogonal(),
    ]) {
      expect(draw(f, [5, 7])).toEqual(draw(f, [5, 7]));
      expect(draw(f, [5, 7])).not.toEqual(draw(f, [5, 7], 2));
    }
  });

  it("draw one number after the other, so that sizes do not change what comes before", () => {
    expect(draw(init.normal(), [3, 4]).subarray(0, 4)).toEqual(draw(init.normal(), [4]));
  });

  it("fill with a constant, and nothing at all", () => {
    expect(draw(init.constant(0.5), [3])).toEqual(Float64Array.of(0.5, 0.5, 0.5));
    expect(draw(init.normal(), [0, 3])).toHaveLength(0);
    expect(draw(init.uniform(), [])).toHaveLength(1);
  });

  // Bounds: four standard errors of 40,000 draws.
  const n = 40_000;
  it.each<[string, init.Initializer, number, number, number]>([
    ["normal", init.normal({ mean: 2, deviation: 3 }), 2, 9, Infinity],
    ["uniform", init.uniform({ low: -1, high: 3 }), 1, 16 / 12, 2],
    ["xavierUniform", init.xavierUniform(2), 0, (4 * 2) / 500, 2 * Math.sqrt(6 / 500)],
    ["xavierNormal", init.xavierNormal(2), 0, (4 * 2) / 500, Infinity],
    ["fanInUniform", init.fanInUniform(100), 0, 1 / 300, 0.1],
  ])("%s has its distribution's mean, variance and range", (_name, initializer, mean, variance, reach) => {
    const found = moments(draw(initializer, [100, 400]));
    expect(Math.abs(found.mean - mean)).toBeLessThan(4 * Math.sqrt(variance / n));
    expect(Math.abs(found.variance / variance - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(found.high - mean).toBeLessThanOrEqual(reach);
    expect(mean - found.low).toBeLessThanOrEqual(reach);
    if (reach < Infinity) expect(found.high - found.low).toBeGreaterThan(1.99 * reach);
  });

  it("count inputs and outputs of weights [..., in, out]", () => {
    expect(init.fansOf("test", [3, 5])).toEqual({ fanIn: 3, fanOut: 5 });
    expect(init.fansOf("test", [2, 3, 5])).toEqual({ fanIn: 6, fanOut: 10 });
    expect(() => draw(init.xavierUniform(), [3])).toThrow(
      /xavierUniform: weights need at least two dimensions/,
    );
  });
});

describe("glorotOrthogonal", () => {
  const gram = (w: Float64Array, rows: number, columns: number): number[][] =>
    Array.from({ length: columns }, (_, a) =>
      Array.from({ length: columns }, (_unused, b) => {
        let dot = 0;
        for (let r = 0; r < rows; r++) dot += w[r * columns + a] * w[r * columns + b];
        return dot;
      }),
    );

  it.each([
    [8, 6],
    [6, 6],
    [5, 12],
    [1, 7],
  ])("of %i x %i has orthogonal vectors of equal length", (inputs, outputs) => {
    const w = draw(glorotOrthogonal(), [inputs, outputs]);
    const tall = inputs >= outputs;
    const vectors = tall
      ? w
      : Float64Array.from(w, (_, k) => w[(k % inputs) * outputs + Math.floor(k / inputs)]);
    const [rows, columns] = [Math.max(inputs, outputs), Math.min(inputs, outputs)];
    const g = gram(vectors, rows, columns);
    for (let a = 0; a < columns; a++)
      for (let b = 0; b < columns; b++) expect(g[a][b] / g[0][0]).toBeCloseTo(Number(a === b), 13);
  });

  it("has the variance scale / (in + out), by either estimate", () => {
    const n = 8 * 6;
    const population = moments(draw(glorotOrthogonal(), [8, 6])).variance;
    const unbiased = moments(draw(glorotOrthogonal({ scale: 3, variance: "unbiased" }), [8, 6])).variance;
    expect(population).toBeCloseTo(2 / 14, 14);
    expect((unbiased * n) / (n - 1)).toBeCloseTo(3 / 14, 14);
  });

  it("stays finite for one element and for none, and wants a matrix", () => {
    expect(Math.abs(draw(glorotOrthogonal(), [1, 1])[0])).toBeCloseTo(1, 14);
    expect(draw(glorotOrthogonal(), [0, 3])).toHaveLength(0);
    expect(() => draw(glorotOrthogonal(), [2, 3, 4])).toThrow(/expected a matrix \[in,out\], got \[2,3,4\]/);
  });
});
