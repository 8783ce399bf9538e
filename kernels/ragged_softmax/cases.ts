import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { tensor, zeros } from "../../src/tensor/tensor.js";
import { raggedSoftmax, raggedSoftmaxCurvatureOp, raggedSoftmaxVjpOp } from "./op.js";

/** Sizes of the blocks of one sample, and how many keys are only counted. */
const layouts: [sizes: number[], pad: number][] = [
  [[], 0],
  [[0], 3],
  [[1], 0],
  [[1, 0, 2], 5],
  [[3, 5, 1], 0],
  [[7, 2], 4],
  [[17], 1],
];

function sample(random: Samples, sizes: readonly number[], pad: number, large = false, spare = 0): Sample {
  const ptr = [0];
  const start = [0];
  for (const n of sizes) {
    ptr.push(ptr[ptr.length - 1] + n);
    start.push(start[start.length - 1] + n * n + spare);
  }
  const P = start[start.length - 1] + spare;
  return {
    inputs: {
      x: random.uniform([P], -3, 3),
      g: random.uniform([P]),
      u: random.uniform([P]),
      y: random.uniform([P], 0, 1),
      ptr: random.i32(ptr),
      start: random.i32(start),
      pad: random.i32(sizes.map((_, k) => (k % 2 === 0 ? pad : 0))),
    },
    large,
  };
}

/** As many rows of neighbours as this, of 80 to 100 atoms each. */
const crowd = (count: number): number[] => Array.from({ length: count }, (_, k) => 80 + (k % 21));

const samples = (random: Samples): Sample[] => [
  ...layouts.map(([sizes, pad], k) => sample(random, sizes, pad, false, k % 3)),
  sample(random, crowd(64), 20, true),
];

const bench = (random: Samples): Sample[] => [sample(random, crowd(512), 20)];

const tolerance = { f32: 5e-6, f64: 1e-14 };
const i32 = (...values: number[]) => tensor(Int32Array.from(values));

export const cases = defineCases(
  {
    op: "raggedSoftmax",
    run: ({ x, ptr, start, pad }) => raggedSoftmax(x, ptr, start, pad, -2),
    samples,
    bench,
    differentiate: ["x"],
    tolerance,
    errors: [
      {
        name: "pointers of two lengths",
        run: () => raggedSoftmax(zeros([4]), i32(0, 2), i32(0, 4, 4), i32(0), 0),
        code: "SHAPE",
        says: /start i32\[N\+1\] expected size 2/,
      },
      {
        name: "a matrix of logits",
        run: () => raggedSoftmax(zeros([2, 2]), i32(0, 2), i32(0, 4), i32(0), 0),
        code: "SHAPE",
        says: /x expected shape \[P\]/,
      },
    ],
  },
  {
    op: "raggedSoftmaxVjp",
    run: ({ g, y, ptr, start }) => raggedSoftmaxVjpOp.apply([g, y, ptr, start]),
    samples,
    bench,
    differentiate: ["g", "y"],
    tolerance,
  },
  {
    op: "raggedSoftmaxCurvature",
    run: ({ u, g, y, ptr, start }) => raggedSoftmaxCurvatureOp.apply([u, g, y, ptr, start]),
    samples,
    bench,
    differentiate: ["u", "g", "y"],
    order: 1,
    tolerance,
  },
);
