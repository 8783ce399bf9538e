import { type Dims, defineOp, type Inputs, type Op } from "../../src/autograd/define-op.js";
import { isRecording } from "../../src/autograd/node.js";
import { reshape } from "../../src/autograd/reshape.js";
import { groupsOf64 } from "../../src/tensor/backend.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { mul } from "../elementwise/ops.generated.js";
import { sum } from "../reduce/op.js";
import { gather, type IndexMap, scatterSum } from "../segment/op.js";
import { angularReference, jointReference, productReference, radialReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

const tables = { index: "i32[N]", order: "i32[N]", ptr: "i32[E+1]" } as const;
const names = Object.keys(tables);
/** As in cpu.cc. */
const mostColumns = 512;
const check = (d: Dims): string | undefined =>
  d.F > mostColumns
    ? `${d.F} functions; at most ${mostColumns} are supported`
    : d.L > 0
      ? d.F % d.L === 0
        ? undefined
        : `${d.F} functions for ${d.L} degrees`
      : "there are no degrees";
const run = (op: Op, a: Tensor, b: Tensor, s: Inputs, L: number): Tensor =>
  op.apply([a, b, ...names.map((name) => s[name])], op === tripletAngularOp ? { L } : {});
const mapOf = (s: Inputs): IndexMap => ({
  rows: s.ptr.shape[0] - 1,
  index: s.index,
  order: s.order,
  ptr: s.ptr,
});
/** [rows, F] as [rows, L, F / L], [rows, L] as [rows, L, 1]. */
const cut = (x: Tensor, L: number): Tensor => reshape(x, [x.shape[0], L, x.shape[1] / L]);

/** out[t,l,n] = radial[index[t],l,n] angular[t,l]: see `tripletBasis`. */
export const tripletProductOp: Op = /*#__PURE__*/ defineOp({
  name: "tripletProduct",
  inputs: { radial: "[E,F]", angular: "[N,L]", ...tables },
  output: "[N,F]",
  check,
  save: ["radial", "angular", ...names],
  vjp: (g, s, _a, needs) =>
    jointGradients(g, s, needs) ?? {
      radial: needs("radial") ? run(tripletRadialOp, g, s.angular, s, 0) : undefined,
      angular: needs("angular") ? run(tripletAngularOp, g, s.radial, s, s.angular.shape[1]) : undefined,
    },
  decompose: ({ radial, angular, ...s }) => {
    const [rows, L] = angular.shape;
    const product = mul(cut(gather(radial, mapOf(s)), L), reshape(angular, [rows, L, 1]));
    return reshape(product, [rows, radial.shape[1]]);
  },
  cost: (d) => ({ flop: d.N * d.F, elements: d.N * (d.F + d.L) + d.E * d.F }),
  reference: productReference,
  wgsl: { code: wgsl, unread: ["order", "ptr"], groups: (ints) => groupsOf64(ints[2] * ints[1]) },
});

/** Both derivatives of `tripletProduct` in one pass, for gradients that are not differentiated further. */
export const tripletJointOp: Op = /*#__PURE__*/ defineOp({
  name: "tripletJoint",
  inputs: { g: "[N,F]", angular: "[N,L]", radial: "[E,F]", ...tables },
  output: { radial: "[E,F]", angular: "[N,L]" },
  check,
  shortcutOf: "tripletProduct",
  reference: jointReference,
  wgsl: { code: wgsl, unread: ["index"], groups: (ints) => groupsOf64(ints[3] * ints[2]) },
});

function jointGradients(
  g: Tensor,
  s: Inputs,
  needs: (name: string) => boolean,
): Record<string, Tensor> | undefined {
  if (isRecording() || !needs("radial") || !needs("angular")) return undefined;
  if (!g.device.backend.supports(tripletJointOp.kernel, g.dtype)) return undefined;
  const [radial, angular] = tripletJointOp.applyAll([
    g,
    s.angular,
    s.radial,
    ...names.map((name) => s[name]),
  ]);
  return { radial, angular };
}

/** out[e,l,n] = sum over triplets t of edge e of g[t,l,n] angular[t,l]. */
export const tripletRadialOp: Op = /*#__PURE__*/ defineOp({
  name: "tripletRadial",
  inputs: { g: "[N,F]", angular: "[N,L]", ...tables },
  output: "[E,F]",
  check,
  save: ["g", "angular", ...names],
  vjp: (radial, s, _a, needs) => ({
    g: needs("g") ? run(tripletProductOp, radial, s.angular, s, 0) : undefined,
    angular: needs("angular") ? run(tripletAngularOp, s.g, radial, s, s.angular.shape[1]) : undefined,
  }),
  decompose: ({ g, angular, ...s }) => {
    const [rows, L] = angular.shape;
    const product = mul(cut(g, L), reshape(angular, [rows, L, 1]));
    return scatterSum(reshape(product, g.shape), mapOf(s));
  },
  cost: (d) => ({ flop: 2 * d.N * d.F, elements: d.N * (d.F + d.L) + d.E * d.F }),
  reference: radialReference,
  wgsl: { code: wgsl, unread: ["index"], groups: (ints) => groupsOf64(ints[3] * ints[1]) },
});

/** out[t,l] = sum over n of g[t,l,n] radial[index[t],l,n]. */
export const tripletAngularOp: Op = /*#__PURE__*/ defineOp({
  name: "tripletAngular",
  inputs: { g: "[N,F]", radial: "[E,F]", ...tables },
  attrs: { L: "int" },
  output: "[N,L]",
  check,
  save: ["g", "radial", ...names],
  vjp: (angular, s, _a, needs) => ({
    g: needs("g") ? run(tripletProductOp, s.radial, angular, s, 0) : undefined,
    radial: needs("radial") ? run(tripletRadialOp, s.g, angular, s, 0) : undefined,
  }),
  decompose: ({ g, radial, ...s }, { L }) =>
    sum(mul(cut(g, Number(L)), cut(gather(radial, mapOf(s)), Number(L))), { axis: 2 }),
  cost: (d) => ({ flop: 2 * d.N * d.F, elements: d.N * (d.F + d.L) + d.E * d.F }),
  reference: angularReference,
  wgsl: { code: wgsl, unread: ["order", "ptr"], groups: (ints) => groupsOf64(ints[0] * ints[3]) },
});

/**
 * The two-dimensional basis of triplets k -> j -> i: functions of the edge kj times those of the angle. Differentiable to any order;
 * gathered rows are never stored.
 *
 * @param radial [E, degrees * radials] of edges; @param angular [T, degrees] of triplets
 * @param edges the edge kj of each triplet, none -1. @returns [T, degrees * radials]. Errors: SHAPE, VALUE.
 */
export function tripletBasis(radial: Tensor, angular: Tensor, edges: IndexMap): Tensor {
  return tripletProductOp.apply([radial, angular, edges.index, edges.order, edges.ptr]);
}
