import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { cos, mul, sin } from "../../kernels/elementwise/ops.generated.js";
import { legendre, sphericalBessel } from "../../kernels/radial_basis/op.js";
import { sum } from "../../kernels/reduce/op.js";
import { indexMap } from "../../kernels/segment/op.js";
import { slice } from "../../kernels/shape_ops/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { type RadialBasis, softOneHotLinspace } from "../../src/equivariant/radial-basis.js";
import { BesselBasis, SphericalBasis } from "../../src/nn/bessel-basis.js";
import { besselNorms, besselTableOfPyg, besselZeros } from "../../src/nn/bessel-zeros.js";
import { cosineCutoff, deepmdSwitch, polynomialEnvelope } from "../../src/nn/cutoff.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectNear, flat } from "../equivariant/fixture.js";

/** [value, first, second derivative] at each point. */
type Jets = [number, number, number][];
interface Bases {
  zeros: number[][];
  norms: number[][];
  x: number[];
  spherical: Jets[][];
  t: number[];
  legendre: Jets[];
  frequencies: number[];
  radial: Jets[];
  radialFrequency: number[][];
  envelope: Record<string, Jets>;
  cosine: Jets;
  switch: Jets;
  pyg: Record<"d" | "angle" | "edges" | "distanceGradient" | "angleGradient" | "radialGradient", number[]> &
    Record<"spherical" | "radial", number[][]>;
  soft: { basis: RadialBasis; cutoff: boolean; y: number[][]; first: number[]; second: number[] }[];
  softPoints: number[];
}
const given = JSON.parse(
  readFileSync(new URL("../fixtures/nn/bases.json", import.meta.url), "utf8"),
) as Bases;

const numbers = (values: readonly number[], shape: number[] = [values.length]): Tensor =>
  tensor(Float64Array.from(values), shape);
const column = (jets: Jets, order: number): number[] => jets.map((jet) => jet[order]);

/** Value, slope and curvature of a function of each number. */
function jetsOf(f: (x: Tensor) => Tensor, at: readonly number[]): ArrayLike<number>[] {
  const x = requireGrad(numbers(at));
  const y = f(x);
  const [first] = grad(sum(y), [x], { createGraph: true });
  const [second] = grad(sum(first), [x]);
  return [y, first, second].map((t) => t.dataSync());
}
function expectJets(
  f: (x: Tensor) => Tensor,
  at: readonly number[],
  wanted: Jets,
  tolerance: number,
  what: string,
): void {
  jetsOf(f, at).forEach((found, k) =>
    expectNear(found, column(wanted, k), tolerance, `${what}, derivative ${k}`),
  );
}

beforeAll(() => openCpu());

describe("spherical Bessel functions", () => {
  const [degrees, radials] = [given.zeros.length, given.zeros[0].length];

  it("have their zeros and factors to 1e-14", () => {
    const zeros = besselZeros(degrees, radials);
    const norms = besselNorms(zeros, degrees);
    flat(given.zeros).forEach((z, k) => expect(Math.abs(zeros[k] / z - 1)).toBeLessThan(1e-15 * 10));
    flat(given.norms).forEach((n, k) => expect(Math.abs(norms[k] / n - 1)).toBeLessThan(1e-14 * 5));
    expect(besselZeros(3, 0).length).toBe(0);
    expect(() => besselZeros(2.5, 1)).toThrow(/whole numbers/);
  });

  it("have the specification's zeros, and the rounded ones", () => {
    const zeros = besselZeros(7, 6);
    expect([zeros[6], zeros[41]]).toEqual([4.493409457909064, 27.50786836490425]);
    expect(besselTableOfPyg(7, 6).zeros).toEqual(zeros.map(Math.fround));
  });

  it("are 40-digit arithmetic's to 1e-12 with two derivatives, every degree", () => {
    const zeros = besselZeros(degrees, radials);
    const table = {
      degrees,
      radials,
      zeros: numbers(Array.from(zeros)),
      norms: numbers(Array.from(besselNorms(zeros, degrees))),
    };
    for (let l = 0; l < degrees; l++)
      for (let n = 0; n < radials; n++) {
        const f = (x: Tensor): Tensor => {
          const at = l * radials + n;
          return slice(sphericalBessel(x, table, 6), 1, at, at + 1);
        };
        expectJets(f, given.x, given.spherical[l][n], 1e-12, `l ${l}, n ${n}`);
      }
  });

  it("have the specification's values at x = 0.3", () => {
    const y = new SphericalBasis(7, 6, { rcut: 5, dtype: "f64" }).radial(numbers([1.5])).dataSync();
    expectNear(y.slice(0, 3), [12.5689236738705, 14.7756559453816, 4.80090164141533], 1e-13);
    expectNear(y.slice(36, 38), [0.285515487784441, 1.65879030391962], 1e-13);
  });
});

describe("Legendre functions", () => {
  it("are 40-digit arithmetic's to 1e-13 with two derivatives, at collinear triplets too", () => {
    given.legendre.forEach((jets, l) =>
      expectJets((t) => slice(legendre(t, l + 1), 1, l, l + 1), given.t, jets, 1e-13, `l ${l}`),
    );
  });
});

