import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { defineCases, type ErrorCase, type Sample } from "../../src/testing/cases.js";
import type { SampleArray, Samples } from "../../src/testing/samples.js";
import { segmentApply, segmentApplyT, segmentOuter } from "./op.js";

interface Sizes {
  readonly N: number;
  readonly E: number;
  readonly A: number;
  readonly B: number;
  /** Rows behind the last segment. */
  readonly spare?: number;
  readonly large?: boolean;
}

/** Every number of b's in registers, more of them than one pass holds, columns that are no whole vectors. */
const layouts: readonly Sizes[] = [
  { N: 0, E: 0, A: 3, B: 2 },
  { N: 0, E: 0, A: 3, B: 2, spare: 2 },
  { N: 1, E: 0, A: 3, B: 2 },
  { N: 1, E: 1, A: 1, B: 1 },
  { N: 2, E: 5, A: 0, B: 2 },
  { N: 2, E: 5, A: 4, B: 0 },
  { N: 3, E: 7, A: 5, B: 1, spare: 3 },
  { N: 4, E: 9, A: 3, B: 2 },
  { N: 2, E: 6, A: 4, B: 3 },
  { N: 3, E: 10, A: 17, B: 4 },
  { N: 3, E: 8, A: 2, B: 9 },
  { N: 5, E: 90, A: 33, B: 5, large: true },
  { N: 5, E: 90, A: 31, B: 6, large: true },
  { N: 5, E: 90, A: 40, B: 7, large: true },
  { N: 5, E: 90, A: 9, B: 8, large: true },
  { N: 4, E: 70, A: 300, B: 4, large: true },
  { N: 4, E: 70, A: 129, B: 19, spare: 5, large: true },
  { N: 50, E: 2000, A: 100, B: 4, large: true },
  { N: 300, E: 3000, A: 25, B: 16, spare: 1, large: true },
];

const hot: Sizes = { N: 192, E: 17000, A: 100, B: 4 };

type Make = (random: Samples, sizes: Sizes, rows: number) => Record<string, SampleArray>;

function sampleOf(random: Samples, sizes: Sizes, make: Make): Sample {
  const inputs = make(random, sizes, sizes.E + (sizes.spare ?? 0));
  return {
    inputs: { ...inputs, ptr: random.pointers(sizes.N, sizes.N > 0 ? sizes.E : 0) },
    large: sizes.large,
  };
}

const both = (make: Make) => ({
  samples: (random: Samples): Sample[] => layouts.map((sizes) => sampleOf(random, sizes, make)),
  bench: (random: Samples): Sample[] => [sampleOf(random, hot, make)],
});

const i32 = (values: readonly number[]): Tensor => tensor(values, [values.length], { dtype: "i32" });

/** Mistakes all three ops refuse alike: five rows. */
const faults = (run: (ptr: Tensor) => Tensor): ErrorCase[] => [
  {
    name: "a first row that is not 0",
    run: () => run(i32([1, 2, 5])),
    code: "VALUE",
    says: /ptr\[0\] must be 0/,
  },
  {
    name: "pointers that decrease",
    run: () => run(i32([0, 3, 2])),
    code: "VALUE",
    says: /ptr\[2\] is smaller than ptr\[1\]/,
  },
  {
    name: "pointers beyond the rows",
    run: () => run(i32([0, 6, 6])),
    code: "VALUE",
    says: /ptr\[1\] is larger than the number of rows, 5/,
  },
];

const common = { tolerance: { f32: 3e-6, f64: 1e-14 } } as const;

export const cases = defineCases(
  {
    ...common,
    op: "segmentOuter",
    run: ({ x, y, ptr }) => segmentOuter(x, y, ptr),
    ...both((random, { A, B }, rows) => ({ x: random.normal([rows, A]), y: random.normal([rows, B]) })),
    differentiate: ["x", "y"],
    errors: [
      ...faults((ptr) => segmentOuter(zeros([5, 3]), zeros([5, 2]), ptr)),
      {
        name: "rows of two numbers",
        run: () => segmentOuter(zeros([5, 3]), zeros([4, 2]), i32([0, 4])),
        code: "SHAPE",
        says: /y \[E,B\] expected size 5/,
      },
      {
        name: "pointers that are no integers",
        run: () => segmentOuter(zeros([5, 3]), zeros([5, 2]), zeros([2])),
        code: "DTYPE",
        says: /ptr expected i32, got f32/,
      },
    ],
  },
  {
    ...common,
    op: "segmentApply",
    run: ({ x, z, ptr }) => segmentApply(x, z, ptr),
    ...both((random, { N, A, B }, rows) => ({ x: random.normal([rows, A]), z: random.normal([N, A, B]) })),
    differentiate: ["x", "z"],
    errors: [
      ...faults((ptr) => segmentApply(zeros([5, 3]), zeros([2, 3, 4]), ptr)),
      {
        name: "a matrix too few",
        run: () => segmentApply(zeros([5, 3]), zeros([2, 3, 4]), i32([0, 1, 2, 5])),
        code: "SHAPE",
        says: /ptr i32\[N\+1\] expected size 3/,
      },
    ],
  },
  {
    ...common,
    op: "segmentApplyT",
    run: ({ y, z, ptr, addend }) => [segmentApplyT(y, z, ptr), segmentApplyT(y, z, ptr, addend)],
    ...both((random, { N, A, B }, rows) => ({
      y: random.normal([rows, B]),
      z: random.normal([N, A, B]),
      addend: random.normal([rows, A]),
    })),
    differentiate: ["y", "z", "addend"],
    errors: [
      ...faults((ptr) => segmentApplyT(zeros([5, 4]), zeros([2, 3, 4]), ptr)),
      {
        name: "matrices of another width",
        run: () => segmentApplyT(zeros([5, 3]), zeros([2, 3, 4]), i32([0, 1, 5])),
        code: "SHAPE",
        says: /z \[N,A,B\] expected size 3 at index 2/,
      },
      {
        name: "an addend of other columns",
        run: () => segmentApplyT(zeros([5, 4]), zeros([2, 3, 4]), i32([0, 1, 5]), zeros([5, 4])),
        code: "SHAPE",
        says: /addend \[E,A\] expected size 3 at index 1/,
      },
    ],
  },
);
