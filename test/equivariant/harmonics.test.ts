import { beforeAll, describe, expect, it } from "vitest";
import { mul, sin } from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { square } from "../../kernels/elementwise/ops.generated.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import {
  bessel,
  type RadialBasis,
  softOneHotLinspace,
  softUnitStep,
} from "../../src/equivariant/radial-basis.js";
import { SphericalHarmonics, sphericalHarmonics } from "../../src/equivariant/spherical-harmonics.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { expectNear, fixture, flat } from "./fixture.js";

interface Harmonics {
  lmax: number;
  normalize: boolean;
  normalization: "component" | "norm" | "integral";
  y: number[][];
  gradient: number[][];
  second: number[][];
}
interface Radial {
  basis: RadialBasis;
  cutoff: boolean;
  y: number[][];
  gradient: (number | null)[];
}
const core = fixture<{
  harmonics: { x: number[][]; cases: Harmonics[] };
  radial: { r: number[]; start: number; end: number; number: number; cases: Radial[] };
}>("core.json");

const numbers = (values: readonly number[], shape?: number[]): Tensor =>
  tensor(Float64Array.from(values), shape ?? [values.length]);

beforeAll(() => openCpu());

describe("sphericalHarmonics", () => {
  it.each(
    core.harmonics.cases.map(
      (c) => [`l <= ${c.lmax}, ${c.normalization}, normalize ${c.normalize}`, c] as const,
    ),
  )(
    "has e3nn's values and derivatives: %s",
    (_name, { lmax, normalize, normalization, y, gradient, second }) => {
      const x = requireGrad(numbers(flat(core.harmonics.x), [4, 3]));
      const degrees = Array.from({ length: lmax + 1 }, (_, l) => l);
      const found = sphericalHarmonics(degrees, x, { normalize, normalization });
      expectNear(found.dataSync(), flat(y), 2e-14, "values");
      const g = sin(
        numbers(
          Array.from({ length: found.size }, (_, k) => 0.7 * k + 0.3),
          [...found.shape],
        ),
      );
      const [d] = grad(sum(mul(found, g)), [x], { createGraph: true });
      expectNear(d.dataSync(), flat(gradient), 1e-12, "gradient");
      const [dd] = grad(sum(square(d)), [x]);
      expectNear(dd.dataSync(), flat(second), 1e-11, "second derivative");
    },
  );

  it("follows the order asked for, and the parity of pseudo-vectors", () => {
    const x = numbers([1, 2, 3], [1, 3]);
    const options = { normalize: true, normalization: "component" } as const;
    const all = Array.from(sphericalHarmonics([0, 1, 2], x, options).dataSync());
    expect(Array.from(sphericalHarmonics([2, 0, 1, 1], x, options).dataSync())).toEqual([
      ...all.slice(4),
      ...all.slice(0, 4),
      ...all.slice(1, 4),
    ]);
    expect(Array.from(sphericalHarmonics("2x1e+0e", x, options).dataSync())).toEqual([
      ...all.slice(1, 4),
      ...all.slice(1, 4),
      1,
    ]);
    expect(() => sphericalHarmonics("1o+2o", x, options)).toThrow(/2o has parity -1.*input 1o/);
    expect(sphericalHarmonics([], x, options).shape).toEqual([1, 0]);
    expect(() => sphericalHarmonics(-1, x, options)).toThrow(/whole number/);
    const module = new SphericalHarmonics("2x1o+2e", options);
    expect([module.irrepsIn.toString(), module.irrepsOut.toString()]).toEqual(["1x1o", "2x1o+1x2e"]);
    expect(module.call(x).shape).toEqual([1, 11]);
  });

  it("is finite at the zero vector, with derivatives 0", () => {
    for (const dtype of ["f32", "f64"] as const) {
      const x = requireGrad(zeros([1, 3], { dtype }));
      const y = sphericalHarmonics([0, 1, 2, 3], x, { normalize: true, normalization: "component" });
      expect(Array.from(y.dataSync())).toEqual([1, ...new Array<number>(15).fill(0)]);
      const [d] = grad(sum(y), [x], { createGraph: true });
      expect(Array.from(d.dataSync()).map(Math.abs)).toEqual([0, 0, 0]);
      const [dd] = grad(sum(square(d)), [x]);
      expect(Array.from(dd.dataSync()).map(Math.abs)).toEqual([0, 0, 0]);
    }
  });
});

