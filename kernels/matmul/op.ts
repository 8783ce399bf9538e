import {
  type Attrs,
  type AttrType,
  defineOp,
  type Dims,
  type Inputs,
  type Op,
} from "../../src/autograd/define-op.js";
import { mustRecord } from "../../src/autograd/node.js";
import { reshape } from "../../src/autograd/reshape.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { sameShape, type Shape } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { add } from "../elementwise/ops.generated.js";
import { sum, sumTo } from "../reduce/op.js";
import { tanhProductGradients } from "../tanh_product/op.js";
import { activate, activationGradient, invertible } from "./gradient.js";
import { type Activation, activations, matmulBatchedReference, matmulReference } from "./reference.js";
import { checkAddends, type Plan, planOf } from "./shapes.js";
import { wgsl } from "./wgsl.generated.js";
import { gemmSerialWorkspaceBytes, gemmWorkspaceBytes } from "./workspace.js";

export type { Activation } from "./reference.js";

type Needs = (name: string) => boolean;
type SoFar = (name: string) => Tensor | undefined;

const attrsWith = (activation: readonly string[]): Record<string, AttrType> => ({
  M: "int",
  N: "int",
  transposeA: "bool",
  transposeB: "bool",
  activation,
  alpha: "real",
});

const depthOf = (d: Dims): number => (d.transposeA === 1 ? d.AR : d.AC);

/** What the kernels rely on beyond the contract; `matmul` has said it better before. */
function check(d: Dims): string | undefined {
  const [M, K] = d.transposeA === 1 ? [d.AC, d.AR] : [d.AR, d.AC];
  const [k, N] = d.transposeB === 1 ? [d.BC, d.BR] : [d.BR, d.BC];
  const biasFits = d.BN < 0 || d.BN === N;
  const residualFits = d.RM < 0 || (d.RM === M && d.RN === N);
  return M === d.M && N === d.N && K === k && biasFits && residualFits
    ? undefined
    : "the sizes of the operands do not fit";
}

function checkBatched(d: Dims): string | undefined {
  const fits = (q: number): boolean => q === 1 || q === d.Q;
  return fits(d.QA) && fits(d.QB) && (d.RQ < 0 || d.RQ === d.Q)
    ? check(d)
    : "the batches of the operands do not fit";
}

/** The numbers of cpu.cc: up to 64 runs of small products with their scratch memory; large ones one after the other. */
function batchedWork(d: Dims, itemBytes: number): number {
  const K = depthOf(d);
  const scratch = gemmSerialWorkspaceBytes(d.N, K, itemBytes);
  return d.Q === 1 || d.M * d.N * K > 2 ** 22 || scratch > 2 ** 20
    ? gemmWorkspaceBytes(d.M, d.N, K, d.transposeB === 1, itemBytes)
    : Math.min(d.Q, 64) * scratch;
}

/** Tiles of 32 x 32 elements, one workgroup each (webgpu.wgsl). */
function tileGroups(M: number, N: number, Q: number): [number, number, number] {
  const tiles = Math.ceil(M / 32) * Math.ceil(N / 32) * Q;
  return [Math.min(tiles, 32768), Math.ceil(tiles / 32768), 1];
}

function plain(activation: readonly string[]): Op {
  return defineOp({
    name: "matmul",
    inputs: { a: "[AR,AC]", b: "[BR,BC]", "bias?": "[BN]", "residual?": "[RM,RN]" },
    attrs: attrsWith(activation),
    output: "[M,N]",
    check,
    work: (d, itemBytes) => gemmWorkspaceBytes(d.M, d.N, depthOf(d), d.transposeB === 1, itemBytes),
    ...rulesOf(activation),
    cost: (d) => ({ flop: 2 * d.M * d.N * depthOf(d), elements: d.AR * d.AC + d.BR * d.BC + d.M * d.N }),
    reference: matmulReference,
    wgsl: { code: wgsl, groups: (ints) => tileGroups(ints[7], ints[8], 1) },
  });
}

