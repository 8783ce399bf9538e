import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import {
  abs,
  add,
  grad,
  Module,
  o3,
  relu,
  requireGrad,
  sigmoid,
  silu,
  sin,
  sum,
  tanh,
  type Tensor,
  tensor,
} from "../../src/index.js";
import { expectNear, fixture } from "./fixture.js";

interface Numbers {
  shape: number[];
  data: number[];
}
/** What e3nn computes, on random input. */
interface Derived {
  inputs: Numbers[];
  cotangent: Numbers;
  out: Numbers;
  first: Numbers[];
  second: Numbers[];
}
type Act = keyof typeof acts;
type State = Record<string, Numbers>;
interface BatchNormOptions {
  eps: number;
  momentum: number;
  affine: boolean;
  reduce: "mean" | "max";
  instance: boolean;
  normalization: "norm" | "component";
  include_bias: boolean;
}
interface Modules {
  algebra: Record<string, unknown>[];
  squares: (Derived & { irreps: string; options: o3.TensorSquareOptions; printed: string[] })[];
  gates: (Derived & { given: [string, Act[], string, Act[], string]; printed: string[] })[];
  activations: (Derived & { irreps: string; acts: Act[]; printed: string[] })[];
  norms: (Derived & { irreps: string; squared: boolean; printed: string[] })[];
  normActivations: (Derived & { irreps: string; act: Act; epsilon: number | null })[];
  batchNorms: (Derived & {
    irreps: string;
    options: BatchNormOptions;
    printed: string;
    state: State;
    running: State;
    evaluated: Numbers;
  })[];
  networks: (Derived & {
    widths: number[];
    act: Act;
    options: { variance_in: number; variance_out: number; out_act: boolean };
    printed: string[];
    state: State;
  })[];
  harmonics: (Derived & {
    l: o3.HarmonicsLike;
    normalize: boolean;
    normalization: "norm" | "component" | "integral";
    irrepsIn: string | null;
    printed: string[];
  })[];
  bases: (Derived & { basis: o3.RadialBasis; cutoff: boolean; number: number })[];
  bessel: Derived;
  besselAtZero: Numbers;
  softUnitStep: Derived;
}

const acts = { relu, silu, tanh, abs, sigmoid };
const e3nn = fixture<Modules>("modules.json");
const numbered = <T>(list: readonly T[]): (readonly [number, T])[] => list.map((c, k) => [k, c] as const);
const of = ({ shape, data }: Numbers): Tensor => tensor(Float64Array.from(data), shape);
const near = (found: Tensor, wanted: Numbers, what: string): void => {
  expect(found.shape, what).toEqual(wanted.shape);
  const largest = wanted.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  // The rounding of a sum that cancels to zero: the length of a scalar has no second derivative.
  if (largest < 1e-14) for (const x of found.dataSync()) expect(Math.abs(x), what).toBeLessThan(1e-14);
  else expectNear(found.dataSync(), wanted.data, 1e-10, what);
};
const stateOf = (state: State): Map<string, { shape: number[]; data: Float64Array; dtype: "f64" }> =>
  new Map(
    Object.entries(state).map(([name, { shape, data }]) => [
      name,
      { shape, data: Float64Array.from(data), dtype: "f64" },
    ]),
  );

/** The value, gradients with the cotangent, and gradients of the sum of sin(gradient + 0.5). */
function expectDerived(f: (...inputs: Tensor[]) => Tensor, wanted: Derived): void {
  const inputs = wanted.inputs.map((x) => requireGrad(of(x)));
  const out = f(...inputs);
  near(out, wanted.out, "value");
  const gradOutput = of(wanted.cotangent);
  const first = grad(out, inputs, { gradOutput, createGraph: true, allowUnused: true });
  const near0 = (found: Tensor | undefined, numbers: Numbers, what: string): void => {
    if (found !== undefined) near(found, numbers, what);
    else
      expect(
        numbers.data.every((x) => x === 0),
        what,
      ).toBe(true);
  };
  first.forEach((g, k) => near0(g, wanted.first[k], `gradient ${k}`));
  const live = first.flatMap((g) => (g?.requiresGrad === true ? [sum(sin(add(g, 0.5)))] : []));
  if (live.length === 0)
    return void expect(wanted.second.every(({ data }) => data.every((x) => x === 0))).toBe(true);
  const second = grad(
    live.reduce((a, b) => add(a, b)),
    inputs,
    { allowUnused: true },
  );
  second.forEach((g, k) => near0(g, wanted.second[k], `second derivative ${k}`));
}

beforeAll(() => openCpu());

