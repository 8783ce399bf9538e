import { zeros } from "../../src/tensor/tensor.js";
import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { doubleRows, foldRows } from "./op.js";

/** Rows and their width: none, one, whole vectors and parts of them. */
const sizes = [
  [0, 3],
  [3, 0],
  [1, 1],
  [2, 5],
  [4, 8],
  [3, 16],
  [7, 17],
  [5, 25],
  [2, 50],
  [3, 33],
] as const;
const large = [
  [900, 25],
  [1001, 50],
] as const;

/** x of `times` W columns, and an addend of `result` W (0: none). */
function samples(random: Samples, times: number, result: number): Sample[] {
  const sample = ([rows, width]: readonly [number, number], isLarge: boolean): Sample => ({
    inputs: {
      x: random.uniform([rows, times * width]),
      ...(result > 0 && { addend: random.uniform([rows, result * width]) }),
    },
    large: isLarge,
  });
  return [...sizes.map((size) => sample(size, false)), ...large.map((size) => sample(size, true))];
}

export const cases = defineCases(
  {
    op: "doubleRows, alone",
    run: ({ x }) => doubleRows(x),
    samples: (random) => samples(random, 1, 0),
    differentiate: ["x"],
    tolerance: { f32: 1e-6, f64: 1e-15 },
    errors: [],
  },
  {
    op: "foldRows, alone",
    run: ({ x }) => foldRows(x),
    samples: (random) => samples(random, 2, 0),
    differentiate: ["x"],
    tolerance: { f32: 1e-6, f64: 1e-15 },
    errors: [],
  },
  {
    op: "doubleRows",
    run: ({ x, addend }) => doubleRows(x, addend),
    samples: (random) => samples(random, 1, 2),
    differentiate: ["x", "addend"],
    tolerance: { f32: 1e-6, f64: 1e-15 },
    errors: [
      {
        name: "no rows",
        run: () => doubleRows(zeros([4])),
        code: "SHAPE",
        says: /doubleRows: expected rows \[R,W\], got \[4\]/,
      },
      {
        name: "an addend of the input's width",
        run: () => doubleRows(zeros([2, 3]), zeros([2, 3])),
        code: "SHAPE",
        says: /doubleRows: the addend is \[2,3\], the result \[2,6\]/,
      },
      {
        name: "an addend of another type",
        run: () => doubleRows(zeros([2, 3]), zeros([2, 6], { dtype: "f64" })),
        code: "DTYPE",
        says: /doubleRows: addend expected f32, got f64/,
      },
    ],
    bench: (random) => [
      { inputs: { x: random.uniform([170_000, 50]), addend: random.uniform([170_000, 100]) } },
    ],
  },
  {
    op: "foldRows",
    run: ({ x, addend }) => foldRows(x, addend),
    samples: (random) => samples(random, 2, 1),
    differentiate: ["x", "addend"],
    tolerance: { f32: 1e-6, f64: 1e-15 },
    errors: [
      {
        name: "an odd width",
        run: () => foldRows(zeros([2, 3])),
        code: "SHAPE",
        says: /foldRows: rows of 3 have no halves/,
      },
      {
        name: "an addend of the input's width",
        run: () => foldRows(zeros([2, 6]), zeros([2, 6])),
        code: "SHAPE",
        says: /foldRows: the addend is \[2,6\], the result \[2,3\]/,
      },
    ],
    bench: (random) => [
      { inputs: { x: random.uniform([170_000, 100]), addend: random.uniform([170_000, 50]) } },
    ],
  },
);