describe("BesselBasis", () => {
  const basis = (): BesselBasis => {
    const module = new BesselBasis(2, { rcut: 1, dtype: "f64" });
    module.loadState(new Map([["freq", { shape: [2], data: Float64Array.from(given.frequencies) }]]));
    return module;
  };

  it("has its values and two derivatives, and that of the frequencies", () => {
    const module = basis();
    given.radial.forEach((jets, n) => {
      expectJets((d) => slice(module.call(d), 1, n, n + 1), given.x, jets, 1e-12, `function ${n}`);
    });
    const slopes = given.x.flatMap((x) => {
      const [g] = grad(sum(module.call(numbers([x]))), [module.freq]);
      return Array.from(g.dataSync());
    });
    const wanted = given.x.flatMap((_, k) => given.radialFrequency.map((row) => row[k]));
    expectNear(slopes, wanted, 1e-13);
  });

  it("starts at n pi and has the specification's values", () => {
    const y = new BesselBasis(6, { rcut: 5, dtype: "f64" }).call(numbers([1.5])).dataSync();
    expectNear(y.slice(0, 3), [2.66627134860299, 3.1343899546376, 1.01842503193632], 1e-13);
  });

  it("is finite for coincident atoms, and nothing from the cutoff on", () => {
    for (const dtype of ["f32", "f64"] as const) {
      const d = requireGrad(tensor([0, 5, 7], [3], { dtype }));
      const y = new BesselBasis(2, { rcut: 5, dtype }).call(d);
      expectNear(y.dataSync(), [Math.PI, 2 * Math.PI, 0, 0, 0, 0], 1e-7);
      const [first] = grad(sum(mul(y, y)), [d], { createGraph: true });
      const [second] = grad(sum(first), [d]);
      for (const t of [first, second]) expect(t.dataSync().every(Number.isFinite)).toBe(true);
      expect(Array.from(first.dataSync().slice(1)).map(Math.abs)).toEqual([0, 0]);
    }
    expect(() => new BesselBasis(2, { rcut: 0 })).toThrow(/rcut is 0/);
  });
});

describe("SphericalBasis", () => {
  const { pyg } = given;
  const tripletsOf = (precision: "f32" | "f64") => {
    const d = requireGrad(numbers(pyg.d));
    const angle = requireGrad(numbers(pyg.angle));
    const basis = new SphericalBasis(7, 6, { rcut: 5, dtype: "f64", zerosPrecision: precision });
    const y = basis.call(d, cos(angle), indexMap(Int32Array.from(pyg.edges), pyg.d.length));
    const phases = Array.from({ length: y.size }, (_, k) => 0.7 * k + 0.3);
    const g = sin(numbers(phases, [...y.shape]));
    const gradients = grad(sum(mul(y, g)), [d, angle]);
    return [y, ...gradients].map((t) => t.dataSync());
  };
  const wanted = [flat(pyg.spherical), pyg.distanceGradient, pyg.angleGradient];

  it("is torch_geometric's where zeros are rounded as there", () => {
    tripletsOf("f32").forEach((found, k) => expectNear(found, wanted[k], 1e-10, `result ${k}`));
  });

  it("differs from it by those roundings otherwise", () => {
    tripletsOf("f64").forEach((found, k) => {
      expectNear(found, wanted[k], 1e-5, `result ${k}`);
      expect(() => expectNear(found, wanted[k], 1e-10)).toThrow();
    });
  });

  it("comes with the radial basis of torch_geometric", () => {
    const d = requireGrad(numbers(pyg.d));
    const y = new BesselBasis(6, { rcut: 5, dtype: "f64" }).call(d);
    expectNear(y.dataSync(), flat(pyg.radial), 1e-6);
    const phases = Array.from({ length: y.size }, (_, k) => 0.7 * k + 0.3);
    const g = sin(numbers(phases, [...y.shape]));
    const [slope] = grad(sum(mul(y, g)), [d]);
    expectNear(slope.dataSync(), pyg.radialGradient, 1e-6);
  });
});

describe("cutoffs", () => {
  it.each(Object.entries(given.envelope))("the polynomial envelope, p = %s", (p, jets) => {
    expectJets((x) => polynomialEnvelope(x, Number(p)), given.x, jets, 1e-12, "envelope");
  });

  it("the cosine and DeePMD's switch", () => {
    expectJets(cosineCutoff, given.x, given.cosine, 1e-13, "cosine");
    const at = [0.1, 0.3, 0.55, 0.81, 0.95];
    expectJets((r) => deepmdSwitch(r, 0.25, 0.9), at, given.switch, 1e-12, "switch");
  });

  it("vanish with slope and curvature where they end", () => {
    for (const f of [polynomialEnvelope, (x: Tensor) => deepmdSwitch(x, 0.2, 1)])
      jetsOf(f, [1, 1.5]).forEach((values) => expectNear(values, [0, 0], 0));
    expect(() => polynomialEnvelope(numbers([1]), 1)).toThrow(/whole number from 2/);
    expect(() => deepmdSwitch(numbers([1]), 2, 1)).toThrow(/0 <= rcutSmooth < rcut/);
  });
});

describe("softOneHotLinspace", () => {
  it.each(given.soft.map((c) => [`${c.basis}, cutoff ${c.cutoff}`, c] as const))(
    "has e3nn's second derivative: %s",
    (_name, { basis, cutoff, y, first, second }) => {
      const x = requireGrad(numbers(given.softPoints));
      const found = softOneHotLinspace(x, { start: 0, end: 1.8, number: 4, basis, cutoff });
      expectNear(found.dataSync(), flat(y), 1e-13, "values");
      const [d] = grad(sum(mul(found, numbers([1, 2, 3, 4]))), [x], { createGraph: true });
      expectNear(d.dataSync(), first, 1e-12, "first");
      const [dd] = grad(sum(d), [x]);
      expectNear(dd.dataSync(), second, 1e-11, "second");
    },
  );
});
