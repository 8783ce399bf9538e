import { type Attrs, type Dims, defineOp, type Inputs, type Op } from "../../src/autograd/define-op.js";
import { groupsOf64, spreadGroups, type WgslKernel } from "../../src/tensor/backend.js";
import { isRecording } from "../../src/autograd/node.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { showShape } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import type { IndexMap } from "../segment/op.js";
import type { PlanTensors, ProductPlan } from "./plan.js";
import {
  firstReference,
  jointReference,
  outputReference,
  secondReference,
  weightsReference,
} from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

const [x, y, w, g] = ["[N,A]", "[E,B]", "[V,W]", "[M,D]"];
const tableInputs = {
  plan: "i32[P]",
  coefficients: "[C]",
  "sourceIndex?": "i32[E]",
  "sourceOrder?": "i32[K]",
  "sourcePtr?": "i32[N+1]",
  "targetIndex?": "i32[E]",
  "targetOrder?": "i32[L]",
  "targetPtr?": "i32[M+1]",
} as const;
const tableNames = Object.keys(tableInputs).map((name) => name.replace("?", ""));
const orders = ["sourceOrder", "sourcePtr", "targetOrder", "targetPtr"];
const attrs = {
  N: "int",
  A: "int",
  E: "int",
  B: "int",
  V: "int",
  W: "int",
  M: "int",
  D: "int",
  S: "int",
} as const;

/** As in cpu.cc. */
const blocks = 64;
const work = (d: Dims, itemBytes: number): number => blocks * d.S * itemBytes;
const check = (d: Dims): string | undefined =>
  d.K < 0 && d.N !== d.E
    ? `${d.N} rows of the first input for ${d.E} edges, and no map between them`
    : d.L < 0 && d.M !== d.E
      ? `${d.M} rows of the output for ${d.E} edges, and no map between them`
      : undefined;

/** An invocation per number of the result; the coefficients stand in the plan (plan.ts). */
const onGpu = (unread: readonly string[], groups: WgslKernel["groups"]): WgslKernel => ({
  code: wgsl,
  unread: ["coefficients", ...unread],
  groups,
});

const run = (op: Op, operands: (Tensor | undefined)[], saved: Inputs, a: Attrs): Tensor =>
  op.apply([...operands, ...tableNames.map((name) => saved[name])], a);

/** out[n] = sum over edges of n of T(x[source], y, w): see `tensorProduct`. */
export const tensorProductOp: Op = /*#__PURE__*/ defineOp({
  name: "tensorProduct",
  inputs: { x, y, "w?": w, ...tableInputs },
  attrs,
  output: g,
  check,
  work,
  save: ["x", "y", "w", ...tableNames],
  vjp: (out, s, a, needs) => {
    const joint = jointGradients(out, s, a, needs);
    return {
      x: joint?.x ?? (needs("x") ? run(tensorProductXOp, [s.y, s.w, out], s, a) : undefined),
      y: joint?.y ?? (needs("y") ? run(tensorProductYOp, [s.x, s.w, out], s, a) : undefined),
      w: joint?.w ?? (needs("w") ? run(tensorProductWOp, [s.x, s.y, out], s, a) : undefined),
    };
  },
  reference: outputReference,
  wgsl: onGpu(["sourceOrder", "sourcePtr", "targetIndex"], (ints) => groupsOf64(ints[10] * ints[11])),
});

/**
 * The derivatives with respect to y and w, and to x where it has a row an edge (X rows; 0: not computed), in one pass over the
 * operands. Not differentiable itself: for gradients that are not differentiated further.
 */
export const tensorProductJointOp: Op = /*#__PURE__*/ defineOp({
  name: "tensorProductJoint",
  inputs: { x, y, "w?": w, g, ...tableInputs },
  attrs: { ...attrs, X: "int" },
  output: { x: "[X,A]", y, w },
  check,
  work,
  shortcutOf: "tensorProduct",
  reference: jointReference,
});

function jointGradients(
  g: Tensor,
  s: Inputs,
  a: Attrs,
  needs: (name: string) => boolean,
): Partial<Record<string, Tensor>> | undefined {
  const isOneRowAnEdge = s.w === undefined || a.V === a.E;
  if (isRecording() || !needs("y") || !isOneRowAnEdge || !(needs("x") || needs("w"))) return undefined;
  if (!g.device.backend.supports(tensorProductJointOp.kernel, g.dtype)) return undefined;
  const withX = needs("x") && s.sourceIndex === undefined;
  const operands = [s.x, s.y, s.w, g, ...tableNames.map((name) => s[name])];
  const [dx, dy, dw] = tensorProductJointOp.applyAll(operands, { ...a, X: withX ? a.N : 0 });
  return { x: withX ? dx : undefined, y: dy, w: needs("w") ? dw : undefined };
}

