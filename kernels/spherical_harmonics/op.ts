import { type Dims, defineOp } from "../../src/autograd/define-op.js";
import { reshape } from "../../src/autograd/reshape.js";
import { groupsOf64, type WgslKernel } from "../../src/tensor/backend.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { showShape } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { div, less, mul, safeSqrt, square, sub, where } from "../elementwise/ops.generated.js";
import { sum } from "../reduce/op.js";
import {
  gradientReference,
  pullReference,
  pushReference,
  unitGradientReference,
  unitReference,
  valuesReference,
} from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

/** Mean square 1 a component, length 1, or integral of the square over the sphere 1 (of unit vectors). */
export type HarmonicsNormalization = "component" | "norm" | "integral";

const normalization = ["component", "norm", "integral"] as const;
const attrs = { lmax: "int", normalization } as const;
const largestDegree = 12;
/** An invocation per row. */
const onGpu: WgslKernel = { code: wgsl, groups: (ints) => groupsOf64(ints[0]) };

const check = (d: Dims): string | undefined =>
  d.lmax > largestDegree
    ? `lmax is ${d.lmax}; degrees up to ${largestDegree} are supported`
    : d.S === (d.lmax + 1) ** 2
      ? undefined
      : `rows have ${d.S} numbers, degrees up to ${d.lmax} have ${(d.lmax + 1) ** 2}`;

/** Y of all degrees: see `solidHarmonics`. Its derivative needs nothing but the result. */
export const sphericalHarmonicsOp = /*#__PURE__*/ defineOp({
  name: "sphericalHarmonics",
  inputs: { x: "[E,3]" },
  attrs: { S: "int", ...attrs },
  output: "[E,S]",
  check,
  save: ["out"],
  vjp: (g, { out }, a) => ({ x: harmonicsGradientOp.apply([g, out], a) }),
  cost: (d) => ({ flop: 3 * d.S * d.E, elements: (d.S + 3) * d.E }),
  reference: valuesReference,
  wgsl: onGpu,
});

/** g . D_k y for k = x, y, z: the gradient of g . Y from the harmonics themselves. */
export const harmonicsGradientOp = /*#__PURE__*/ defineOp({
  name: "harmonicsGradient",
  inputs: { g: "[E,S]", y: "[E,S]" },
  attrs,
  output: "[E,3]",
  check,
  save: ["g", "y"],
  vjp: (w, { g, y }, a, needs) => ({
    g: needs("g") ? harmonicsPushOp.apply([w, y], a) : undefined,
    y: needs("y") ? harmonicsPullOp.apply([w, g], a) : undefined,
  }),
  cost: (d) => ({ flop: 15 * d.S * d.E, elements: (2 * d.S + 3) * d.E }),
  reference: gradientReference,
  wgsl: onGpu,
});

/** sum over k of w_k D_k y: the change of Y in the direction w. */
export const harmonicsPushOp = /*#__PURE__*/ defineOp({
  name: "harmonicsPush",
  inputs: { w: "[E,3]", y: "[E,S]" },
  attrs,
  output: "[E,S]",
  check,
  save: ["w", "y"],
  vjp: (g, { w, y }, a, needs) => ({
    w: needs("w") ? harmonicsGradientOp.apply([g, y], a) : undefined,
    y: needs("y") ? harmonicsPullOp.apply([w, g], a) : undefined,
  }),
  cost: (d) => ({ flop: 15 * d.S * d.E, elements: (2 * d.S + 3) * d.E }),
  reference: pushReference,
  wgsl: onGpu,
});

/** sum over k of w_k D_k^T g: the adjoint of the push. */
export const harmonicsPullOp = /*#__PURE__*/ defineOp({
  name: "harmonicsPull",
  inputs: { w: "[E,3]", g: "[E,S]" },
  attrs,
  output: "[E,S]",
  check,
  save: ["w", "g"],
  vjp: (y, { w, g }, a, needs) => ({
    w: needs("w") ? harmonicsGradientOp.apply([g, y], a) : undefined,
    g: needs("g") ? harmonicsPushOp.apply([w, y], a) : undefined,
  }),
  cost: (d) => ({ flop: 15 * d.S * d.E, elements: (2 * d.S + 3) * d.E }),
  reference: pullReference,
  wgsl: onGpu,
});

