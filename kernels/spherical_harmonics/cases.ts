import { defineCases, type OpCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { zeros } from "../../src/tensor/tensor.js";
import {
  type HarmonicsNormalization,
  harmonicsGradientOp,
  harmonicsPullOp,
  harmonicsPushOp,
  solidHarmonics,
  sphericalHarmonicsOp,
  unitHarmonics,
  unitHarmonicsGradientOp,
  unitVectors,
} from "./op.js";

function sample(
  random: Samples,
  E: number,
  lmax: number,
  normalization: HarmonicsNormalization = "component",
  large = false,
): Sample {
  const S = (lmax + 1) ** 2;
  return {
    inputs: {
      x: random.uniform([E, 3]),
      w: random.uniform([E, 3]),
      g: random.uniform([E, S]),
      y: random.uniform([E, S]),
    },
    attrs: { lmax, normalization, S },
    large,
  };
}

const samples = (random: Samples): Sample[] => [
  sample(random, 0, 2),
  sample(random, 1, 0),
  sample(random, 1, 3),
  sample(random, 5, 1, "norm"),
  sample(random, 3, 5, "integral"),
  sample(random, 2, 7, "norm"),
  sample(random, 33, 4, "norm", true),
  sample(random, 17, 11, "integral", true),
  sample(random, 130, 12, "component", true),
];
/** Enough rows for several threads. */
const shared = (random: Samples): Sample[] => [
  ...samples(random),
  sample(random, 13001, 3, "component", true),
];

const tolerance = { f32: 3e-6, f64: 1e-14 };
const derivatives: OpCases[] = [
  { op: harmonicsGradientOp, first: "g", second: "y" },
  { op: harmonicsPushOp, first: "w", second: "y" },
  { op: harmonicsPullOp, first: "w", second: "g" },
].map(({ op, first, second }) => ({
  op: op.name,
  run: (inputs, { lmax, normalization }) =>
    op.apply([inputs[first], inputs[second]], {
      lmax: lmax as number,
      normalization: normalization as string,
    }),
  samples: op === harmonicsGradientOp ? shared : samples,
  differentiate: [first, second],
  tolerance,
}));

export const cases = defineCases(
  {
    op: "sphericalHarmonics",
    run: ({ x }, { lmax, normalization }) =>
      solidHarmonics(x, lmax as number, normalization as HarmonicsNormalization),
    samples: shared,
    differentiate: ["x"],
    tolerance,
    errors: [
      {
        name: "vectors of four numbers",
        run: () => solidHarmonics(zeros([2, 4]), 1),
        code: "SHAPE",
        says: /expected vectors \[...,3\], got \[2,4\]/,
      },
      { name: "a scalar", run: () => solidHarmonics(zeros([]), 1), code: "SHAPE", says: /got \[\]/ },
      {
        name: "degree 13",
        run: () => solidHarmonics(zeros([2, 3]), 13),
        code: "VALUE",
        says: /degrees up to 12 are supported/,
      },
      {
        name: "rows of another degree",
        run: () =>
          harmonicsGradientOp.apply([zeros([2, 9]), zeros([2, 9])], { lmax: 3, normalization: "norm" }),
        code: "VALUE",
        says: /rows have 9 numbers, degrees up to 3 have 16/,
      },
      {
        name: "an unknown normalisation",
        run: () => sphericalHarmonicsOp.apply([zeros([2, 3])], { S: 4, lmax: 1, normalization: "unit" }),
        code: "VALUE",
        says: /normalization is unit, allowed: component, norm, integral/,
      },
    ],
    bench: (random) => [sample(random, 100000, 3)],
  },
  {
    op: "sphericalHarmonics of unit vectors",
    run: ({ x }, { lmax, normalization }) =>
      solidHarmonics(unitVectors(x), lmax as number, normalization as HarmonicsNormalization),
    samples,
    differentiate: ["x"],
    // Degree 12 multiplies the rounding of the unit vector, and lengths below 0.1 that of the derivative.
    tolerance: { f32: 2e-5, f64: 1e-13 },
  },
  {
    op: "unitHarmonics",
    run: ({ x }, { lmax, normalization }) =>
      unitHarmonics(x, lmax as number, normalization as HarmonicsNormalization),
    samples: shared,
    differentiate: ["x"],
    tolerance: { f32: 2e-5, f64: 1e-13 },
    errors: [
      {
        name: "directions of two numbers",
        run: () => unitHarmonics(zeros([4, 2]), 1),
        code: "SHAPE",
        says: /unitHarmonics: expected vectors \[...,3\], got \[4,2\]/,
      },
    ],
    bench: (random) => [sample(random, 100000, 3)],
  },
  {
    op: "unitHarmonicsGradient",
    run: ({ g, x }, { lmax, normalization }) =>
      unitHarmonicsGradientOp.apply([g, x], {
        lmax: lmax as number,
        normalization: normalization as string,
      }),
    samples: shared,
    differentiate: ["g", "x"],
    tolerance: { f32: 2e-5, f64: 1e-13 },
  },
  ...derivatives,
);
