import { defineCases } from "../../src/testing/cases.js";
import { zeros } from "../../src/tensor/tensor.js";
import { mul } from "../elementwise/ops.generated.js";
import { cast } from "./op.js";

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
    op: "cast to i32 and bool",
    run: ({ x }) => [cast(x, "i32"), cast(cast(x, "bool"), "i32")],
    samples: (random) => [
      { inputs: { x: random.uniform([7], -9, 9) } },
      { inputs: { x: random.integers([5], -2, 2) } },
      { inputs: { x: random.uniform([40001], -9, 9) }, large: true },
    ],
    differentiate: [],
    order: 0,
    tolerance: { f32: 1e-7, f64: 1e-15 },
  },
);
