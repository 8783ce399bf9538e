import {
  type Attrs,
  type AttrType,
  defineOp,
  type Dims,
  type Inputs,
  type Op,
  type OpSpec,
} from "../../src/autograd/define-op.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { sum, sumTo } from "../reduce/op.js";
import { matmulBatchedReference, matmulReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";
import { gemmSerialWorkspaceBytes, gemmWorkspaceBytes } from "./workspace.js";

export type Needs = (name: string) => boolean;
export type SoFar = (name: string) => Tensor | undefined;

/** What an op saves for its gradient, and the gradient. */
export type Rules = Pick<OpSpec, "save" | "vjp">;

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

/** Tiles of 32 x 32 elements, one workgroup each (tile.wgsl). */
export function tileGroups(M: number, N: number, Q: number): [number, number, number] {
  const tiles = Math.ceil(M / 32) * Math.ceil(N / 32) * Q;
  return [Math.min(tiles, 32768), Math.ceil(tiles / 32768), 1];
}

/** The product of two matrices, followed by one of the activations. */
export function plain(activation: readonly string[], rules: Rules): Op {
  return defineOp({
    name: "matmul",
    inputs: { a: "[AR,AC]", b: "[BR,BC]", "bias?": "[BN]", "residual?": "[RM,RN]" },
    attrs: attrsWith(activation),
    output: "[M,N]",
    check,
    work: (d, itemBytes) => gemmWorkspaceBytes(d.M, d.N, depthOf(d), d.transposeB === 1, itemBytes),
    ...rules,
    cost: (d) => ({ flop: 2 * d.M * d.N * depthOf(d), elements: d.AR * d.AC + d.BR * d.BC + d.M * d.N }),
    reference: matmulReference,
    wgsl: { code: wgsl, groups: (ints) => tileGroups(ints[7], ints[8], 1) },
  });
}

/** The same for a batch. */
export function batched(activation: readonly string[], rules: Rules): Op {
  return defineOp({
    name: "matmul_batched",
    inputs: { a: "[QA,AR,AC]", b: "[QB,BR,BC]", "bias?": "[BN]", "residual?": "[RQ,RM,RN]" },
    attrs: { Q: "int", ...attrsWith(activation) },
    output: "[Q,M,N]",
    check: checkBatched,
    work: batchedWork,
    ...rules,
    cost: (d) => ({
      flop: 2 * d.Q * d.M * d.N * depthOf(d),
      elements: d.QA * d.AR * d.AC + d.QB * d.BR * d.BC + d.Q * d.M * d.N,
    }),
    reference: matmulBatchedReference,
    wgsl: { code: wgsl, groups: (ints) => tileGroups(ints[11], ints[12], ints[10]) },
  });
}

/**
 * Gradients of alpha op(a) op(b) + bias + residual; an operand that served a whole batch gets the sum over it. The others
 * are added to what their gradients are so far as the kernel stores them.
 */
export function gradients(
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

/** alpha op(a) op(b) + bias + residual of matrices, or of batches ([1,...] serves all). */
export function multiply(
  a: Tensor,
  b: Tensor,
  transposeA: boolean,
  transposeB: boolean,
  alpha: number,
  residual: Tensor | undefined,
  bias?: Tensor,
): Tensor {
  const M = a.shape[a.rank - (transposeA ? 1 : 2)];
  const N = b.shape[b.rank - (transposeB ? 2 : 1)];
  const attrs = { M, N, transposeA, transposeB, activation: "none", alpha };
  if (a.rank === 2) return matmulOp.apply([a, b, bias, residual], attrs);
  return matmulBatchedOp.apply([a, b, bias, residual], {
    Q: a.shape[0] === 1 ? b.shape[0] : a.shape[0],
    ...attrs,
  });
}

/** A product without activation saves its operands. */
const unactivated: Rules = { save: ["a", "b"], vjp: gradients };

/** alpha op(a) op(b) + bias + residual of two matrices. */
export const matmulOp = /*#__PURE__*/ plain(["none"], unactivated);
/** The same for a batch; an operand of size 1 serves all. */
export const matmulBatchedOp = /*#__PURE__*/ batched(["none"], unactivated);