/** The derivative of sum of g . T(x, y, w) with respect to x. */
export const tensorProductXOp: Op = /*#__PURE__*/ defineOp({
  name: "tensorProductX",
  inputs: { y, "w?": w, g, ...tableInputs },
  attrs,
  output: x,
  check,
  work,
  save: ["y", "w", "g", ...tableNames],
  vjp: (out, s, a, needs) => ({
    y: needs("y") ? run(tensorProductYOp, [out, s.w, s.g], s, a) : undefined,
    w: needs("w") ? run(tensorProductWOp, [out, s.y, s.g], s, a) : undefined,
    g: needs("g") ? run(tensorProductOp, [out, s.y, s.w], s, a) : undefined,
  }),
  reference: firstReference,
  wgsl: onGpu(["sourceIndex", "targetOrder", "targetPtr"], (ints) => groupsOf64(ints[9] * ints[11])),
});

/** The derivative with respect to y. */
export const tensorProductYOp: Op = /*#__PURE__*/ defineOp({
  name: "tensorProductY",
  inputs: { x, "w?": w, g, ...tableInputs },
  attrs,
  output: y,
  check,
  work,
  save: ["x", "w", "g", ...tableNames],
  vjp: (out, s, a, needs) => ({
    x: needs("x") ? run(tensorProductXOp, [out, s.w, s.g], s, a) : undefined,
    w: needs("w") ? run(tensorProductWOp, [s.x, out, s.g], s, a) : undefined,
    g: needs("g") ? run(tensorProductOp, [s.x, out, s.w], s, a) : undefined,
  }),
  reference: secondReference,
  wgsl: onGpu(orders, (ints) => groupsOf64(ints[8] * ints[11])),
});

/** The derivative with respect to w, summed over edges that share weights. */
export const tensorProductWOp: Op = /*#__PURE__*/ defineOp({
  name: "tensorProductW",
  inputs: { x, y, g, ...tableInputs },
  attrs,
  output: w,
  check,
  work: (d, itemBytes) => work(d, itemBytes) + (d.V === 1 && d.E !== 1 ? blocks * d.W * itemBytes : 0),
  save: ["x", "y", "g", ...tableNames],
  vjp: (out, s, a, needs) => ({
    x: needs("x") ? run(tensorProductXOp, [s.y, out, s.g], s, a) : undefined,
    y: needs("y") ? run(tensorProductYOp, [s.x, out, s.g], s, a) : undefined,
    g: needs("g") ? run(tensorProductOp, [s.x, s.y, out], s, a) : undefined,
  }),
  reference: weightsReference,
  // A workgroup for each weight that edges share.
  wgsl: onGpu(orders, (ints) =>
    ints[10] === 1 && ints[2] !== 1 ? spreadGroups(ints[11]) : groupsOf64(ints[10] * ints[11]),
  ),
});

/** Rows of x that edges take, and rows of the result that they add to; absent: row e belongs to edge e. */
export interface ProductMaps {
  readonly source?: IndexMap;
  readonly target?: IndexMap;
}

/**
 * The tensor product of features, edge by edge: out[n] = sum over edges e with target e = n of T(x[source e], y[e], w[e]). With
 * maps this is a whole convolution: nothing of the size of edges x output is stored, in no derivative either. Differentiable in
 * x, y and w to any order.
 *
 * @param x [N, components of the first input]; @param y [E, components of the second]
 * @param w [E, weights], or [1, weights] for all edges together; undefined: a plan without weights
 * @param tables the plan's tables where they are not to be kept on the device
 * @returns [rows of the target map, or E; components of the output]. Errors: SHAPE, VALUE. Source: spec equivariant 4.1, 6.2.
 */
export function tensorProduct(
  x: Tensor,
  y: Tensor,
  w: Tensor | undefined,
  plan: ProductPlan,
  { source, target }: ProductMaps = {},
  tables: PlanTensors = plan.on(x.dtype, x.device.name),
): Tensor {
  const [A, B, D] = plan.sizes;
  assertWidth("x", x, A);
  assertWidth("y", y, B);
  const E = y.shape[0];
  if (w !== undefined) assertWidth("w", w, plan.weights);
  if (w !== undefined ? w.shape[0] !== E && w.shape[0] !== 1 : plan.weights > 0)
    throw new AtomgradError(
      "SHAPE",
      `tensorProduct: w expected [${E},${plan.weights}] or [1,${plan.weights}], got ${w === undefined ? "nothing" : showShape(w.shape)}`,
    );
  const maps = [source, target].flatMap((map) => [map?.index, map?.order, map?.ptr]);
  const V = w?.shape[0] ?? 0;
  const sizes = { N: x.shape[0], A, E, B, V, W: plan.weights, M: target?.rows ?? E, D, S: plan.scratch };
  return tensorProductOp.apply([x, y, w, tables.plan, tables.coefficients, ...maps], sizes);
}

function assertWidth(name: string, t: Tensor, width: number): void {
  if (t.rank !== 2 || t.shape[1] !== width)
    throw new AtomgradError(
      "SHAPE",
      `tensorProduct: ${name} expected rows of ${width} numbers, got shape ${showShape(t.shape)}`,
    );
}
