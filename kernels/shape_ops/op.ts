import { defineOp } from "../../src/autograd/define-op.js";
import { reshape } from "../../src/autograd/reshape.js";
import { groupsOf64 } from "../../src/tensor/backend.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { axisOf, showShape, sizeOf } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { joinReference, padReference, sliceReference, swapReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

const types = ["f32", "f64", "i32"] as const;
const wgslTypes = ["f32", "i32"] as const;

/** out[a,r,b] = x[a, from + r, b] for r in [0, R). */
export const sliceOp = /*#__PURE__*/ defineOp({
  name: "slice",
  inputs: { x: "[A,S,B]" },
  attrs: { S: "int", R: "int", from: "int" },
  types,
  output: "[A,R,B]",
  save: [],
  vjp: (g, _s, a) => ({ x: padOp.apply([g], a) }),
  cost: (d) => ({ flop: 0, elements: 2 * d.A * d.R * d.B }),
  reference: sliceReference,
  wgsl: { code: wgsl, types: wgslTypes, groups: (ints) => groupsOf64(ints[0] * ints[3] * ints[2]) },
});

/** out[a,s,b] = x[a, s - from, b], 0 outside: the adjoint of slice. */
export const padOp = /*#__PURE__*/ defineOp({
  name: "pad",
  inputs: { x: "[A,R,B]" },
  attrs: { R: "int", S: "int", from: "int" },
  types,
  output: "[A,S,B]",
  save: [],
  vjp: (g, _s, a) => ({ x: sliceOp.apply([g], a) }),
  cost: (d) => ({ flop: 0, elements: d.A * (d.R + d.S) * d.B }),
  reference: padReference,
  wgsl: { code: wgsl, types: wgslTypes, groups: (ints) => groupsOf64(ints[0] * ints[3] * ints[2]) },
});

/** out[a,:,b] = x[a,:,b] followed by y[a,:,b]. */
export const joinOp = /*#__PURE__*/ defineOp({
  name: "join",
  inputs: { x: "[A,R,B]", y: "[A,Q,B]" },
  attrs: { R: "int", S: "int" },
  types,
  output: "[A,S,B]",
  check: (d) => (d.S === d.R + d.Q ? undefined : `S is ${d.S}, not R + Q`),
  save: [],
  vjp: (g, _s, { R, S }, needs) => ({
    x: needs("x") ? sliceOp.apply([g], { S, R, from: 0 }) : undefined,
    y: needs("y") ? sliceOp.apply([g], { S, R: Number(S) - Number(R), from: R }) : undefined,
  }),
  cost: (d) => ({ flop: 0, elements: 2 * d.A * d.S * d.B }),
  reference: joinReference,
  wgsl: { code: wgsl, types: wgslTypes, groups: (ints) => groupsOf64(ints[0] * ints[4] * ints[2]) },
});

/** out[a,c,b,d] = x[a,b,c,d]: any permutation is a chain of these. */
export const swapOp = /*#__PURE__*/ defineOp({
  name: "swap",
  inputs: { x: "[A,B,C,D]" },
  types,
  output: "[A,C,B,D]",
  save: [],
  vjp: (g) => ({ x: swapOp.apply([g]) }),
  cost: (d) => ({ flop: 0, elements: 2 * d.A * d.B * d.C * d.D }),
  reference: swapReference,
  wgsl: { code: wgsl, types: wgslTypes, groups: (ints) => groupsOf64(ints[0] * ints[1] * ints[2] * ints[3]) },
});

/** x[..., from:to, ...] along one axis; negative positions count from the end. Errors: VALUE. */
export function slice(
  x: Tensor,
  axis: number,
  from: number,
  to: number = x.shape[axisOf("slice", axis, x.rank)],
): Tensor {
  const k = axisOf("slice", axis, x.rank);
  const S = x.shape[k];
  const [first, end] = [from, to].map((n) => (n < 0 ? n + S : n));
  if (!(first >= 0 && end <= S && first <= end))
    throw new AtomgradError("VALUE", `slice: ${from}:${to} is outside axis ${axis} of ${showShape(x.shape)}`);
  const shape = x.shape.map((n, j) => (j === k ? end - first : n));
  const out = sliceOp.apply([threeAxes(x, k)], { S, R: end - first, from: first });
  return reshape(out, shape);
}

/** Zeros before and after x along one axis. Errors: VALUE. */
export function pad(x: Tensor, axis: number, before: number, after: number): Tensor {
  const k = axisOf("pad", axis, x.rank);
  if (!(before >= 0 && after >= 0))
    throw new AtomgradError("VALUE", `pad: ${before} before and ${after} after; both must be >= 0`);
  const R = x.shape[k];
  const S = before + R + after;
  const out = padOp.apply([threeAxes(x, k)], { R, S, from: before });
  return reshape(
    out,
    x.shape.map((n, j) => (j === k ? S : n)),
  );
}

/** Joins tensors along an axis; all other sizes must agree. Errors: SHAPE, VALUE. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  if (parts.length === 0) throw new AtomgradError("VALUE", "concat: the list of tensors is empty");
  const k = axisOf("concat", axis, parts[0].rank);
  for (const part of parts)
    if (part.rank !== parts[0].rank || part.shape.some((n, j) => j !== k && n !== parts[0].shape[j]))
      throw new AtomgradError(
        "SHAPE",
        `concat: ${showShape(part.shape)} does not fit ${showShape(parts[0].shape)} along axis ${axis}`,
      );
  if (parts.length === 1) return parts[0];
  return joinTwo(parts[0], concat(parts.slice(1), axis), k);
}

function joinTwo(a: Tensor, b: Tensor, k: number): Tensor {
  const [R, Q] = [a.shape[k], b.shape[k]];
  const out = joinOp.apply([threeAxes(a, k), threeAxes(b, k)], { R, S: R + Q });
  return reshape(
    out,
    a.shape.map((n, j) => (j === k ? R + Q : n)),
  );
}

/** Permutes axes: out.shape[k] = x.shape[order[k]]; default reverses them. Errors: VALUE. */
export function transpose(
  x: Tensor,
  order: readonly number[] = x.shape.map((_, k) => x.rank - 1 - k),
): Tensor {
  const axes = order.map((k) => axisOf("transpose", k, x.rank));
  if (new Set(axes).size !== x.rank || axes.length !== x.rank)
    throw new AtomgradError("VALUE", `transpose: [${order.join(",")}] is not an order of ${x.rank} axes`);
  // Bring each axis to its place by exchanging two runs of neighbouring axes.
  let y = x;
  const now = x.shape.map((_, k) => k);
  for (let place = 0; place < axes.length; place++) {
    const at = now.indexOf(axes[place]);
    if (at === place) continue;
    const dims = y.shape;
    const [A, B, C, D] = [dims.slice(0, place), dims.slice(place, at), [dims[at]], dims.slice(at + 1)].map(
      sizeOf,
    );
    const shape = [...dims.slice(0, place), dims[at], ...dims.slice(place, at), ...dims.slice(at + 1)];
    y = reshape(swapOp.apply([reshape(y, [A, B, C, D])]), shape);
    now.splice(place, 0, ...now.splice(at, 1));
  }
  return y;
}

function threeAxes(x: Tensor, k: number): Tensor {
  return reshape(x, [sizeOf(x.shape.slice(0, k)), x.shape[k], sizeOf(x.shape.slice(k + 1))]);
}