/** Y(x / |x|) in one pass: see `unitHarmonics`. */
export const unitHarmonicsOp = /*#__PURE__*/ defineOp({
  name: "unitHarmonics",
  inputs: { x: "[E,3]" },
  attrs: { S: "int", ...attrs },
  output: "[E,S]",
  check,
  save: ["x"],
  vjp: (g, { x }, { lmax, normalization }) => ({
    x: unitHarmonicsGradientOp.apply([g, x], { lmax, normalization }),
  }),
  decompose: ({ x }, { lmax, normalization }) =>
    solidHarmonics(unitVectors(x), lmax as number, normalization as HarmonicsNormalization),
  cost: (d) => ({ flop: (3 * d.S + 12) * d.E, elements: (d.S + 3) * d.E }),
  reference: unitReference,
  wgsl: onGpu,
});

/** The gradient of g . Y(x / |x|) with respect to x. */
export const unitHarmonicsGradientOp = /*#__PURE__*/ defineOp({
  name: "unitHarmonicsGradient",
  inputs: { g: "[E,S]", x: "[E,3]" },
  attrs,
  output: "[E,3]",
  check,
  save: ["g", "x"],
  decompose: ({ g, x }, { lmax, normalization }) => {
    const n = unitVectors(x);
    const y = solidHarmonics(n, lmax as number, normalization as HarmonicsNormalization);
    const h = harmonicsGradientOp.apply([g, y], { lmax, normalization });
    const tangential = sub(h, mul(n, sum(mul(n, h), { axis: 1, keepDims: true })));
    return mul(tangential, inverseLength(x));
  },
  cost: (d) => ({ flop: (10 * d.S + 30) * d.E, elements: (d.S + 6) * d.E }),
  reference: unitGradientReference,
  wgsl: onGpu,
});

/**
 * Harmonics of the directions of x [...,3]: Y(x / |x|), [...,(lmax+1)^2], in the order of `solidHarmonics`. The zero vector (as in
 * `unitVectors`) gives 0 for l >= 1, with derivatives 0 of every order.
 *
 * Errors: SHAPE; VALUE for lmax above 12. Source: spec equivariant 3.3.
 */
export function unitHarmonics(
  x: Tensor,
  lmax: number,
  normalization: HarmonicsNormalization = "component",
): Tensor {
  const rows = vectors("unitHarmonics", x);
  const S = (lmax + 1) ** 2;
  const out = unitHarmonicsOp.apply([rows], { S, lmax, normalization });
  return reshape(out, [...x.shape.slice(0, -1), S]);
}

/**
 * Solid harmonics r^l Y_l(x / r) of all degrees 0..lmax in e3nn's basis (y is the polar axis): x [...,3] -> [...,(lmax+1)^2],
 * degree l at l^2, order m at l^2 + l + m. Differentiable to any order, at the zero vector too.
 *
 * Errors: SHAPE; VALUE for lmax above 12. Source: spec equivariant 3.2, 3.3.
 */
export function solidHarmonics(
  x: Tensor,
  lmax: number,
  normalization: HarmonicsNormalization = "component",
): Tensor {
  const rows = vectors("solidHarmonics", x);
  const S = (lmax + 1) ** 2;
  const out = sphericalHarmonicsOp.apply([rows], { S, lmax, normalization });
  return reshape(out, [...x.shape.slice(0, -1), S]);
}

/**
 * x / |x| for vectors x [...,3]. The zero vector (|x|^2 <= 1e-24 in f64, the smallest normal number in f32) gives 0 with
 * derivatives 0 of every order: padded and self edges never poison a gradient.
 */
export function unitVectors(x: Tensor): Tensor {
  const rows = vectors("unitVectors", x);
  return reshape(mul(rows, inverseLength(rows)), x.shape);
}

/** 1 / |x| of rows [E,3], [E,1]; 0 with derivatives 0 for the zero vector. */
function inverseLength(rows: Tensor): Tensor {
  const squares = sum(square(rows), { axis: 1, keepDims: true });
  const present = less(rows.dtype === "f64" ? 1e-24 : 1.1754944e-38, squares);
  return where(present, div(1, safeSqrt(where(present, squares, 1))), 0);
}

function vectors(what: string, x: Tensor): Tensor {
  if (x.rank === 0 || x.shape[x.rank - 1] !== 3)
    throw new AtomgradError("SHAPE", `${what}: expected vectors [...,3], got ${showShape(x.shape)}`);
  return x.rank === 2 ? x : reshape(x, [x.size / 3, 3]);
}
