import { defineOp } from "../../src/autograd/define-op.js";
import { gradientsOf } from "../../src/autograd/walk.js";
import { spreadGroups, type WgslKernel } from "../../src/tensor/backend.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { add, div, maximum, mul, mulAdd, safeSqrt, sqrt, square, sub } from "../elementwise/ops.generated.js";
import { mean, sum } from "../reduce/op.js";
import {
  layerCurvatureReference,
  layerNormReference,
  layerNormVjpReference,
  layerReference,
  layerVjpReference,
  unitCurvatureReference,
  unitReference,
  unitVjpReference,
} from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

const rows = { axis: 1, keepDims: true } as const;
const attrs = { eps: "real" } as const;
/** A workgroup per row. */
const onGpu: WgslKernel = { code: wgsl, groups: (ints) => spreadGroups(ints[0]) };
type Body = (x: Tensor, eps: number) => Tensor;

const layerBody: Body = (x, eps) => {
  const centred = sub(x, mean(x, rows));
  return div(centred, sqrt(add(mean(square(centred), rows), eps)));
};
const unitBody: Body = (x, eps) => div(x, maximum(safeSqrt(sum(square(x), rows)), eps));
const slopeOf = (body: Body, g: Tensor, x: Tensor, eps: number): Tensor =>
  gradientsOf(([v]) => body(v, eps), [x], g)[0]!;

/** y = (x - mean) / sqrt(var + eps) over each row [E,M], biased variance. */
export const layerRowsOp = /*#__PURE__*/ defineOp({
  name: "layerRows",
  inputs: { x: "[E,M]" },
  attrs,
  output: "[E,M]",
  save: ["x"],
  vjp: (g, { x }, a) => ({ x: layerRowsVjpOp.apply([g, x], a) }),
  decompose: ({ x }, a) => layerBody(x, Number(a.eps)),
  cost: (d) => ({ flop: 8 * d.E * d.M, elements: 2 * d.E * d.M }),
  reference: layerReference,
  wgsl: onGpu,
});

/** g . dy/dx, which is its own transpose. */
export const layerRowsVjpOp = /*#__PURE__*/ defineOp({
  name: "layerRowsVjp",
  inputs: { g: "[E,M]", x: "[E,M]" },
  attrs,
  output: "[E,M]",
  save: ["g", "x"],
  vjp: (u, { g, x }, a, needs) => ({
    g: needs("g") ? layerRowsVjpOp.apply([u, x], a) : undefined,
    x: needs("x") ? layerRowsCurvatureOp.apply([u, g, x], a) : undefined,
  }),
  decompose: ({ g, x }, a) => slopeOf(layerBody, g, x, Number(a.eps)),
  cost: (d) => ({ flop: 14 * d.E * d.M, elements: 3 * d.E * d.M }),
  reference: layerVjpReference,
  wgsl: onGpu,
});

/** d(u . vjp(g))/dx. */
export const layerRowsCurvatureOp = /*#__PURE__*/ defineOp({
  name: "layerRowsCurvature",
  inputs: { u: "[E,M]", g: "[E,M]", x: "[E,M]" },
  attrs,
  output: "[E,M]",
  decompose: ({ u, g, x }, a) => gradientsOf(([v]) => slopeOf(layerBody, g, v, Number(a.eps)), [x], u)[0]!,
  cost: (d) => ({ flop: 24 * d.E * d.M, elements: 4 * d.E * d.M }),
  reference: layerCurvatureReference,
  wgsl: onGpu,
});

/** layerRows times `weight` plus `bias` in one pass. */
export const layerNormOp = /*#__PURE__*/ defineOp({
  name: "layerNorm",
  inputs: { x: "[E,M]", weight: "[M]", bias: "[M]" },
  attrs,
  output: "[E,M]",
  save: ["x", "weight"],
  vjp: (g, { x, weight }, a, needs) => ({
    x: needs("x") ? layerNormVjpOp.apply([g, x, weight], a) : undefined,
    weight: needs("weight") ? sum(mul(g, layerRowsOp.apply([x], a)), { axis: 0 }) : undefined,
    bias: needs("bias") ? sum(g, { axis: 0 }) : undefined,
  }),
  decompose: ({ x, weight, bias }, a) => mulAdd(layerRowsOp.apply([x], a), weight, bias),
  cost: (d) => ({ flop: 10 * d.E * d.M, elements: 2 * d.E * d.M }),
  reference: layerNormReference,
});

