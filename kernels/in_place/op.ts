import { defineOp, type Op, type Attrs } from "../../src/autograd/define-op.js";
import { detach } from "../../src/autograd/node.js";
import { reshape } from "../../src/autograd/reshape.js";
import { groupsOf64 } from "../../src/tensor/backend.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { scope } from "../../src/tensor/scope.js";
import { sameShape, showShape } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { blendReference, exchangeReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

/** target += weight (source - target). */
export const blendOp = /*#__PURE__*/ defineOp({
  name: "blend",
  inputs: { target: "[N]", source: "[N]" },
  inPlace: ["target"],
  attrs: { weight: "real" },
  output: "none",
  cost: (d) => ({ flop: 3 * d.N, elements: 3 * d.N }),
  reference: blendReference,
  wgsl: { code: wgsl, groups: (ints) => groupsOf64(ints[0]) },
});

/** a and b change places. */
export const exchangeOp = /*#__PURE__*/ defineOp({
  name: "exchange",
  inputs: { a: "[N]", b: "[N]" },
  inPlace: ["a", "b"],
  output: "none",
  cost: (d) => ({ flop: 0, elements: 4 * d.N }),
  reference: exchangeReference,
  wgsl: { code: wgsl, groups: (ints) => groupsOf64(ints[0]) },
});

/**
 * Moves `target` towards `source` by the fraction `weight`, in place: a running average with weight 1 - decay. Not recorded.
 * Errors: SHAPE, DTYPE; VALUE for a weight outside [0, 1].
 */
export function blendInto(target: Tensor, source: Tensor, weight: number): void {
  if (!(weight >= 0 && weight <= 1))
    throw new AtomgradError("VALUE", `blendInto: weight is ${weight}, expected a number from 0 to 1`);
  run("blendInto", blendOp, target, source, { weight });
}

/** Exchanges the values of two tensors of one shape, in place and exactly. Not recorded. Errors: SHAPE, DTYPE. */
export function exchange(a: Tensor, b: Tensor): void {
  run("exchange", exchangeOp, a, b, {});
}

function run(what: string, op: Op, a: Tensor, b: Tensor, attrs: Attrs): void {
  if (!sameShape(a.shape, b.shape))
    throw new AtomgradError(
      "SHAPE",
      `${what}: tensors of shape ${showShape(a.shape)} and ${showShape(b.shape)}, expected equal shapes`,
    );
  const flat = (t: Tensor): Tensor => reshape(detach(t), [t.size]);
  // A kernel never meets one memory under two names; there is nothing to do then.
  if (a.storage === b.storage && a.dtype === b.dtype) return;
  scope(() => {
    op.applyAll([flat(a), flat(b)], attrs);
  });
}
