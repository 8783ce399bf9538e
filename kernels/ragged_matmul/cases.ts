import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { defineCases, type ErrorCase, type Sample } from "../../src/testing/cases.js";
import type { SampleArray, Samples } from "../../src/testing/samples.js";
import { raggedNN, raggedNT, raggedTN } from "./op.js";

interface Blocks {
  readonly ptr: SampleArray;
  readonly start: SampleArray;
  readonly rows: number;
  readonly pairs: number;
}

/** Pointers for these numbers of rows per centre; `spare` leaves so much room behind every matrix and at both ends. */
function blocksOf(random: Samples, sizes: readonly number[], spare: number): Blocks {
  const [ptr, start] = [[0], [0]];
  sizes.forEach((n, i) => {
    ptr.push(ptr[i] + n);
    start.push(start[i] + n * n + spare);
  });
  return {
    ptr: random.i32(ptr),
    start: random.i32(start),
    rows: ptr[sizes.length] + spare,
    pairs: start[sizes.length] + spare,
  };
}

/** Sizes as in a condensed system: near `middle`, some centres empty. */
const crowd = (count: number, middle: number): number[] =>
  Array.from({ length: count }, (_, i) => (i % 9 === 4 ? 0 : middle + ((7 * i) % 31) - 15));

const layouts: readonly { sizes: readonly number[]; H: number; spare?: number; large?: boolean }[] = [
  { sizes: [], H: 3 },
  { sizes: [], H: 3, spare: 2 },
  { sizes: [0], H: 2 },
  { sizes: [1], H: 1 },
  { sizes: [3], H: 2 },
  { sizes: [2, 0, 3], H: 4 },
  { sizes: [0, 0, 2, 0], H: 3, spare: 1 },
  { sizes: [5, 1, 4], H: 7, spare: 3 },
  { sizes: [4, 3], H: 0 },
  { sizes: [65, 64, 1], H: 5, large: true },
  { sizes: [130, 2, 0, 63], H: 33, large: true },
  { sizes: [200, 3, 192, 193], H: 3, large: true },
  { sizes: [400], H: 17, large: true },
  { sizes: [17, 90, 40], H: 512, spare: 5, large: true },
  { sizes: crowd(40, 25), H: 16, large: true },
  { sizes: crowd(20, 50), H: 128, large: true },
];

type Make = (random: Samples, b: Blocks, H: number) => Record<string, SampleArray>;

/** The attention of some 190 atoms with 90 neighbours each. */
const hot =
  (inputs: Make) =>
  (random: Samples): Sample[] => {
    const b = blocksOf(random, crowd(213, 90), 0);
    return [{ inputs: { ...inputs(random, b, 128), ptr: b.ptr, start: b.start }, attrs: { pairs: b.pairs } }];
  };

const samples =
  (inputs: Make) =>
  (random: Samples): Sample[] =>
    layouts.map(({ sizes, H, spare = 0, large }) => {
      const b = blocksOf(random, sizes, spare);
      return {
        inputs: { ...inputs(random, b, H), ptr: b.ptr, start: b.start },
        attrs: { pairs: b.pairs },
        large,
      };
    });

const matrixAndRows: Make = (random, b, H) => ({
  a: random.normal([b.pairs]),
  v: random.normal([b.rows, H]),
});

const i32 = (values: readonly number[]): Tensor => tensor(values, [values.length], { dtype: "i32" });

/** Mistakes all three ops refuse alike: five rows, ten pairs. */
const faults = (run: (ptr: Tensor, start: Tensor) => Tensor): ErrorCase[] => [
  {
    name: "a first row that is not 0",
    run: () => run(i32([1, 5]), i32([0, 10])),
    code: "VALUE",
    says: /ptr\[0\] must be 0/,
  },
  {
    name: "pointers that decrease",
    run: () => run(i32([0, 3, 2]), i32([0, 9, 9])),
    code: "VALUE",
    says: /ptr\[2\] is smaller than ptr\[1\]/,
  },
  {
    name: "pointers beyond the rows",
    run: () => run(i32([0, 1, 6]), i32([0, 1, 10])),
    code: "VALUE",
    says: /ptr\[2\] is larger than the number of rows, 5/,
  },
  {
    name: "matrices that overlap",
    run: () => run(i32([0, 2, 4]), i32([0, 3, 7])),
    code: "VALUE",
    says: /start does not leave centre 0/,
  },
  {
    name: "matrices beyond the array",
    run: () => run(i32([0, 1, 4]), i32([0, 2, 11])),
    code: "VALUE",
    says: /start does not leave centre 1 .*none beyond 10/,
  },
  {
    name: "as many starts as centres",
    run: () => run(i32([0, 1, 2]), i32([0, 1])),
    code: "SHAPE",
    says: /start i32\[N\+1\] expected size 3/,
  },
];

const common = { tolerance: { f32: 3e-6, f64: 1e-14 } } as const;

export const cases = defineCases(
  {
    ...common,
    op: "raggedNT",
    run: ({ x, y, ptr, start }, attrs) => raggedNT(x, y, ptr, start, attrs.pairs as number),
    samples: samples((random, b, H) => ({ x: random.normal([b.rows, H]), y: random.normal([b.rows, H]) })),
    differentiate: ["x", "y"],
    errors: [
      ...faults((ptr, start) => raggedNT(zeros([5, 2]), zeros([5, 2]), ptr, start, 10)),
      {
        name: "rows of two widths",
        run: () => raggedNT(zeros([5, 2]), zeros([5, 3]), i32([0, 5]), i32([0, 25]), 25),
        code: "SHAPE",
        says: /y \[E,H\] expected size 2/,
      },
      {
        name: "a fraction of a pair",
        run: () => raggedNT(zeros([1, 2]), zeros([1, 2]), i32([0, 1]), i32([0, 1]), 1.5),
        code: "VALUE",
        says: /attribute P is 1.5/,
      },
    ],
    bench: hot((random, b, H) => ({ x: random.normal([b.rows, H]), y: random.normal([b.rows, H]) })),
  },
  {
    ...common,
    op: "raggedNN",
    run: ({ a, v, ptr, start }) => raggedNN(a, v, ptr, start),
    samples: samples(matrixAndRows),
    bench: hot(matrixAndRows),
    differentiate: ["a", "v"],
    errors: faults((ptr, start) => raggedNN(zeros([10]), zeros([5, 2]), ptr, start)),
  },
  {
    ...common,
    op: "raggedTN",
    run: ({ a, v, ptr, start }) => raggedTN(a, v, ptr, start),
    samples: samples(matrixAndRows),
    bench: hot(matrixAndRows),
    differentiate: ["a", "v"],
    errors: faults((ptr, start) => raggedTN(zeros([10]), zeros([5, 2]), ptr, start)),
  },
);
