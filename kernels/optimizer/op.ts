import { defineOp } from "../../src/autograd/define-op.js";
import { noGrad } from "../../src/autograd/node.js";
import { reshape } from "../../src/autograd/reshape.js";
import { groupsOf64 } from "../../src/tensor/backend.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { sameShape, showShape } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { adamReference, sgdReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

/** torch.optim.Adam and AdamW, in place; eps is added to the root of the corrected second moment. */
export const adamOp = /*#__PURE__*/ defineOp({
  name: "adamUpdate",
  inputs: { param: "[N]", grad: "[N]", m: "[N]", v: "[N]" },
  inPlace: ["param", "m", "v"],
  attrs: {
    decoupled: "bool",
    rate: "real",
    beta1: "real",
    beta2: "real",
    eps: "real",
    weightDecay: "real",
    correction1: "real",
    correction2: "real",
    gradScale: "real",
    // 1 - beta, taken in float64: the difference of rounded numbers would keep half the digits.
    share1: "real",
    share2: "real",
  },
  output: "none",
  cost: (d) => ({ flop: 16 * d.N, elements: 7 * d.N }),
  reference: adamReference,
  wgsl: { code: wgsl, groups: (ints) => groupsOf64(ints[0]) },
});

/** torch.optim.SGD, in place; the first step sets the velocity to the gradient. */
export const sgdOp = /*#__PURE__*/ defineOp({
  name: "sgdUpdate",
  inputs: { param: "[N]", grad: "[N]", velocity: "[N]" },
  inPlace: ["param", "velocity"],
  attrs: {
    nesterov: "bool",
    first: "bool",
    rate: "real",
    momentum: "real",
    dampening: "real",
    weightDecay: "real",
    gradScale: "real",
  },
  output: "none",
  cost: (d) => ({ flop: 8 * d.N, elements: 5 * d.N }),
  reference: sgdReference,
  wgsl: { code: wgsl, groups: (ints) => groupsOf64(ints[0]) },
});

export interface AdamSettings {
  readonly rate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** AdamW: the decay acts on the parameter, not on the gradient. */
  readonly decoupled: boolean;
  /** Number of this update, from 1. */
  readonly step: number;
  /** Factor on the gradient (clipping). */
  readonly gradScale: number;
}

/** One Adam update of a parameter and its moments, all of one shape, in place. Errors: SHAPE, DTYPE. */
export function adamUpdate(param: Tensor, grad: Tensor, m: Tensor, v: Tensor, s: AdamSettings): void {
  const tensors = flat("adamUpdate", [param, grad, m, v]);
  const { rate, beta1, beta2, eps, weightDecay, decoupled, gradScale, step } = s;
  adamOp.applyAll(tensors, {
    rate,
    beta1,
    beta2,
    eps,
    weightDecay,
    decoupled,
    correction1: 1 - beta1 ** step,
    correction2: 1 - beta2 ** step,
    gradScale,
    share1: 1 - beta1,
    share2: 1 - beta2,
  });
}

export interface SgdSettings {
  readonly rate: number;
  readonly momentum: number;
  readonly dampening: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
  /** Whether this is the first update, which has no velocity yet. */
  readonly first: boolean;
  readonly gradScale: number;
}

/** One SGD update with momentum, in place. Errors: SHAPE, DTYPE. */
export function sgdUpdate(param: Tensor, grad: Tensor, velocity: Tensor, s: SgdSettings): void {
  sgdOp.applyAll(flat("sgdUpdate", [param, grad, velocity]), { ...s });
}

function flat(what: string, tensors: Tensor[]): Tensor[] {
  for (const t of tensors)
    if (!sameShape(t.shape, tensors[0].shape))
      throw new AtomgradError(
        "SHAPE",
        `${what}: ${showShape(t.shape)} beside a parameter of shape ${showShape(tensors[0].shape)}`,
      );
  return noGrad(() => tensors.map((t) => reshape(t, [t.size])));
}
