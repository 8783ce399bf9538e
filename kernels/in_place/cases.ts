import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { zeros } from "../../src/tensor/tensor.js";
import { blendInto, exchange } from "./op.js";

const shapes = [[0], [1], [], [7], [16], [33], [5, 13], [3, 0, 2], [2, 3, 4]];

function samples(random: Samples, attrs: readonly Sample["attrs"][]): Sample[] {
  const sample = (shape: number[], large = false, k = 0): Sample => ({
    inputs: { a: random.uniform(shape), b: random.uniform(shape) },
    attrs: attrs[k % attrs.length],
    large,
  });
  return [
    ...shapes.map((shape, k) => sample(shape, false, k)),
    sample([8192], true),
    sample([300, 1001], true, 1),
  ];
}

const bench = (random: Samples): Sample[] => [
  { inputs: { a: random.uniform([1 << 22]), b: random.uniform([1 << 22]) }, attrs: { weight: 0.001 } },
];

export const cases = defineCases(
  {
    op: "blend",
    run: ({ a, b }, { weight }) => {
      blendInto(a, b, weight as number);
      return [a, b];
    },
    samples: (random) => samples(random, [{ weight: 0.001 }, { weight: 0.25 }, { weight: 0 }, { weight: 1 }]),
    bench,
    differentiate: [],
    tolerance: { f32: 2e-7, f64: 1e-15 },
    errors: [
      {
        name: "tensors of two shapes",
        run: () => blendInto(zeros([2, 3]), zeros([3, 2]), 0.5),
        code: "SHAPE",
        says: /blendInto: tensors of shape \[2,3\] and \[3,2\], expected equal shapes/,
      },
      {
        name: "a weight above 1",
        run: () => blendInto(zeros([2]), zeros([2]), 1.5),
        code: "VALUE",
        says: /blendInto: weight is 1.5, expected a number from 0 to 1/,
      },
      {
        name: "a weight that is no number",
        run: () => blendInto(zeros([2]), zeros([2]), NaN),
        code: "VALUE",
        says: /weight is NaN/,
      },
      {
        name: "two number types",
        run: () => blendInto(zeros([2]), zeros([2], { dtype: "f64" }), 0.5),
        code: "DTYPE",
        says: /blend: source expected f32, got f64/,
      },
    ],
  },
  {
    op: "exchange",
    run: ({ a, b }) => {
      exchange(a, b);
      return [a, b];
    },
    samples: (random) => samples(random, [{}]),
    bench,
    differentiate: [],
    tolerance: { f32: 1e-7, f64: 1e-15 },
    errors: [
      {
        name: "integers",
        run: () => exchange(zeros([2], { dtype: "i32" }), zeros([2], { dtype: "i32" })),
        code: "DTYPE",
        says: /exchange: a expected f32 or f64, got i32/,
      },
      {
        name: "tensors of two shapes",
        run: () => exchange(zeros([2]), zeros([])),
        code: "SHAPE",
        says: /exchange: tensors of shape \[2\] and \[\]/,
      },
    ],
  },
);
