import { mustRecord } from "../../src/autograd/node.js";
import { reshape } from "../../src/autograd/reshape.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { sameShape, type Shape } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { add } from "../elementwise/ops.generated.js";
import { tanhProductGradients } from "../tanh_product/gradients.js";
import { activate, activationGradient, invertible } from "./gradient.js";
import { batched, gradients, matmulBatchedOp, matmulOp, plain, type Rules } from "./product.js";
import { type Activation, activations } from "./reference.js";
import { checkAddends, type Plan, planOf } from "./shapes.js";

export { matmulBatchedOp, matmulOp } from "./product.js";
export { matmulJoined, matmulJoinedOp, matmulSplit } from "./projection.js";
export type { Activation } from "./reference.js";

/**
 * A product with an activation saves its value too, and is recorded only without residual and with an activation whose derivative
 * that value gives; `matmul` records the others in two steps.
 */
const activated: Rules = {
  save: ["a", "b", "out"],
  vjp: (g, saved, attrs, needs, soFar) =>
    tanhProductGradients(g, saved, attrs, needs, soFar) ??
    gradients(activationGradient(attrs.activation as Activation, g, saved.out), saved, attrs, needs, soFar),
};

const activatedOp = /*#__PURE__*/ plain(activations, activated);
const activatedBatchedOp = /*#__PURE__*/ batched(activations, activated);

export interface MatmulOptions {
  /** a is [...,K,M]. */
  transposeA?: boolean;
  /** b is [...,N,K]. */
  transposeB?: boolean;
  /** [N], added to every row. */
  bias?: Tensor;
  /** Default "none". */
  activation?: Activation;
  /** The shape of the result, added after the activation. */
  residual?: Tensor;
  /** Factor of the product, before the bias (default 1). */
  alpha?: number;
}

/**
 * The matrix product activation(alpha a b + bias) + residual, in one pass over memory.
 *
 * a [...,M,K] x b [...,K,N] -> [...,M,N]: the sizes before the last two are equal, or one operand is a single matrix that
 * serves the whole batch. Differentiable to any order.
 *
 * Errors: SHAPE for sizes that do not fit, DTYPE for mixed or integer types, VALUE for an unknown activation.
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { activation = "none", alpha = 1, bias, residual } = options;
  if (!activations.includes(activation))
    throw new AtomgradError(
      "VALUE",
      `matmul: unknown activation "${String(activation)}"; known: ${activations.join(", ")}`,
    );
  if (!Number.isFinite(alpha))
    throw new AtomgradError("VALUE", `matmul: alpha is ${alpha}, expected a finite number`);
  const plan = planOf(a, b, options.transposeA === true, options.transposeB === true);
  checkAddends(plan, bias, residual);
  const run = (f: Activation, addend?: Tensor): Tensor =>
    launch(plan, [a, b, bias, addend], options, f, alpha);
  if (activation === "none" || !mustRecord([a, b, bias, residual])) return run(activation, residual);
  const t = invertible.has(activation)
    ? run(activation)
    : through(run("none"), (x) => activate(activation, x));
  return residual === undefined ? t : through(t, (x) => add(x, residual));
}

function launch(
  plan: Plan,
  [a, b, bias, residual]: readonly [Tensor, Tensor, Tensor | undefined, Tensor | undefined],
  options: MatmulOptions,
  activation: Activation,
  alpha: number,
): Tensor {
  const { M, N, Q } = plan;
  const attrs = {
    M,
    N,
    transposeA: options.transposeA === true,
    transposeB: options.transposeB === true,
    activation,
    alpha,
  };
  const seen = [
    seenAs(a, plan.a),
    seenAs(b, plan.b),
    bias,
    residual && seenAs(residual, Q === undefined ? [M, N] : [Q, M, N]),
  ];
  const fused = activation !== "none";
  const out =
    Q === undefined
      ? (fused ? activatedOp : matmulOp).apply(seen, attrs)
      : (fused ? activatedBatchedOp : matmulBatchedOp).apply(seen, { Q, ...attrs });
  return sameShape(out.shape, plan.out) ? out : through(out, (x) => reshape(x, plan.out));
}

function seenAs(t: Tensor, shape: Shape): Tensor {
  return sameShape(t.shape, shape) ? t : reshape(t, shape);
}

/** f(x), x being of no use to anybody else. */
function through(x: Tensor, f: (x: Tensor) => Tensor): Tensor {
  const y = f(x);
  x.dispose();
  return y;
}
