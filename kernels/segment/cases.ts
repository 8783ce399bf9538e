import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import {
  gather,
  type IndexMap,
  indexMap,
  scatterSum,
  segmentExpand,
  segmentMax,
  segmentMean,
  segmentSoftmax,
  segmentSum,
} from "./op.js";

/** [E, F, N] */
const sizes = [
  [0, 1, 1],
  [1, 1, 1],
  [0, 3, 0],
  [5, 17, 3],
  [40, 1, 7],
  [33, 4, 33],
];

const segment = (random: Samples, [E, F, N]: number[], large = false): Sample => ({
  inputs: { x: random.uniform([E, F]), y: random.uniform([N, F]), ptr: random.pointers(N, E) },
  large,
});

const segments = {
  samples: (random: Samples): Sample[] => [
    ...sizes.map((s) => segment(random, s)),
    segment(random, [20000, 37, 900], true),
  ],
  bench: (random: Samples): Sample[] => [segment(random, [300_000, 32, 10_000])],
};

const lookup = (random: Samples, [E, F, R]: number[], large = false): Sample => ({
  inputs: { x: random.uniform([R, F]), e: random.uniform([E, F]) },
  attrs: { rows: R, index: Array.from(random.integers([E], -1, R).data) },
  large,
});

const lookups = {
  samples: (random: Samples): Sample[] => [
    ...[
      [0, 2, 3],
      [1, 1, 1],
      [7, 3, 2],
      [29, 8, 5],
      [6, 1, 40],
    ].map((s) => lookup(random, s)),
    lookup(random, [9000, 25, 4], true),
    lookup(random, [9000, 1, 3000], true),
  ],
  bench: (random: Samples): Sample[] => [lookup(random, [300_000, 32, 10_000])],
};

const mapOf = (like: Tensor, { index, rows }: NonNullable<Sample["attrs"]>): IndexMap =>
  indexMap(Int32Array.from(index as readonly number[]), rows as number, like.device.name);

export const cases = defineCases(
  {
    op: "segmentSum",
    run: ({ x, ptr }) => segmentSum(x, ptr),
    ...segments,
    differentiate: ["x"],
    tolerance: { f32: 2e-6, f64: 1e-14 },
    errors: [
      {
        name: "pointers that end elsewhere",
        run: () => segmentSum(zeros([4, 2]), tensor(Int32Array.of(0, 3))),
        code: "VALUE",
        says: /ptr must rise from 0 and end at the number of rows, 4/,
      },
      {
        name: "pointers that fall",
        run: () => segmentSum(zeros([4, 2]), tensor(Int32Array.of(0, 3, 2, 4))),
        code: "VALUE",
        says: /ptr must rise/,
      },
      {
        name: "pointers that are not whole numbers",
        run: () => segmentSum(zeros([4, 2]), tensor(Float32Array.of(0, 4))),
        code: "DTYPE",
        says: /ptr expected i32, got f32/,
      },
      {
        name: "a scalar",
        run: () => segmentSum(zeros([]), tensor(Int32Array.of(0, 1))),
        code: "SHAPE",
        says: /expected rows/,
      },
    ],
  },
  {
    op: "segmentMax",
    run: ({ x, ptr }) => segmentMax(x, ptr),
    ...segments,
    differentiate: ["x"],
    tolerance: { f32: 1e-7, f64: 1e-15 },
    errors: [
      {
        name: "pointers that end elsewhere",
        run: () => segmentMax(zeros([4, 2]), tensor(Int32Array.of(0, 3))),
        code: "VALUE",
        says: /ptr must rise from 0 and end at the number of rows, 4/,
      },
    ],
  },
  {
    op: "segmentMean",
    run: ({ x, ptr }) => segmentMean(x, ptr),
    ...segments,
    differentiate: ["x"],
    tolerance: { f32: 2e-6, f64: 1e-14 },
  },
  {
    op: "segmentSoftmax",
    run: ({ x, ptr }) => segmentSoftmax(x, ptr),
    ...segments,
    differentiate: ["x"],
    tolerance: { f32: 5e-6, f64: 1e-14 },
  },
  {
    op: "segmentExpand",
    run: ({ y, x, ptr }) => segmentExpand(y, ptr, x.shape[0]),
    ...segments,
    differentiate: ["y"],
    tolerance: { f32: 1e-7, f64: 1e-15 },
  },
  {
    op: "gather",
    run: ({ x }, attrs) => gather(x, mapOf(x, attrs)),
    ...lookups,
    differentiate: ["x"],
    tolerance: { f32: 1e-7, f64: 1e-15 },
    errors: [
      {
        name: "an index outside",
        run: () => indexMap(Int32Array.of(0, 5), 3),
        code: "VALUE",
        says: /index 5 at position 1 is outside 0..2/,
      },
    ],
  },
  {
    op: "gatherSum",
    run: ({ e }, attrs) => scatterSum(e, mapOf(e, attrs)),
    ...lookups,
    differentiate: ["e"],
    tolerance: { f32: 2e-6, f64: 1e-14 },
  },
);
