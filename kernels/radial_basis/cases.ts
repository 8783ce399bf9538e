import { besselNorms, besselZeros } from "../../src/nn/bessel-zeros.js";
import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import {
  type BesselTable,
  legendre,
  legendreDotOp,
  legendreOp,
  sphericalBessel,
  sphericalBesselDotOp,
  sphericalBesselOp,
} from "./op.js";

interface Kind {
  readonly degrees: number;
  readonly radials: number;
  readonly envelope: number;
}
const pyg: Kind = { degrees: 7, radials: 6, envelope: 6 };

function sample(random: Samples, E: number, kind: Kind, order = 0, large = false): Sample {
  const { degrees, radials, envelope } = kind;
  const x = random.uniform([E]);
  return {
    // from 0.15 to 1.05: the last rows lie behind the cutoff
    inputs: {
      x: { ...x, data: Float64Array.from(x.data, (v) => 0.6 + 0.45 * v) },
      t: random.uniform([E]),
      g: random.uniform([E, degrees * radials]),
      h: random.uniform([E, degrees]),
    },
    attrs: { degrees, radials, envelope, order },
    large,
  };
}
const samples = (random: Samples): Sample[] => [
  sample(random, 0, pyg),
  sample(random, 1, { degrees: 1, radials: 1, envelope: 6 }),
  sample(random, 5, pyg),
  sample(random, 3, { degrees: 12, radials: 2, envelope: 0 }),
  sample(random, 9, { degrees: 3, radials: 5, envelope: 4 }),
  sample(random, 2, pyg, 1),
  sample(random, 33, pyg, 2, true),
  sample(random, 700, pyg, 0, true),
];

const constants = (like: Tensor, attrs: NonNullable<Sample["attrs"]>): Tensor[] => {
  const [degrees, radials] = [attrs.degrees as number, attrs.radials as number];
  const z = besselZeros(degrees, radials);
  const options = { dtype: like.dtype, device: like.device.name };
  return [z, besselNorms(z, degrees)].map((values) => tensor(values, [values.length], options));
};
const radialAttrs = ({ degrees, radials, envelope, order }: NonNullable<Sample["attrs"]>) =>
  ({ degrees, radials, envelope, order }) as Record<string, number>;
const tolerance = { f32: 2e-5, f64: 2e-13 };
const table = (degrees: number, radials: number, size = degrees * radials): BesselTable => ({
  ...{ degrees, radials, zeros: zeros([size]), norms: zeros([size]) },
});

export const cases = defineCases(
  {
    op: "sphericalBessel",
    run: ({ x }, attrs) => sphericalBesselOp.apply([x, ...constants(x, attrs)], radialAttrs(attrs)),
    samples,
    differentiate: ["x"],
    tolerance,
    errors: [
      {
        name: "a matrix of distances",
        run: () => sphericalBessel(zeros([2, 2]), table(1, 1), 6),
        code: "SHAPE",
        says: /expected a list of numbers \[E\], got \[2,2\]/,
      },
      {
        name: "zeros of another table",
        run: () => sphericalBessel(zeros([2]), table(2, 3, 5), 6),
        code: "VALUE",
        says: /2 x 3 functions with 5 zeros/,
      },
      {
        name: "13 degrees",
        run: () => sphericalBessel(zeros([2]), table(13, 1), 6),
        code: "VALUE",
        says: /at most 12 degrees/,
      },
      {
        name: "the seventh derivative",
        run: () =>
          sphericalBesselOp.apply([zeros([2]), zeros([1]), zeros([1])], {
            degrees: 1,
            radials: 1,
            envelope: 0,
            order: 7,
          }),
        code: "VALUE",
        says: /derivative 7; up to 6/,
      },
      {
        name: "13 degrees of angles",
        run: () => legendre(zeros([2]), 13),
        code: "VALUE",
        says: /13 degrees; at most 12/,
      },
    ],
    bench: (random) => [sample(random, 9000, pyg)],
  },
  {
    op: "sphericalBesselDot",
    run: ({ g, x }, attrs) => sphericalBesselDotOp.apply([g, x, ...constants(x, attrs)], radialAttrs(attrs)),
    samples,
    differentiate: ["g", "x"],
    tolerance,
  },
  {
    op: "legendre",
    run: ({ t }, { degrees, order }) =>
      legendreOp.apply([t], { L: degrees as number, order: order as number }),
    samples,
    differentiate: ["t"],
    tolerance,
  },
  {
    op: "legendreDot",
    run: ({ h, t }, { order }) => legendreDotOp.apply([h, t], { order: order as number }),
    samples,
    differentiate: ["h", "t"],
    tolerance,
  },
);
