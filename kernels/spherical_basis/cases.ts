import { besselNorms, besselZeros } from "../../src/nn/bessel-zeros.js";
import { grad } from "../../src/autograd/grad.js";
import { detach, requireGrad, withRecording } from "../../src/autograd/node.js";
import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { add } from "../elementwise/ops.generated.js";
import type { BesselTable } from "../radial_basis/op.js";
import { indexMap } from "../segment/op.js";
import { sphericalBasis } from "./op.js";

interface Size {
  readonly E: number;
  readonly T: number;
  readonly degrees?: number;
  readonly radials?: number;
  readonly envelope?: number;
}

function sample(random: Samples, size: Size, large = false, from = 0.15): Sample {
  const { E, T, degrees = 7, radials = 6, envelope = 6 } = size;
  const x = random.uniform([E]);
  return {
    inputs: {
      // up to 1.05: the last rows lie behind the cutoff
      x: { ...x, data: Float64Array.from(x.data, (v) => from + ((1.05 - from) * (v + 1)) / 2) },
      u: random.uniform([T]),
      g: random.uniform([T, degrees * radials]),
    },
    attrs: { index: Array.from(random.integers([T], 0, Math.max(1, E)).data), degrees, radials, envelope },
    large,
  };
}
const samples = (random: Samples): Sample[] => [
  sample(random, { E: 0, T: 0 }),
  sample(random, { E: 3, T: 0 }),
  sample(random, { E: 1, T: 1, degrees: 1, radials: 1, envelope: 0 }),
  sample(random, { E: 4, T: 9, degrees: 2, radials: 3, envelope: 4 }),
  sample(random, { E: 3, T: 5 }),
  sample(random, { E: 5, T: 3, degrees: 3, radials: 17 }),
  sample(random, { E: 2, T: 17, degrees: 12, radials: 2, envelope: 0 }),
  sample(random, { E: 6, T: 4, degrees: 1, radials: 16 }),
  sample(random, { E: 2, T: 8, degrees: 5, radials: 1, envelope: 2 }),
  sample(random, { E: 41, T: 700 }, true),
  sample(random, { E: 300, T: 1003, degrees: 4, radials: 9 }, true),
  // nearly coincident atoms: power series, and the recurrence down from them
  sample(random, { E: 67, T: 100, degrees: 12, radials: 4, envelope: 0 }, true, 0),
];

type Given = NonNullable<Sample["attrs"]>;
function run({ x, u }: Record<string, Tensor>, attrs: Given): Tensor {
  const [degrees, radials, envelope] = ["degrees", "radials", "envelope"].map((key) => attrs[key] as number);
  const z = besselZeros(degrees, radials);
  const options = { dtype: x.dtype, device: x.device.name };
  const [zeros, norms] = [z, besselNorms(z, degrees)].map((v) => tensor(v, [v.length], options));
  const map = indexMap(Int32Array.from(attrs.index as number[]), x.size, x.device.name);
  return sphericalBasis(x, u, map, { degrees, radials, zeros, norms }, envelope);
}

const table =
  (degrees: number, radials: number, size = degrees * radials) =>
  (): BesselTable => ({ degrees, radials, zeros: zeros([size]), norms: zeros([size]) });
const wrong =
  (x: number[], u: number[], bessel: () => BesselTable, index: number[] = [0, 1]) =>
  () =>
    sphericalBasis(zeros(x), zeros(u), indexMap(Int32Array.from(index), 2), bessel(), 6);
const tolerance = { f32: 2e-5, f64: 2e-13 };

export const cases = defineCases(
  {
    op: "sphericalBasis",
    run,
    samples,
    differentiate: ["x", "u"],
    tolerance,
    errors: [
      {
        name: "a matrix of distances",
        run: wrong([2, 1], [2], table(2, 3)),
        code: "SHAPE",
        says: /expected distances \[E\], got \[2,1\]/,
      },
      {
        name: "a matrix of cosines",
        run: wrong([2], [1, 2], table(2, 3)),
        code: "SHAPE",
        says: /expected cosines \[T\], got \[1,2\]/,
      },
      {
        name: "other triplets",
        run: wrong([2], [3], table(2, 3)),
        code: "SHAPE",
        says: /index i32\[N\] expected/,
      },
      {
        name: "zeros of another table",
        run: wrong([2], [2], table(2, 3, 5)),
        code: "VALUE",
        says: /2 x 3 functions with 5 zeros/,
      },
      { name: "13 degrees", run: wrong([2], [2], table(13, 1)), code: "VALUE", says: /at most 12 degrees/ },
      { name: "no degrees", run: wrong([2], [2], table(0, 3)), code: "VALUE", says: /there are no degrees/ },
      {
        name: "a triplet without an edge",
        run: wrong([2], [2], table(2, 3), [0, -1]),
        code: "SHAPE",
        says: /order i32\[N\] expected/,
      },
    ],
    bench: (random) => [sample(random, { E: 9000, T: 130000 })],
  },
  {
    op: "sphericalBasis with both gradients",
    run: (inputs, attrs) =>
      withRecording(true, () => {
        const [x, u] = [inputs.x, inputs.u].map((t) => requireGrad(add(detach(t), 0)));
        const out = run({ x, u }, attrs);
        // The only function of degree 0 is constant in u: where parts do the work, nothing depends on it.
        const options = { gradOutput: inputs.g, keepTape: false, allowUnused: true } as const;
        const gradients = grad(out, [x, u], options);
        const none = (t: Tensor): Tensor => zeros(t.shape, { dtype: t.dtype, device: t.device.name });
        return [out, gradients[0] ?? none(x), gradients[1] ?? none(u)];
      }),
    samples,
    differentiate: [],
    order: 0,
    tolerance,
  },
);