describe("radial bases", () => {
  const { r, start, end, number, cases } = core.radial;
  it.each(cases.map((c) => [`${c.basis}, cutoff ${c.cutoff}`, c] as const))("are e3nn's: %s", (_name, c) => {
    const x = requireGrad(numbers(r));
    const y = softOneHotLinspace(x, { start, end, number, basis: c.basis, cutoff: c.cutoff });
    expectNear(y.dataSync(), flat(c.y), 1e-13, "values");
    const [d] = grad(sum(mul(y, numbers([1, 2, 3, 4, 5]))), [x]);
    expectNear(d.dataSync(), c.gradient as number[], 1e-12, "gradient");
  });

  it("stay finite at every edge", () => {
    for (const basis of ["gaussian", "cosine", "smooth_finite", "fourier", "bessel"] as const)
      for (const dtype of ["f32", "f64"] as const) {
        const x = requireGrad(tensor([0, 0.3, 0.6, 0.9, 1.8, 5], [6], { dtype }));
        const y = softOneHotLinspace(x, { start: 0, end: 1.8, number: 5, basis, cutoff: true });
        const [d] = grad(sum(y), [x], { createGraph: true });
        const [dd] = grad(sum(square(d)), [x]);
        for (const t of [y, d, dd])
          expect(t.dataSync().every(Number.isFinite), `${basis} ${dtype}`).toBe(true);
      }
    expectNear(
      bessel(numbers([0]), 2, 1.5).dataSync(),
      [1, 2].map((k) => Math.sqrt(2 / 1.5) * ((k * Math.PI) / 1.5)),
      1e-15,
    );
    expectNear(
      softUnitStep(numbers([-1, 0, 1e-4, 0.5, 2])).dataSync(),
      [0, 0, 0, Math.exp(-2), Math.exp(-0.5)],
      1e-15,
    );
  });

  it("have the article's values", () => {
    const y = softOneHotLinspace(numbers([1]), {
      start: 0,
      end: 1.8,
      number: 10,
      basis: "smooth_finite",
      cutoff: true,
    });
    const values = Array.from(mul(y, Math.sqrt(10)).dataSync());
    expectNear(values, [0, 0, 0, 0, 0, 3.52018336408, 0.001938387796, 0, 0, 0], 1e-12);
  });

  // soft_one_hot_linspace(1, 2, -1, 3, basis, cutoff) of e3nn 0.6 in float64
  it.each([
    ["gaussian", true, [0.7989636757271158, 0.5724824896696022, 0.055514753591175255]],
    ["cosine", true, [0.8660254037844387, 0.5000000000000001, 0]],
    ["smooth_finite", true, [0.8888920617663787, 0.23043660977837993, 0]],
    ["fourier", true, [0.6546536707079771, 0.6546536707079772, 0]],
    ["gaussian", false, [0.5724824896696022, 0.7989636757271158, 0.1509047458982733]],
    ["cosine", false, [0.5000000000000001, 0.8660254037844387, 0]],
    ["smooth_finite", false, [0.23043660977837993, 0.8888920617663787, 0]],
    ["fourier", false, [0.7559289460184544, 0.3779644730092273, -0.37796447300922703]],
  ] as const)("count from the larger end too: %s, cutoff %s", (basis, cutoff, expected) => {
    const y = softOneHotLinspace(numbers([1]), { start: 2, end: -1, number: 3, basis, cutoff });
    expectNear(y.dataSync(), expected, 1e-14);
  });

  it.each(["fourier", "bessel"] as const)("of %s have no slope where they are cut", (basis) => {
    for (const end of [1.7, 2.3, 0.9]) {
      const x = requireGrad(numbers([end]));
      const y = softOneHotLinspace(x, { start: 0.5, end, number: 10, basis, cutoff: true });
      expectNear(grad(sum(y), [x])[0].dataSync(), [0], 0);
    }
  });

  it("refuse what they cannot mean", () => {
    const options = { start: 0, end: 1, number: 3, basis: "gaussian", cutoff: true } as const;
    expect(() => softOneHotLinspace(numbers([1]), { ...options, basis: "gauss" as never })).toThrow(
      /allowed: gaussian/,
    );
    expect(() => softOneHotLinspace(numbers([1]), { ...options, cutoff: undefined as never })).toThrow(
      /cutoff must be given/,
    );
    expect(() => softOneHotLinspace(numbers([1]), { ...options, end: 0 })).toThrow(/with end != start/);
    const bessel = { ...options, basis: "bessel", end: -1 } as const;
    expect(() => softOneHotLinspace(numbers([1]), bessel)).toThrow(/with end > start for bessel/);
  });
});
