import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { tensor, zeros } from "../../src/tensor/tensor.js";
import { envCurvatureOp, envJvpOp, envMatrix, envMatrixOp, envVjpOp } from "./op.js";

const options = { rcut: 3, rcutSmth: 0.7, protection: 0 };

const sample = (random: Samples, E: number, reach: number, protection: number, large = false): Sample => ({
  inputs: {
    edge: random.uniform([E, 3], -reach, reach),
    w: random.uniform([E, 3]),
    g: random.uniform([E, 8]),
    centreType: random.integers([E], 0, 2),
    mean: { shape: [2, 4], data: Float64Array.of(0.1, 0, 0, 0, 0.12, 0, 0, 0) },
    stddev: random.uniform([2, 4], 0.5, 1),
  },
  attrs: { protection },
  large,
});

const samples = (random: Samples): Sample[] => [
  sample(random, 0, 1, 0),
  sample(random, 1, 1.2, 0),
  sample(random, 5, 0.3, 0),
  sample(random, 7, 1.7, 0),
  sample(random, 9, 3, 0),
  sample(random, 33, 2, 0.1),
  sample(random, 5003, 2, 0, true),
];

const bench = (random: Samples): Sample[] => [sample(random, 1_000_000, 2, 0)];

const attrsOf = (attrs: NonNullable<Sample["attrs"]>) => ({
  ...options,
  protection: attrs.protection as number,
});
const tolerance = { f32: 2e-5, f64: 1e-12 };

export const cases = defineCases(
  {
    op: "envMatrix",
    run: ({ edge, centreType, mean, stddev }, attrs) =>
      envMatrix(edge, centreType, mean, stddev, attrsOf(attrs)),
    samples,
    bench,
    differentiate: ["edge"],
    tolerance,
    errors: [
      {
        name: "a switch that begins beyond the cutoff",
        run: () =>
          envMatrix(zeros([1, 3]), tensor(Int32Array.of(0)), zeros([1, 4]), zeros([1, 4]), {
            ...options,
            rcutSmth: 4,
          }),
        code: "VALUE",
        says: /rcutSmth 4 must be below rcut 3/,
      },
      {
        name: "vectors of two numbers",
        run: () => envMatrix(zeros([1, 2]), tensor(Int32Array.of(0)), zeros([1, 4]), zeros([1, 4]), options),
        code: "SHAPE",
        says: /edge \[E,3\] expected size 3 at index 1, got shape \[1,2\]/,
      },
      {
        name: "too few types of centres",
        run: () => envMatrix(zeros([2, 3]), tensor(Int32Array.of(0)), zeros([1, 4]), zeros([1, 4]), options),
        code: "SHAPE",
        says: /centreType i32\[E\] expected size 2/,
      },
    ],
  },
  {
    op: "envMatrix, decomposed",
    run: ({ edge, centreType, mean, stddev }, attrs) =>
      envMatrixOp.spec.decompose!({ edge, centreType, mean, stddev }, attrsOf(attrs)),
    samples,
    bench,
    differentiate: ["edge"],
    tolerance,
  },
  {
    op: "envMatrixVjp",
    run: ({ g, edge, centreType, mean, stddev }, attrs) =>
      envVjpOp.apply([g, edge, centreType, mean, stddev], attrsOf(attrs)),
    samples,
    bench,
    differentiate: ["g", "edge"],
    tolerance,
  },
  {
    op: "envMatrixJvp",
    run: ({ w, edge, centreType, mean, stddev }, attrs) =>
      envJvpOp.apply([w, edge, centreType, mean, stddev], attrsOf(attrs)),
    samples,
    bench,
    differentiate: ["w", "edge"],
    tolerance,
  },
  {
    op: "envMatrixCurvature",
    run: ({ w, g, edge, centreType, mean, stddev }, attrs) =>
      envCurvatureOp.apply([w, g, edge, centreType, mean, stddev], attrsOf(attrs)),
    samples,
    bench,
    differentiate: ["w", "g"],
    order: 1,
    tolerance,
  },
);