function batched(activation: readonly string[]): Op {
  return defineOp({
    name: "matmul_batched",
    inputs: { a: "[QA,AR,AC]", b: "[QB,BR,BC]", "bias?": "[BN]", "residual?": "[RQ,RM,RN]" },
    attrs: { Q: "int", ...attrsWith(activation) },
    output: "[Q,M,N]",
    check: checkBatched,
    work: batchedWork,
    ...rulesOf(activation),
    cost: (d) => ({
      flop: 2 * d.Q * d.M * d.N * depthOf(d),
      elements: d.QA * d.AR * d.AC + d.QB * d.BR * d.BC + d.Q * d.M * d.N,
    }),
    reference: matmulBatchedReference,
    wgsl: { code: wgsl, groups: (ints) => tileGroups(ints[11], ints[12], ints[10]) },
  });
}

/**
 * A product without activation saves its operands. With one it saves its value too, and is recorded only without residual
 * and with an activation whose derivative that value gives; `matmul` records the others in two steps.
 */
function rulesOf(activation: readonly string[]) {
  if (activation.length === 1) return { save: ["a", "b"], vjp: gradients };
  return {
    save: ["a", "b", "out"],
    vjp: (g: Tensor, saved: Inputs, attrs: Attrs, needs: Needs, soFar: SoFar) =>
      tanhProductGradients(g, saved, attrs, needs, soFar) ??
      gradients(activationGradient(attrs.activation as Activation, g, saved.out), saved, attrs, needs, soFar),
  };
}

/**
 * Gradients of alpha op(a) op(b) + bias + residual; an operand that served a whole batch gets the sum over it. The others
 * are added to what their gradients are so far as the kernel stores them.
 */
function gradients(
  g: Tensor,
  { a, b }: Inputs,
  attrs: Attrs,
  needs: Needs,
  soFar: SoFar,
): Record<string, Tensor | undefined> {
  const [tA, tB, alpha] = [attrs.transposeA as boolean, attrs.transposeB as boolean, attrs.alpha as number];
  const before = (name: string, t: Tensor): Tensor | undefined =>
    t.rank === 2 || t.shape[0] === g.shape[0] ? soFar(name) : undefined;
  const ofA = (sum = before("a", a)): Tensor =>
    tA ? multiply(b, g, tB, true, alpha, sum) : multiply(g, b, false, !tB, alpha, sum);
  const ofB = (sum = before("b", b)): Tensor =>
    tB ? multiply(g, a, true, tA, alpha, sum) : multiply(a, g, !tA, false, alpha, sum);
  return {
    a: needs("a") ? sumTo(ofA(), a.shape) : undefined,
    b: needs("b") ? sumTo(ofB(), b.shape) : undefined,
    bias: needs("bias") ? sum(g, { axis: g.rank === 2 ? 0 : [0, 1] }) : undefined,
    residual: needs("residual") ? g : undefined,
  };
}

/** alpha op(a) op(b) + residual of matrices, or of batches ([1,...] serves all). */
function multiply(
  a: Tensor,
  b: Tensor,
  transposeA: boolean,
  transposeB: boolean,
  alpha: number,
  residual: Tensor | undefined,
): Tensor {
  const M = a.shape[a.rank - (transposeA ? 1 : 2)];
  const N = b.shape[b.rank - (transposeB ? 2 : 1)];
  const attrs = { M, N, transposeA, transposeB, activation: "none", alpha };
  if (a.rank === 2) return matmulOp.apply([a, b, undefined, residual], attrs);
  return matmulBatchedOp.apply([a, b, undefined, residual], {
    Q: a.shape[0] === 1 ? b.shape[0] : a.shape[0],
    ...attrs,
  });
}

/** alpha op(a) op(b) + bias + residual of two matrices. */
export const matmulOp = /*#__PURE__*/ plain(["none"]);
/** The same for a batch; an operand of size 1 serves all. */
export const matmulBatchedOp = /*#__PURE__*/ batched(["none"]);
const activatedOp = /*#__PURE__*/ plain(activations);
const activatedBatchedOp = /*#__PURE__*/ batched(activations);

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
