import { type Attrs, type Dims, defineOp, type Op } from "../../src/autograd/define-op.js";
import { reshape } from "../../src/autograd/reshape.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { groupsOf64, type WgslKernel } from "../../src/tensor/backend.js";
import { showShape } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { mul } from "../elementwise/ops.generated.js";
import { sum } from "../reduce/op.js";
import { besselParts, legendreParts, type RadialShape } from "./parts.js";
import { wgsl } from "./wgsl.generated.js";
import { besselDotReference, besselReference, legendreDotReference, legendreReference } from "./reference.js";

/** As in cpu.cc. */
const [mostFunctions, mostOrder, mostDegrees] = [512, 6, 12];

const column = (x: Tensor): Tensor => reshape(x, [x.size, 1]);
const radialAttrs = { degrees: "int", radials: "int", envelope: "int", order: "int" } as const;
/** An invocation per function, or per row. */
const perFunction: WgslKernel = { code: wgsl, groups: (ints) => groupsOf64(ints[0] * ints[1]) };
const perRow: WgslKernel = { code: wgsl, groups: (ints) => groupsOf64(ints[0]) };
const shapeOf = (a: Attrs): RadialShape => a as unknown as RadialShape;
const tooHigh = (order: number): string | undefined =>
  order > mostOrder ? `derivative ${order}; up to ${mostOrder} are supported` : undefined;
const checkRadial = (d: Dims): string | undefined =>
  d.F !== d.degrees * d.radials || d.F > mostFunctions || d.degrees > mostDegrees
    ? `${d.degrees} x ${d.radials} functions with ${d.F} zeros; at most ${mostDegrees} degrees and ${mostFunctions} functions`
    : tooHigh(d.order);
const checkAngular = (d: Dims): string | undefined =>
  d.L > mostDegrees ? `${d.L} degrees; at most ${mostDegrees} are supported` : tooHigh(d.order);

/** A derivative of env(x) N j_l(z x): see `sphericalBessel`. */
export const sphericalBesselOp: Op = /*#__PURE__*/ defineOp({
  name: "sphericalBessel",
  inputs: { x: "[E]", zeros: "[F]", norms: "[F]" },
  attrs: radialAttrs,
  output: "[E,F]",
  check: checkRadial,
  save: ["x", "zeros", "norms"],
  vjp: (g, { x, zeros, norms }, a) => ({
    x: sphericalBesselDotOp.apply([g, x, zeros, norms], { ...a, order: Number(a.order) + 1 }),
  }),
  decompose: ({ x, zeros, norms }, a) => besselParts(x, zeros, norms, shapeOf(a)),
  cost: (d) => ({ flop: 150 * d.E * d.F, elements: d.E * (d.F + 1) }),
  reference: besselReference,
  wgsl: perFunction,
});

/** The sum of g times the functions of `sphericalBessel`. */
export const sphericalBesselDotOp: Op = /*#__PURE__*/ defineOp({
  name: "sphericalBesselDot",
  inputs: { g: "[E,F]", x: "[E]", zeros: "[F]", norms: "[F]" },
  attrs: radialAttrs,
  output: "[E]",
  check: checkRadial,
  save: ["g", "x", "zeros", "norms"],
  vjp: (w, { g, x, zeros, norms }, a, needs) => ({
    g: needs("g") ? mul(column(w), sphericalBesselOp.apply([x, zeros, norms], a)) : undefined,
    x: needs("x")
      ? mul(w, sphericalBesselDotOp.apply([g, x, zeros, norms], { ...a, order: Number(a.order) + 1 }))
      : undefined,
  }),
  decompose: ({ g, x, zeros, norms }, a) =>
    sum(mul(g, besselParts(x, zeros, norms, shapeOf(a))), { axis: 1 }),
  cost: (d) => ({ flop: 150 * d.E * d.F, elements: d.E * (d.F + 2) }),
  reference: besselDotReference,
  wgsl: perRow,
});

/** A derivative of sqrt((2l+1) / 4 pi) P_l(t): see `legendre`. */
export const legendreOp: Op = /*#__PURE__*/ defineOp({
  name: "legendre",
  inputs: { t: "[E]" },
  attrs: { L: "int", order: "int" },
  output: "[E,L]",
  check: checkAngular,
  save: ["t"],
  vjp: (g, { t }, { order }) => ({ t: legendreDotOp.apply([g, t], { order: Number(order) + 1 }) }),
  decompose: ({ t }, { L, order }) => legendreParts(t, Number(L), Number(order)),
  cost: (d) => ({ flop: 6 * d.E * d.L, elements: d.E * (d.L + 1) }),
  reference: legendreReference,
  wgsl: perRow,
});

/** The sum of g times the functions of `legendre`. */
export const legendreDotOp: Op = /*#__PURE__*/ defineOp({
  name: "legendreDot",
  inputs: { g: "[E,L]", t: "[E]" },
  attrs: { order: "int" },
  output: "[E]",
  check: checkAngular,
  save: ["g", "t"],
  vjp: (w, { g, t }, { order }, needs) => ({
    g: needs("g") ? mul(column(w), legendreOp.apply([t], { L: g.shape[1], order })) : undefined,
    t: needs("t") ? mul(w, legendreDotOp.apply([g, t], { order: Number(order) + 1 })) : undefined,
  }),
  decompose: ({ g, t }, { order }) => sum(mul(g, legendreParts(t, g.shape[1], Number(order))), { axis: 1 }),
  cost: (d) => ({ flop: 8 * d.E * d.L, elements: d.E * (d.L + 2) }),
  reference: legendreDotReference,
  wgsl: perRow,
});

/** Zeros and factors of spherical Bessel functions, [degrees * radials] each, degree by degree. */
export interface BesselTable {
  readonly degrees: number;
  readonly radials: number;
  readonly zeros: Tensor;
  readonly norms: Tensor;
}

/**
 * env(x) N j_l(z x) for every degree l and zero z: x [E] -> [E, degrees * radials], differentiable up to order 6. env is u(x)/x with
 * u = 1 - (p+1)(p+2)/2 x^p + p(p+2) x^(p+1) - p(p+1)/2 x^(p+2) and 0 from x = 1 on. Below x = 2e-7 the value at 2e-7 with
 * derivatives 0.
 *
 * @param envelope p of the envelope, 0 for none. Errors: SHAPE; VALUE. Source: spec dimenetpp 2.1, 2.3.
 */
export function sphericalBessel(x: Tensor, table: BesselTable, envelope: number): Tensor {
  assertVector("sphericalBessel", x);
  const { degrees, radials, zeros, norms } = table;
  return sphericalBesselOp.apply([x, zeros, norms], { degrees, radials, envelope, order: 0 });
}

/**
 * Y_l0 = sqrt((2l+1) / 4 pi) P_l(t) of t = cos(angle) for l = 0..degrees-1: t [T] -> [T, degrees], differentiable up to order 6, at
 * collinear triplets (t = 1 or -1) too. Errors: SHAPE; VALUE.
 */
export function legendre(t: Tensor, degrees: number): Tensor {
  assertVector("legendre", t);
  return legendreOp.apply([t], { L: degrees, order: 0 });
}

function assertVector(what: string, x: Tensor): void {
  if (x.rank !== 1)
    throw new AtomgradError("SHAPE", `${what}: expected a list of numbers [E], got ${showShape(x.shape)}`);
}
