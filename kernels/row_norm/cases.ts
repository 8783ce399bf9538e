import { defineCases, type OpCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { zeros } from "../../src/tensor/tensor.js";
import {
  layerNorm,
  layerNormVjpOp,
  layerRowsCurvatureOp,
  layerRowsOp,
  layerRowsVjpOp,
  normalizeRows,
  unitRowsCurvatureOp,
  unitRowsOp,
  unitRowsVjpOp,
} from "./op.js";

const sample = (random: Samples, E: number, M: number, large = false): Sample => ({
  inputs: {
    x: random.uniform([E, M], -2, 2),
    g: random.uniform([E, M]),
    u: random.uniform([E, M]),
    weight: random.uniform([M], 0.5, 1.5),
    bias: random.uniform([M]),
  },
  large,
});

const samples = (random: Samples): Sample[] => [
  sample(random, 0, 4),
  sample(random, 1, 4),
  sample(random, 5, 5),
  sample(random, 3, 17),
  sample(random, 4, 33),
  sample(random, 701, 100, true),
];

const bench = (random: Samples): Sample[] => [sample(random, 40_000, 100)];

const tolerance = { f32: 2e-5, f64: 1e-13 };
const eps = 1e-5;
const short = { eps: 1e-12 };

const derivatives = (
  name: string,
  ops: readonly [typeof layerRowsOp, typeof layerRowsOp, typeof layerRowsOp],
): OpCases[] => {
  const [value, vjp, curvature] = ops;
  const attrs = value === layerRowsOp ? { eps } : short;
  return [
    {
      op: `${name}, decomposed`,
      run: ({ x }) => value.spec.decompose!({ x }, attrs),
      samples,
      bench,
      differentiate: ["x"],
      tolerance,
    },
    {
      op: `${name}Vjp`,
      run: ({ g, x }) => vjp.apply([g, x], attrs),
      samples,
      bench,
      differentiate: ["g", "x"],
      tolerance,
    },
    {
      op: `${name}Curvature`,
      run: ({ u, g, x }) => curvature.apply([u, g, x], attrs),
      samples,
      bench,
      differentiate: ["u", "g"],
      order: 1,
      tolerance,
    },
  ];
};

export const cases = defineCases(
  {
    op: "layerNorm",
    run: ({ x, weight, bias }) => layerNorm(x, weight, bias, eps),
    samples,
    bench,
    differentiate: ["x", "weight", "bias"],
    tolerance,
    errors: [
      {
        name: "weights of another width",
        run: () => layerNorm(zeros([2, 3]), zeros([4]), zeros([3])),
        code: "SHAPE",
        says: /layerNorm: weight \[M\] expected size 3/,
      },
      {
        name: "a vector",
        run: () => layerNorm(zeros([3]), zeros([3]), zeros([3])),
        code: "SHAPE",
        says: /layerNorm: x expected shape \[E,M\]/,
      },
    ],
  },
  {
    op: "layerNormVjp",
    run: ({ g, x, weight }) => layerNormVjpOp.apply([g, x, weight], { eps }),
    samples,
    bench,
    differentiate: ["g", "x", "weight"],
    order: 1,
    tolerance,
  },
  {
    op: "layerRows",
    run: ({ x }) => layerRowsOp.apply([x], { eps }),
    samples,
    bench,
    differentiate: ["x"],
    tolerance,
  },
  {
    op: "normalizeRows",
    run: ({ x }) => normalizeRows(x),
    samples,
    bench,
    differentiate: ["x"],
    tolerance,
    errors: [
      {
        name: "a vector",
        run: () => normalizeRows(zeros([3])),
        code: "SHAPE",
        says: /unitRows: x expected shape/,
      },
    ],
  },
  ...derivatives("layerRows", [layerRowsOp, layerRowsVjpOp, layerRowsCurvatureOp]),
  ...derivatives("unitRows", [unitRowsOp, unitRowsVjpOp, unitRowsCurvatureOp]),
);
