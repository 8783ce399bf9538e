import { grad } from "../../src/autograd/grad.js";
import { detach, requireGrad, withRecording } from "../../src/autograd/node.js";
import { type Tensor, zeros } from "../../src/tensor/tensor.js";
import { defineCases, type ErrorCase, type OpCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { doubleRows } from "../doubled_rows/op.js";
import { add, mul, square } from "../elementwise/ops.generated.js";
import { matmul } from "../matmul/op.js";
import { sum } from "../reduce/op.js";
import { doubledTanh, doubledTanhPays, doubledTanhVjpOp, tanhProductVjpOp } from "./op.js";

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

/** Rows of a layer twice as wide as its input: one that runs by its parts, blocks of one part and of several. */
const doubledSizes: readonly (readonly [rows: number, width: number])[] = [
  [0, 2],
  [1, 1],
  [3, 4],
  [7, 9],
  [127, 5],
  [505, 17],
  [1030, 3],
  [1200, 1],
  [2050, 25],
];
const doubledSamples = (random: Samples): Sample[] => doubledSizes.map((size) => doubledSample(random, size));
/** DeePMD's water frame of 192 atoms. */
const doubledBench = (random: Samples): Sample[] => [doubledSample(random, [17000, 50])];

function doubledSample(random: Samples, [rows, width]: readonly [number, number]): Sample {
  return {
    inputs: {
      x: random.uniform([rows, width]),
      w: random.uniform([width, 2 * width]),
      bias: random.uniform([2 * width]),
      g: random.uniform([rows, 2 * width]),
      y: random.uniform([rows, 2 * width]),
      residual: random.uniform([rows, width]),
    },
    large: rows > 100,
  };
}

/** A layer as networks have it. */
const layer = (x: Tensor, w: Tensor, bias: Tensor): Tensor =>
  doubledTanhPays(x, w) ? doubledTanh(x, w, bias) : doubleRows(x, matmul(x, w, { bias, activation: "tanh" }));

/** The layer, and the first part of its gradient by itself. */
const doubled: OpCases = {
  op: "doubledTanh",
  run: ({ x, w, bias }) => layer(x, w, bias),
  samples: doubledSamples,
  differentiate: ["x", "w", "bias"],
  tolerance,
  bench: doubledBench,
};
const doubledVjp: OpCases = {
  op: "doubledTanhVjp",
  run: ({ g, y, w, residual }) => doubledTanhVjpOp.apply([g, y, w, residual]),
  samples: doubledSamples,
  differentiate: ["g", "y", "w", "residual"],
  tolerance,
  bench: doubledBench,
};
const doubledBesideOthers: OpCases = {
  op: "doubledTanhVjp, beside others",
  run: ({ g, y, w }) => [doubledTanhVjpOp.apply([g, y, w]), mul(g, y)],
  samples: doubledSamples,
  differentiate: ["g", "y", "w"],
  tolerance,
};

/** All gradients in one pass: of the layer, and of the slope of the layer, which gives y a gradient of its own. */
const doubledGradients: OpCases = {
  op: "doubledTanhGradients",
  run: ({ x, w, bias, g }) =>
    withRecording(true, () => {
      const given = [x, w, bias].map((t) => requireGrad(add(detach(t), 0)));
      const out = layer(given[0], given[1], given[2]);
      const slope = grad(out, [given[0]], { gradOutput: g, createGraph: true })[0];
      return [out, slope, ...grad(add(sum(square(out)), sum(square(slope))), given)];
    }),
  samples: doubledSamples,
  differentiate: [],
  order: 0,
  tolerance: { f32: 2e-5, f64: 1e-13 },
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
  doubled,
  doubledVjp,
  doubledBesideOthers,
  doubledGradients,
);
