import { grad } from "../../src/autograd/grad.js";
import { detach, requireGrad, withRecording } from "../../src/autograd/node.js";
import { type Tensor, zeros } from "../../src/tensor/tensor.js";
import { defineCases, type ErrorCase, type OpCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { add, mul } from "../elementwise/ops.generated.js";
import { matmul } from "../matmul/op.js";
import { tanhProductVjpOp } from "./op.js";

type Size = readonly [rows: number, columns: number, width: number];

/** Nothing, one, whole vectors and parts of them. */
const sizes: readonly Size[] = [
  [0, 3, 2],
  [3, 0, 2],
  [3, 2, 0],
  [1, 1, 1],
  [2, 5, 3],
  [4, 8, 16],
  [7, 17, 9],
  [5, 6, 1],
  [6, 1, 4],
  [3, 4, 5],
];
/** Blocks and parts of blocks, of one part and of several. */
const large: readonly Size[] = [
  [127, 20, 10],
  [505, 33, 17],
  [1200, 10, 1],
  [2050, 50, 25],
];

const sampleOf = (random: Samples, [rows, columns, width]: Size, isLarge: boolean): Sample => ({
  inputs: {
    g: random.uniform([rows, columns]),
    y: random.uniform([rows, columns]),
    w: random.uniform([width, columns]),
    residual: random.uniform([rows, width]),
  },
  large: isLarge,
});
const samples = (random: Samples): Sample[] => [
  ...sizes.map((size) => sampleOf(random, size, false)),
  ...large.map((size) => sampleOf(random, size, true)),
];

const tolerance = { f32: 5e-6, f64: 1e-14 };

const wrong = (change: Record<string, Tensor>) => (): Tensor => {
  const x = { g: zeros([3, 4]), y: zeros([3, 4]), w: zeros([2, 4]), residual: zeros([3, 2]), ...change };
  return tanhProductVjpOp.apply([x.g, x.y, x.w, x.residual]);
};
const errors: readonly ErrorCase[] = [
  {
    name: "a value of other rows",
    run: () => wrong({ y: zeros([2, 4]) })(),
    code: "SHAPE",
    says: /y \[E,N\] expected size 3 at index 0/,
  },
  {
    name: "a matrix of other columns",
    run: () => wrong({ w: zeros([2, 3]) })(),
    code: "SHAPE",
    says: /w \[K,N\] expected size 4 at index 1/,
  },
  {
    name: "an addend of other columns",
    run: () => wrong({ residual: zeros([3, 4]) })(),
    code: "SHAPE",
    says: /residual \[E,K\] expected size 2 at index 1/,
  },
  {
    name: "a batch",
    run: () => wrong({ g: zeros([1, 3, 4]) })(),
    code: "SHAPE",
    says: /tanhProductVjp: g expected shape \[E,N\], got \[1,3,4\]/,
  },
  {
    name: "a value of another type",
    run: () => wrong({ y: zeros([3, 4], { dtype: "f64" }) })(),
    code: "DTYPE",
    says: /y expected f32, got f64/,
  },
];

/** With what others have contributed to the gradients of g and y by the time the rule is asked: they come first. */
const besideOthers: OpCases = {
  op: "tanhProductVjp, beside others",
  run: ({ g, y, w }) => [tanhProductVjpOp.apply([g, y, w]), mul(g, y)],
  samples,
  differentiate: ["g", "y", "w"],
  tolerance,
};

/** The parts meet the same reference values and derivatives. */
const decomposed: OpCases = {
  op: "tanhProductVjp, decomposed",
  run: (inputs) => tanhProductVjpOp.spec.decompose!(inputs, {}),
  samples,
  differentiate: ["g", "y", "w", "residual"],
  tolerance,
};

/** All gradients of the product itself; from 1024 rows on in one pass. */
const allGradients: OpCases = {
  op: "tanhProductGradients",
  run: ({ residual, w, g }) =>
    withRecording(true, () => {
      const bias = zeros([w.shape[1]], { dtype: w.dtype, device: w.device.name });
      const given = [residual, w, bias].map((t) => requireGrad(add(detach(t), 0)));
      const out = matmul(given[0], given[1], { bias: given[2], activation: "tanh" });
      return [out, ...grad(out, given, { gradOutput: g, keepTape: false })];
    }),
  samples,
  differentiate: [],
  order: 0,
  tolerance,
};

export const cases = defineCases(
  {
    op: "tanhProductVjp",
    run: ({ g, y, w, residual }) => tanhProductVjpOp.apply([g, y, w, residual]),
    samples,
    differentiate: ["g", "y", "w", "residual"],
    tolerance,
    errors,
    bench: (random) => [sampleOf(random, [17000, 100, 50], true)],
  },
  besideOthers,
  decomposed,
  allGradients,
);
