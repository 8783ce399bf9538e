import { tensor, zeros } from "../../src/tensor/tensor.js";
import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { softmax, softmaxCurvatureOp, softmaxOp, softmaxVjpOp } from "./op.js";

function samples(random: Samples): Sample[] {
  const x = (shape: number[], scale = 2): Sample => ({ inputs: { x: random.normal(shape, scale) } });
  return [
    x([0]),
    x([0, 5]),
    x([3, 0]),
    x([1]),
    x([4, 1]),
    x([7]),
    x([3, 5]),
    x([2, 3, 4]),
    x([2, 1, 3, 9], 10),
    x([5, 16]),
    x([4, 17]),
    x([2, 67], 30),
    { ...x([3, 4099]), large: true },
    { ...x([1531, 90]), large: true },
    { ...x([3001, 3]), large: true },
  ];
}

/** Rows [R,C] for the ops below the public function; y need not be a softmax. */
const rows =
  (names: readonly string[]) =>
  (random: Samples): Sample[] =>
    (
      [
        [0, 3, false],
        [2, 0, false],
        [1, 1, false],
        [5, 3, false],
        [3, 17, false],
        [2, 33, false],
        [40, 1003, true],
      ] as const
    ).map(([R, C, large]) => ({
      inputs: Object.fromEntries(names.map((name) => [name, random.normal([R, C])])),
      large,
    }));

export const cases = defineCases(
  {
    op: "softmax",
    run: ({ x }) => softmax(x),
    samples,
    differentiate: ["x"],
    tolerance: { f32: 2e-6, f64: 1e-14 },
    bench: (random) => [{ inputs: { x: random.normal([68_000, 90]) } }],
    errors: [
      { name: "a scalar", run: () => softmax(zeros([])), code: "SHAPE", says: /softmax: x is a scalar/ },
      {
        name: "integers",
        run: () => softmax(zeros([2], { dtype: "i32" })),
        code: "DTYPE",
        says: /softmax: x expected f32 or f64, got i32/,
      },
      {
        name: "rows of rows",
        run: () => softmaxOp.apply([zeros([2, 3, 4])]),
        code: "SHAPE",
        says: /softmax: x expected shape \[R,C\], got \[2,3,4\]/,
      },
    ],
  },
  {
    op: "softmaxVjp",
    run: ({ g, y }) => softmaxVjpOp.apply([g, y]),
    samples: rows(["g", "y"]),
    differentiate: ["g", "y"],
    tolerance: { f32: 3e-6, f64: 1e-14 },
    errors: [
      {
        name: "values of another shape",
        run: () => softmaxVjpOp.apply([zeros([2, 3]), zeros([2, 4])]),
        code: "SHAPE",
        says: /y \[R,C\] expected size 3/,
      },
      {
        name: "values of another type",
        run: () => softmaxVjpOp.apply([zeros([1, 1]), tensor(Float64Array.of(1), [1, 1])]),
        code: "DTYPE",
        says: /y expected f32, got f64/,
      },
    ],
  },
  {
    op: "softmaxCurvature",
    run: ({ u, g, y }) => softmaxCurvatureOp.apply([u, g, y]),
    samples: rows(["u", "g", "y"]),
    differentiate: ["u", "g", "y"],
    tolerance: { f32: 3e-6, f64: 1e-14 },
  },
);
