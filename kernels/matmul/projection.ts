import { defineOp, type Inputs } from "../../src/autograd/define-op.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { showShape } from "../../src/tensor/shape.js";
import { type Tensor, zeros } from "../../src/tensor/tensor.js";
import { noGrad } from "../../src/autograd/node.js";
import { type JointRule, recordJoint } from "../../src/autograd/joint.js";
import { sum } from "../reduce/op.js";
import { concat, slice } from "../shape_ops/op.js";
import { multiply, tileGroups } from "./product.js";
import { matmulJoinedReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";
import { gemmDepth, gemmWorkspaceBytes } from "./workspace.js";

/** More parts than this are multiplied one after the other. */
const mostParts = 3;

/** out = [a | b | c] w^T + residual, the matrices side by side without being copied there. */
export const matmulJoinedOp = /*#__PURE__*/ defineOp({
  name: "matmul_joined",
  inputs: { a: "[E,H]", "b?": "[E,H]", "c?": "[E,H]", w: "[M,PH]", "residual?": "[E,M]" },
  output: "[E,M]",
  check: ({ H, PH }) =>
    (H === 0 ? PH === 0 : PH % H === 0) ? undefined : "the sizes of the operands do not fit",
  work: (d, itemBytes) => gemmWorkspaceBytes(d.E, d.M, d.PH, true, itemBytes),
  save: ["a", "b", "c", "w"],
  vjp: (g, saved, _a, needs) => {
    const { w } = saved;
    const parts = partsOf(saved);
    const names = ["a", "b", "c"];
    const thirds = parts.map((part, k) =>
      needs(names[k]) ? multiply(g, columns(w, k, part.shape[1]), false, false, 1, undefined) : undefined,
    );
    return {
      a: thirds[0],
      b: thirds[1],
      c: thirds[2],
      w: needs("w")
        ? concat(
            parts.map((part) => multiply(g, part, true, false, 1, undefined)),
            1,
          )
        : undefined,
      residual: needs("residual") ? g : undefined,
    };
  },
  decompose: (inputs) => sumOfProducts(partsOf(inputs), inputs.w, inputs.residual),
  cost: (d) => ({ flop: 2 * d.E * d.M * d.PH, elements: d.E * d.PH + d.M * d.PH + d.E * d.M }),
  reference: matmulJoinedReference,
  wgsl: { code: wgsl, groups: (ints) => tileGroups(ints[0], ints[2], 1) },
});

/**
 * The product of matrices [E, H] side by side with the transpose of w [M, parts H], plus a residual [E, M]: -> [E, M]. Up to three
 * parts are read where they stand. Differentiable to any order. Errors: SHAPE, DTYPE.
 */
export function matmulJoined(parts: readonly Tensor[], w: Tensor, residual?: Tensor): Tensor {
  const found = parts.map((part) => showShape(part.shape)).join(", ");
  if (parts.length === 0 || parts.some((part) => part.rank !== 2) || w.rank !== 2)
    throw new AtomgradError(
      "SHAPE",
      `matmulJoined: expected matrices, got ${found || "none"} and ${showShape(w.shape)}`,
    );
  const width = parts.length * parts[0].shape[1];
  if (w.shape[1] !== width)
    throw new AtomgradError(
      "SHAPE",
      `matmulJoined: parts ${found} have ${width} columns together, w ${showShape(w.shape)} has ${w.shape[1]}; they must agree`,
    );
  if (parts.length > mostParts || width > gemmDepth) return sumOfProducts(parts, w, residual);
  return matmulJoinedOp.apply([parts[0], parts[1], parts[2], w, residual], {});
}

/**
 * x w + bias in equal parts: x [E, M], w [M, parts H], bias [parts H] -> `parts` tensors [E, H]. The same as slices of one product,
 * but each part is an array of its own, and the gradient of x is one product over all of them. Differentiable to any order.
 *
 * Errors: SHAPE where the columns of w do not fall into equal parts; DTYPE.
 */
export function matmulSplit(x: Tensor, w: Tensor, parts: number, bias: Tensor): Tensor[] {
  const columnCount = w.shape[w.rank - 1];
  if (w.rank !== 2 || !(parts >= 1) || columnCount % parts !== 0)
    throw new AtomgradError(
      "SHAPE",
      `matmulSplit: w ${showShape(w.shape)} does not fall into ${parts} equal parts`,
    );
  if (x.rank !== 2 || x.shape[1] !== w.shape[0] || bias.rank !== 1 || bias.size !== columnCount)
    throw new AtomgradError(
      "SHAPE",
      `matmulSplit: x ${showShape(x.shape)}, w ${showShape(w.shape)} and bias ${showShape(bias.shape)} do not fit; expected [E,M], [M,N] and [N]`,
    );
  const width = columnCount / parts;
  const outputs = noGrad(() =>
    Array.from({ length: parts }, (_, k) =>
      multiply(
        x,
        columns(w, k, width),
        false,
        false,
        1,
        undefined,
        slice(bias, 0, k * width, (k + 1) * width),
      ),
    ),
  );
  recordJoint(outputs, [x, w, bias], [x, w], splitRule);
  return outputs;
}

/** Gradients of x, w and bias from those of the parts. */
const splitRule: JointRule = (gradients, saved, wants, takeSoFar) => {
  const [x, w] = saved as [Tensor, Tensor];
  const shape = [x.shape[0], w.shape[1] / gradients.length];
  const parts = gradients.map((g) => g ?? zeros(shape, { dtype: x.dtype, device: x.device.name }));
  return [
    wants(0) ? matmulJoined(parts, w, takeSoFar(0)) : undefined,
    wants(1)
      ? concat(
          parts.map((g) => multiply(x, g, true, false, 1, undefined)),
          1,
        )
      : undefined,
    wants(2)
      ? concat(
          parts.map((g) => sum(g, { axis: 0 })),
          0,
        )
      : undefined,
  ];
};

function partsOf({ a, b, c }: Inputs): Tensor[] {
  return [a, b, c].filter((part) => part !== undefined);
}

function sumOfProducts(parts: readonly Tensor[], w: Tensor, residual: Tensor | undefined): Tensor {
  const product = (part: Tensor, k: number, addend?: Tensor): Tensor =>
    multiply(part, columns(w, k, part.shape[1]), false, true, 1, addend);
  return parts.reduce<Tensor | undefined>((so, part, k) => product(part, k, so), residual)!;
}

/** Columns k width to (k + 1) width. */
function columns(w: Tensor, k: number, width: number): Tensor {
  return slice(w, 1, k * width, (k + 1) * width);
}
