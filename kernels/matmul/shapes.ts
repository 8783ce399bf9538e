import { AtomgradError } from "../../src/tensor/error.js";
import { sameShape, type Shape, showShape, sizeOf } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";

/** How a product is laid before the kernels. */
export interface Plan {
  readonly M: number;
  readonly N: number;
  /** Shapes the operands are seen in: two dimensions each, or three ([1,...] for one that serves the whole batch). */
  readonly a: Shape;
  readonly b: Shape;
  /** Matrices in the batch; undefined for a plain product. */
  readonly Q: number | undefined;
  /** Shape of the result. */
  readonly out: Shape;
}

/** Finds the sizes of a [...,M,K] x b [...,K,N] and checks that they fit. Errors: SHAPE. */
export function planOf(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Plan {
  const [aRank, bRank] = [a.shape.length, b.shape.length];
  if (aRank < 2 || bRank < 2)
    throw misfit(a, b, transposeA, transposeB, "both operands need at least two dimensions");
  const [AR, AC, BR, BC] = [a.shape[aRank - 2], a.shape[aRank - 1], b.shape[bRank - 2], b.shape[bRank - 1]];
  const [M, K] = transposeA ? [AC, AR] : [AR, AC];
  const [k, N] = transposeB ? [BC, BR] : [BR, BC];
  if (K !== k)
    throw misfit(a, b, transposeA, transposeB, `the sums run over ${K} elements of a and ${k} of b`);
  if (aRank === 2 && bRank === 2) return { M, N, a: a.shape, b: b.shape, Q: undefined, out: [M, N] };
  const batch = aRank > 2 ? a.shape.slice(0, -2) : b.shape.slice(0, -2);
  const out = [...batch, M, N];
  const Q = sizeOf(batch);
  // Rows of all matrices times one matrix are one tall product.
  if (bRank === 2 && !transposeA) return { M: Q * M, N, a: [Q * M, K], b: b.shape, Q: undefined, out };
  if (aRank > 2 && bRank > 2 && !sameShape(batch, b.shape.slice(0, -2)))
    throw misfit(
      a,
      b,
      transposeA,
      transposeB,
      "the sizes before the last two must be equal, or absent in one operand",
    );
  return { M, N, a: [aRank > 2 ? Q : 1, AR, AC], b: [bRank > 2 ? Q : 1, BR, BC], Q, out };
}

/** Checks what is added on the way out. Errors: SHAPE. */
export function checkAddends(plan: Plan, bias: Tensor | undefined, residual: Tensor | undefined): void {
  if (bias !== undefined && !(bias.shape.length === 1 && bias.shape[0] === plan.N))
    throw new AtomgradError("SHAPE", `matmul: bias expected shape [${plan.N}], got ${showShape(bias.shape)}`);
  if (residual !== undefined && !sameShape(residual.shape, plan.out))
    throw new AtomgradError(
      "SHAPE",
      `matmul: residual expected the shape of the result, ${showShape(plan.out)}, got ${showShape(residual.shape)}`,
    );
}

function misfit(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean, why: string): AtomgradError {
  const operand = (name: string, t: Tensor, transposed: boolean): string =>
    `${name} ${showShape(t.shape)}${transposed ? " transposed" : ""}`;
  return new AtomgradError(
    "SHAPE",
    `matmul: ${operand("a", a, transposeA)} and ${operand("b", b, transposeB)} cannot be multiplied: ${why}`,
  );
}