describe("modules are e3nn's, with two derivatives", () => {
  it.each(numbered(e3nn.squares))("TensorSquare %i", (_, c) => {
    const m = new o3.TensorSquare(c.irreps, { ...c.options, internalWeights: false });
    expect([String(m), o3.showInstructions(m.instructions), String(m.irrepsOut)]).toEqual(c.printed);
    expectDerived((x, w?: Tensor) => m.call(x, w), c);
  });
  it.each(numbered(e3nn.gates))("Gate %i", (_, c) => {
    const [scalars, actScalars, gates, actGates, gated] = c.given;
    const functions = (names: Act[]) => names.map((name) => acts[name]);
    const m = new o3.Gate(scalars, functions(actScalars), gates, functions(actGates), gated);
    expect([m, m.irrepsIn, m.irrepsOut].map(String)).toEqual(c.printed);
    expectDerived((x) => m.call(x), c);
  });
  it.each(numbered(e3nn.activations))("Activation %i", (_, c) => {
    const m = new o3.Activation(c.irreps, [...c.acts.map((name) => acts[name]), undefined]);
    expect([m, m.irrepsOut].map(String)).toEqual(c.printed);
    expectDerived((x) => m.call(x), c);
  });
  it.each(numbered(e3nn.norms))("Norm %i", (_, c) => {
    const m = new o3.Norm(c.irreps, { squared: c.squared });
    expect([m, m.irrepsOut].map(String)).toEqual(c.printed);
    expectDerived((x) => m.call(x), c);
  });
  it.each(numbered(e3nn.normActivations))("NormActivation %i", (_, c) => {
    const m = new o3.NormActivation(c.irreps, acts[c.act], { epsilon: c.epsilon ?? undefined });
    expectDerived((x) => m.call(x), c);
  });
  it.each(numbered(e3nn.batchNorms))("BatchNorm %i", (_, c) => {
    const { include_bias: includeBias, ...rest } = c.options;
    const make = () => new o3.BatchNorm(c.irreps, { ...rest, includeBias, dtype: "f64" });
    const [m, fresh] = [make(), make()];
    expect(String(m)).toBe(c.printed);
    m.loadState(stateOf(c.state));
    expectDerived((x) => m.call(x), c);
    fresh.call(of(c.inputs[0]));
    for (const [name, wanted] of Object.entries(c.running)) near(fresh.buffers().get(name)!, wanted, name);
    fresh.training = false;
    near(fresh.call(of(c.inputs[0])), c.evaluated, "evaluated");
  });
  it.each(numbered(e3nn.networks))("FullyConnectedNet %i", (_, c) => {
    const { variance_in: varianceIn, variance_out: varianceOut, out_act: outAct } = c.options;
    const m = new o3.FullyConnectedNet(c.widths, acts[c.act], {
      varianceIn,
      varianceOut,
      outAct,
      dtype: "f64",
    });
    expect([m, ...m.layers].map(String)).toEqual(c.printed);
    m.loadState(stateOf(c.state));
    expectDerived((x) => m.call(x), c);
  });
  it.each(numbered(e3nn.harmonics))("SphericalHarmonics %i", (_, c) => {
    const { normalize, normalization, irrepsIn } = c;
    const m = new o3.SphericalHarmonics(c.l, { normalize, normalization, irrepsIn: irrepsIn ?? undefined });
    expect([m.irrepsIn, m.irrepsOut].map(String)).toEqual(c.printed);
    expectDerived((x) => m.call(x), c);
  });
  it.each(numbered(e3nn.bases))("soft_one_hot_linspace %i", (_, c) => {
    const { basis, cutoff, number } = c;
    expectDerived((x) => o3.softOneHotLinspace(x, { start: 0.2, end: 2.7, number, basis, cutoff }), c);
  });
  it("bessel and soft_unit_step", () => {
    expectDerived((x) => o3.bessel(x, 3, 1.7), e3nn.bessel);
    near(o3.bessel(tensor(Float64Array.of(0.3, 0)), 3), e3nn.besselAtZero, "at zero");
    expectDerived((x) => o3.softUnitStep(x), e3nn.softUnitStep);
  });
});

describe("the algebra of irreps is e3nn's", () => {
  it.each(numbered(e3nn.algebra))("list %i", (_, wanted) => {
    const irreps = new o3.Irreps(wanted.text as string);
    const { irreps: sorted, p, inv } = irreps.sort();
    const [start, stop] = wanted.sliceByMul as [number, number, string];
    expect({
      text: wanted.text,
      printed: String(irreps),
      dim: irreps.dim,
      numIrreps: irreps.numIrreps,
      ls: irreps.ls,
      simplify: String(irreps.simplify()),
      sort: [String(sorted), p, inv],
      regroup: String(irreps.regroup()),
      removeZeroMultiplicities: String(irreps.removeZeroMultiplicities()),
      slices: irreps.slices().map((s) => [s.start, s.stop]),
      sliceByMul: [start, stop, String(irreps.sliceByMul(start, stop))],
      slice: [irreps.slice(1), irreps.slice(0, -1), irreps.slice(-2)].map(String),
      repeat: String(irreps.repeat(2)),
      lmax1: String(irreps.filter({ lmax: 1 })),
      count: irreps.count("1o"),
    }).toEqual(wanted);
  });
});

describe("a tree of modules prints as in PyTorch", () => {
  it("with the irreps of its parts", () => {
    const [features, sh] = ["2x0e+1x1o", "1x0e+1x1o"];
    class Convolution extends Module {
      readonly lin = this.child("lin1", new o3.Linear(features, features));
      readonly tp = this.child("tp", new o3.FullyConnectedTensorProduct(features, sh, "2x0e+1x0e+1x1o"));
      readonly gate = this.child("gate", new o3.Gate("2x0e", [silu], "1x0e", [sigmoid], "1x1o"));

      protected forward(x: Tensor): Tensor {
        return this.lin.call(x);
      }
    }
    expect(String(new Convolution())).toBe(
      [
        "Convolution(",
        "  (lin1): Linear(2x0e+1x1o -> 2x0e+1x1o | 5 weights)",
        "  (tp): FullyConnectedTensorProduct(2x0e+1x1o x 1x0e+1x1o -> 3x0e+1x1o | 12 paths | 12 weights)",
        "  (gate): Gate (3x0e+1x1o -> 2x0e+1x1o)",
        ")",
      ].join("\n"),
    );
  });
});
