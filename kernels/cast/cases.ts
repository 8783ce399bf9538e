import { defineCases } from "../../src/testing/cases.js";
import { zeros } from "../../src/tensor/tensor.js";
import { mul } from "../elementwise/ops.generated.js";
import { cast } from "./op.js";

const sizes = [0, 1, 7, 16, 33];

export const cases = defineCases(
  {
    op: "cast between floats",
    run: ({ x }) => mul(cast(cast(x, x.dtype === "f32" ? "f64" : "f32"), x.dtype), x),
    samples: (random) => [
      { inputs: { x: random.uniform([1]) } },
      { inputs: { x: random.uniform([0]) } },
      { inputs: { x: random.uniform([3, 5]) } },
      { inputs: { x: random.uniform([40001]) }, large: true },
    ],
    bench: (random) => [{ inputs: { x: random.uniform([1 << 22]) } }],
    differentiate: ["x"],
    // A float64 that went through float32 keeps its 24 bits only, so differences of it are not differentiated numerically.
    order: 0,
    tolerance: { f32: 1e-6, f64: 1e-6 },
    errors: [
      {
        name: "bytes",
        run: () => cast(zeros([2]), "u8"),
        code: "DTYPE",
        says: /cast: from f32 to u8 is not possible/,
      },
    ],
  },
  {
    op: "cast to i32 and back",
    run: ({ x }) => [cast(x, "i32"), cast(cast(x, "i32"), "f32")],
    samples: (random) => [
      ...sizes.map((n) => ({ inputs: { x: random.uniform([n], -9, 9) } })),
      { inputs: { x: random.integers([3, 5], -20, 20) } },
      { inputs: { x: random.uniform([2, 0, 3], -9, 9) } },
      { inputs: { x: random.uniform([40001], -9, 9) }, large: true },
    ],
    differentiate: [],
    tolerance: { f32: 1e-7, f64: 1e-15 },
    errors: [
      {
        name: "numbers to bytes",
        run: () => cast(zeros([2], { dtype: "i32" }), "u8"),
        code: "DTYPE",
        says: /cast: from i32 to u8/,
      },
      {
        name: "bytes to bool",
        run: () => cast(zeros([2], { dtype: "u8" }), "bool"),
        code: "DTYPE",
        says: /cast: from u8 to bool/,
      },
      {
        name: "bool to bytes",
        run: () => cast(zeros([2], { dtype: "bool" }), "u8"),
        code: "DTYPE",
        says: /cast: from bool to u8/,
      },
      {
        name: "a tensor that was freed",
        run: () => {
          const x = zeros([2]);
          x.dispose();
          return cast(x, "f64");
        },
        code: "DISPOSED",
        says: /was freed/,
      },
    ],
  },
  {
    op: "cast to bool and back",
    run: ({ x }) => [cast(x, "bool"), cast(cast(x, "bool"), "i32"), cast(cast(x, "bool"), "f32")],
    samples: (random) => [
      ...sizes.map((n) => ({ inputs: { x: random.uniform([n], -9, 9) } })),
      { inputs: { x: random.integers([5], -2, 2) } },
      { inputs: { x: random.integers([4, 3], 0, 2) } },
      { inputs: { x: random.uniform([40001], -9, 9) }, large: true },
    ],
    differentiate: [],
    tolerance: { f32: 1e-7, f64: 1e-15 },
  },
);