/** (g weight) . d layerRows/dx: the gradient of x of layerNorm. */
export const layerNormVjpOp = /*#__PURE__*/ defineOp({
  name: "layerNormVjp",
  inputs: { g: "[E,M]", x: "[E,M]", weight: "[M]" },
  attrs,
  output: "[E,M]",
  save: ["g", "x", "weight"],
  vjp: (u, { g, x, weight }, a, needs) => {
    const along = needs("g") || needs("weight") ? layerRowsVjpOp.apply([u, x], a) : undefined;
    return {
      g: along && needs("g") ? mul(along, weight) : undefined,
      x: needs("x") ? layerRowsCurvatureOp.apply([u, mul(g, weight), x], a) : undefined,
      weight: along && needs("weight") ? sum(mul(g, along), { axis: 0 }) : undefined,
    };
  },
  decompose: ({ g, x, weight }, a) => layerRowsVjpOp.apply([mul(g, weight), x], a),
  cost: (d) => ({ flop: 15 * d.E * d.M, elements: 3 * d.E * d.M }),
  reference: layerNormVjpReference,
});

/** y = x / max(|x|, eps) over each row [E,M]. */
export const unitRowsOp = /*#__PURE__*/ defineOp({
  name: "unitRows",
  inputs: { x: "[E,M]" },
  attrs,
  output: "[E,M]",
  save: ["x"],
  vjp: (g, { x }, a) => ({ x: unitRowsVjpOp.apply([g, x], a) }),
  decompose: ({ x }, a) => unitBody(x, Number(a.eps)),
  cost: (d) => ({ flop: 3 * d.E * d.M, elements: 2 * d.E * d.M }),
  reference: unitReference,
  wgsl: onGpu,
});

/** g . dy/dx, which is its own transpose. */
export const unitRowsVjpOp = /*#__PURE__*/ defineOp({
  name: "unitRowsVjp",
  inputs: { g: "[E,M]", x: "[E,M]" },
  attrs,
  output: "[E,M]",
  save: ["g", "x"],
  vjp: (u, { g, x }, a, needs) => ({
    g: needs("g") ? unitRowsVjpOp.apply([u, x], a) : undefined,
    x: needs("x") ? unitRowsCurvatureOp.apply([u, g, x], a) : undefined,
  }),
  decompose: ({ g, x }, a) => slopeOf(unitBody, g, x, Number(a.eps)),
  cost: (d) => ({ flop: 7 * d.E * d.M, elements: 3 * d.E * d.M }),
  reference: unitVjpReference,
  wgsl: onGpu,
});

/** d(u . vjp(g))/dx. */
export const unitRowsCurvatureOp = /*#__PURE__*/ defineOp({
  name: "unitRowsCurvature",
  inputs: { u: "[E,M]", g: "[E,M]", x: "[E,M]" },
  attrs,
  output: "[E,M]",
  decompose: ({ u, g, x }, a) => gradientsOf(([v]) => slopeOf(unitBody, g, v, Number(a.eps)), [x], u)[0]!,
  cost: (d) => ({ flop: 14 * d.E * d.M, elements: 4 * d.E * d.M }),
  reference: unitCurvatureReference,
  wgsl: onGpu,
});

/**
 * Layer normalisation of rows: (x - mean)/sqrt(var + eps) * weight + bias, biased variance (Ba et al. 2016).
 *
 * @param x [E,M]; @param weight @param bias [M]. Errors: SHAPE.
 */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps = 1e-5): Tensor {
  return layerNormOp.apply([x, weight, bias], { eps });
}

/** Rows of x [E,M] scaled to length 1; rows shorter than `eps` are divided by `eps` (PyTorch's normalize). */
export function normalizeRows(x: Tensor, eps = 1e-12): Tensor {
  return unitRowsOp.apply([x], { eps });
}
