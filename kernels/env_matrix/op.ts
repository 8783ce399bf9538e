import { defineOp, type Attrs, type Inputs } from "../../src/autograd/define-op.js";
import { gradientsOf } from "../../src/autograd/walk.js";
import { reshape } from "../../src/autograd/reshape.js";
import { groupsOf64, type WgslKernel } from "../../src/tensor/backend.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { type Tensor, zeros } from "../../src/tensor/tensor.js";
import { cast } from "../cast/op.js";
import {
  add,
  div,
  equal,
  less,
  mul,
  mulAdd,
  safeSqrt,
  square,
  sub,
  where,
} from "../elementwise/ops.generated.js";
import { sum } from "../reduce/op.js";
import { concat, slice } from "../shape_ops/op.js";
import { curvatureReference, forwardReference, jvpReference, vjpReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

const inputs = { edge: "[E,3]", centreType: "i32[E]", mean: "[M,4]", stddev: "[M,4]" } as const;
const attrs = { rcut: "real", rcutSmth: "real", protection: "real" } as const;
const fixed = ["edge", "centreType", "mean", "stddev"];
/** An invocation per edge; derivatives know nothing of the means. */
const onGpu = (unread: readonly string[] = ["mean"]): WgslKernel => ({
  code: wgsl,
  unread,
  groups: (ints) => groupsOf64(ints[0]),
});

/** Rows of the environment matrix with what attention needs (spec deepmd 2.3, 2.4): see `envMatrix`. */
export const envMatrixOp = /*#__PURE__*/ defineOp({
  name: "envMatrix",
  inputs,
  attrs,
  output: "[E,8]",
  save: fixed,
  vjp: (g, s, a) => ({ edge: envVjpOp.apply([g, s.edge, s.centreType, s.mean, s.stddev], a) }),
  decompose: (i, a) => decomposed(i, a),
  cost: (d) => ({ flop: 60 * d.E, elements: 12 * d.E }),
  reference: forwardReference,
  wgsl: onGpu([]),
});

/** g . d(envMatrix)/d(edge): [E,8] -> [E,3]. */
export const envVjpOp = /*#__PURE__*/ defineOp({
  name: "envMatrixVjp",
  inputs: { g: "[E,8]", ...inputs },
  attrs,
  output: "[E,3]",
  save: ["g", ...fixed],
  vjp: (w, s, a, needs) => ({
    g: needs("g") ? envJvpOp.apply([w, s.edge, s.centreType, s.mean, s.stddev], a) : undefined,
    edge: needs("edge")
      ? envCurvatureOp.apply([w, s.g, s.edge, s.centreType, s.mean, s.stddev], a)
      : undefined,
  }),
  decompose: (i, a) => slope(i, a),
  cost: (d) => ({ flop: 100 * d.E, elements: 15 * d.E }),
  reference: vjpReference,
  wgsl: onGpu(),
});

/** d(envMatrix)/d(edge) . w: [E,3] -> [E,8], the adjoint of the one before. */
export const envJvpOp = /*#__PURE__*/ defineOp({
  name: "envMatrixJvp",
  inputs: { w: "[E,3]", ...inputs },
  attrs,
  output: "[E,8]",
  save: ["w", ...fixed],
  vjp: (g, s, a, needs) => ({
    w: needs("w") ? envVjpOp.apply([g, s.edge, s.centreType, s.mean, s.stddev], a) : undefined,
    edge: needs("edge")
      ? envCurvatureOp.apply([s.w, g, s.edge, s.centreType, s.mean, s.stddev], a)
      : undefined,
  }),
  decompose: (i, a) => motion(i, a),
  cost: (d) => ({ flop: 100 * d.E, elements: 15 * d.E }),
  reference: jvpReference,
  wgsl: onGpu(),
});

/** d(w . envMatrixVjp(g))/d(edge): [E,3]. Third derivatives go through the decomposition. */
export const envCurvatureOp = /*#__PURE__*/ defineOp({
  name: "envMatrixCurvature",
  inputs: { w: "[E,3]", g: "[E,8]", ...inputs },
  attrs,
  output: "[E,3]",
  decompose: (i, a) => gradientsOf(([edge]) => slope({ ...i, edge }, a), [i.edge], i.w)[0]!,
  cost: (d) => ({ flop: 200 * d.E, elements: 18 * d.E }),
  reference: curvatureReference,
  wgsl: onGpu(),
});

export interface EnvMatrixOptions {
  /** Cutoff radius and where the switch begins, angstrom. */
  readonly rcut: number;
  readonly rcutSmth: number;
  /** Added to r in the denominators. */
  readonly protection: number;
}

/**
 * Environment rows of edges: columns 0-3 the normalised row (s, s x/r, s y/r, s z/r) with s = sw(r)/(r + protection), column 4
 * the switch sw, columns 5-7 the unit vector of the angular part. The switch is evaluated as (1-u)^3 (1+3u+6u^2) and the unit
 * vector from the displacement, so that both are exact up to the cutoff.
 *
 * @param edge [E,3] r_neighbour - r_centre, angstrom; @param centreType i32[E]
 * @param mean @param stddev [types,4] statistics; the angular mean must be 0 (it always is: spec 2.5)
 * @returns [E,8]; edges of length 0 give rows and derivatives of 0. Errors: VALUE, SHAPE.
 */
export function envMatrix(
  edge: Tensor,
  centreType: Tensor,
  mean: Tensor,
  stddev: Tensor,
  options: EnvMatrixOptions,
): Tensor {
  if (!(options.rcutSmth < options.rcut))
    throw new AtomgradError(
      "VALUE",
      `envMatrix: rcutSmth ${options.rcutSmth} must be below rcut ${options.rcut}`,
    );
  return envMatrixOp.apply([edge, centreType, mean, stddev], { ...options });
}

function slope(i: Inputs, a: Attrs): Tensor {
  return gradientsOf(([edge]) => decomposed({ ...i, edge }, a), [i.edge], i.g)[0]!;
}

/** The adjoint of `slope`, which is linear in g: its derivative in g wherever that is taken. */
function motion(i: Inputs, a: Attrs): Tensor {
  const { edge } = i;
  const anywhere = zeros([edge.shape[0], 8], { dtype: edge.dtype, device: edge.device.name });
  return gradientsOf(([g]) => slope({ ...i, g }, a), [anywhere], i.w)[0]!;
}

function decomposed({ edge, centreType, mean, stddev }: Inputs, a: Attrs): Tensor {
  const [rcut, smooth, protection] = [Number(a.rcut), Number(a.rcutSmth), Number(a.protection)];
  const byType = (table: Tensor): Tensor => {
    const type = reshape(cast(centreType, edge.dtype), [edge.shape[0], 1]);
    const rows = Array.from({ length: table.shape[0] }, (_, t) =>
      mul(equal(type, t), slice(table, 0, t, t + 1)),
    );
    return rows.reduce((x, y) => add(x, y));
  };
  const r = safeSqrt(sum(square(edge), { axis: 1, keepDims: true }));
  const present = less(0, r);
  const u = mul(sub(r, smooth), 1 / (rcut - smooth));
  const v = sub(1, u);
  const inside = mul(mul(mul(v, v), v), mulAdd(u, mulAdd(u, 6, 3), 1));
  const sw = where(less(r, smooth), 1, where(less(r, rcut), inside, 0));
  const reach = where(present, add(r, protection), 1);
  const s = where(present, div(sw, reach), 0);
  const rows = concat([s, mul(edge, div(s, reach))], 1);
  const deviation = byType(stddev);
  const normalised = div(sub(rows, byType(mean)), deviation);
  const scaled = div(edge, slice(deviation, 1, 1, 4));
  const length = safeSqrt(sum(square(scaled), { axis: 1, keepDims: true }));
  const unit = div(scaled, where(present, length, 1));
  return concat([normalised, sw, unit], 1);
}
