import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { zeros } from "../../src/tensor/tensor.js";
import { expandTo, max, mean, sum, sumSquares } from "./op.js";

const options = (attrs: NonNullable<Sample["attrs"]>) => ({
  axis: attrs.axis as number | readonly number[] | undefined,
  keepDims: attrs.keepDims as boolean | undefined,
});

function samples(random: Samples): Sample[] {
  const x = (shape: number[]) => ({ x: random.uniform(shape) });
  return [
    { inputs: x([1]) },
    { inputs: x([]) },
    { inputs: x([7]) },
    { inputs: x([3, 5]) },
    { inputs: x([3, 5]), attrs: { axis: 0 } },
    { inputs: x([3, 5]), attrs: { axis: 1, keepDims: true } },
    { inputs: x([2, 3, 4]), attrs: { axis: [0, 2] } },
    { inputs: x([2, 3, 4]), attrs: { axis: 1 } },
    { inputs: x([2, 3, 4]), attrs: { axis: [-1, -2], keepDims: true } },
    { inputs: x([5, 67]), attrs: { axis: 0 } },
    { inputs: x([5003]), large: true },
    { inputs: x([5003, 3]), attrs: { axis: 0 }, large: true },
    { inputs: x([40, 4099]), attrs: { axis: 1 }, large: true },
    { inputs: x([9000, 33]), attrs: { axis: 1 }, large: true },
  ];
}

const bench = (random: Samples): Sample[] => [
  { inputs: { x: random.uniform([40_000, 100]) }, attrs: { axis: 1 } },
];

const empty = (random: Samples): Sample[] => [
  { inputs: { x: random.uniform([0]) } },
  { inputs: { x: random.uniform([0, 3]) }, attrs: { axis: 0 } },
  { inputs: { x: random.uniform([3, 0]) }, attrs: { axis: 0 } },
];

export const cases = defineCases(
  {
    op: "sum",
    run: ({ x }, attrs) => sum(x, options(attrs)),
    samples: (random) => [...samples(random), ...empty(random)],
    bench,
    differentiate: ["x"],
    tolerance: { f32: 2e-6, f64: 1e-14 },
    errors: [
      {
        name: "an axis outside",
        run: () => sum(zeros([2, 3]), { axis: 2 }),
        code: "VALUE",
        says: /sum: axis 2 is outside a tensor of rank 2/,
      },
      {
        name: "a fractional axis",
        run: () => sum(zeros([2, 3]), { axis: 0.5 }),
        code: "VALUE",
        says: /axis 0.5/,
      },
      {
        name: "integers",
        run: () => sum(zeros([2], { dtype: "i32" })),
        code: "DTYPE",
        says: /sum: x expected f32 or f64, got i32/,
      },
    ],
  },
  {
    op: "sumSquares",
    run: ({ x }) => sumSquares(x),
    samples: (random) => [
      ...[[1], [7], [3, 5], [0], [2048]].map((shape) => ({ inputs: { x: random.uniform(shape) } })),
      ...[[5003], [40, 4099]].map((shape) => ({ inputs: { x: random.uniform(shape) }, large: true })),
    ],
    bench: (random) => [{ inputs: { x: random.uniform([4_000_000]) } }],
    differentiate: ["x"],
    tolerance: { f32: 2e-6, f64: 1e-14 },
    errors: [
      {
        name: "integers",
        run: () => sumSquares(zeros([2], { dtype: "i32" })),
        code: "DTYPE",
        says: /sumSquares: x expected f32 or f64, got i32/,
      },
    ],
  },
  {
    op: "mean",
    run: ({ x }, attrs) => mean(x, options(attrs)),
    samples,
    bench,
    differentiate: ["x"],
    tolerance: { f32: 2e-6, f64: 1e-14 },
    errors: [{ name: "no elements", run: () => mean(zeros([0])), code: "VALUE", says: /mean: no elements/ }],
  },
  {
    op: "max",
    run: ({ x }, attrs) => max(x, options(attrs)),
    samples,
    bench,
    differentiate: ["x"],
    tolerance: { f32: 1e-7, f64: 1e-15 },
    errors: [
      {
        name: "no elements",
        run: () => max(zeros([2, 0]), { axis: 1 }),
        code: "VALUE",
        says: /largest of no elements/,
      },
    ],
  },
  {
    op: "expand",
    run: ({ x }, attrs) => expandTo(x, attrs.shape as readonly number[]),
    samples: (random) => [
      { inputs: { x: random.uniform([]) }, attrs: { shape: [3] } },
      { inputs: { x: random.uniform([1]) }, attrs: { shape: [4, 1] } },
      { inputs: { x: random.uniform([3, 1]) }, attrs: { shape: [2, 3, 5] } },
      { inputs: { x: random.uniform([1, 7]) }, attrs: { shape: [0, 7] } },
      { inputs: { x: random.uniform([50, 1, 3]) }, attrs: { shape: [50, 777, 3] }, large: true },
    ],
    bench: (random) => [{ inputs: { x: random.uniform([40_000, 1]) }, attrs: { shape: [40_000, 100] } }],
    differentiate: ["x"],
    tolerance: { f32: 1e-7, f64: 1e-15 },
    errors: [
      {
        name: "sizes that do not fit",
        run: () => expandTo(zeros([2]), [3]),
        code: "SHAPE",
        says: /expandTo: \[2\] cannot become \[3\]/,
      },
    ],
  },
);
