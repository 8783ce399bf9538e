import { grad } from "../../src/autograd/grad.js";
import { detach, requireGrad, withRecording } from "../../src/autograd/node.js";
import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { type Tensor, zeros } from "../../src/tensor/tensor.js";
import { add } from "../elementwise/ops.generated.js";
import { indexMap } from "../segment/op.js";
import { tripletAngularOp, tripletBasis, tripletProductOp, tripletRadialOp } from "./op.js";

function sample(random: Samples, E: number, T: number, L: number, R: number, large = false): Sample {
  return {
    inputs: {
      radial: random.uniform([E, L * R]),
      angular: random.uniform([T, L]),
      g: random.uniform([T, L * R]),
    },
    attrs: { index: Array.from(random.integers([T], 0, Math.max(1, E)).data), L },
    large,
  };
}
const samples = (random: Samples): Sample[] => [
  sample(random, 3, 0, 2, 3),
  sample(random, 1, 1, 1, 1),
  sample(random, 4, 9, 2, 3),
  sample(random, 3, 5, 7, 6),
  sample(random, 5, 3, 3, 17),
  sample(random, 6, 4, 1, 2),
  sample(random, 2, 8, 5, 1),
  sample(random, 41, 700, 7, 6, true),
];
const tablesOf = (attrs: NonNullable<Sample["attrs"]>, { radial }: Record<string, Tensor>): Tensor[] => {
  const map = indexMap(Int32Array.from(attrs.index as number[]), radial.shape[0], radial.device.name);
  return [map.index, map.order, map.ptr];
};
const tolerance = { f32: 3e-6, f64: 1e-14 };
const map = indexMap;
const wrong =
  (radial: number[], angular: number[], index: number[] = [0, 1]) =>
  () =>
    tripletBasis(zeros(radial), zeros(angular), map(Int32Array.from(index), 2));

export const cases = defineCases(
  {
    op: "tripletProduct",
    run: (inputs, attrs) =>
      tripletProductOp.apply([inputs.radial, inputs.angular, ...tablesOf(attrs, inputs)]),
    samples,
    differentiate: ["radial", "angular"],
    tolerance,
    errors: [
      { name: "a list of radial functions", run: wrong([12], [2, 2]), code: "SHAPE", says: /radial/ },
      { name: "other triplets", run: wrong([2, 6], [3, 2]), code: "SHAPE", says: /index i32\[N\] expected/ },
      { name: "no degrees", run: wrong([2, 6], [2, 0]), code: "VALUE", says: /there are no degrees/ },
      {
        name: "degrees that do not divide",
        run: wrong([2, 5], [2, 2]),
        code: "VALUE",
        says: /5 functions for 2 degrees/,
      },
      {
        name: "too many functions",
        run: wrong([2, 514], [2, 2]),
        code: "VALUE",
        says: /514 functions; at most 512/,
      },
      {
        name: "a triplet without an edge",
        run: wrong([2, 6], [2, 2], [0, -1]),
        code: "SHAPE",
        says: /order i32\[N\] expected/,
      },
    ],
    bench: (random) => [sample(random, 9000, 130000, 7, 6)],
  },
  {
    op: "tripletProduct with both gradients",
    run: (inputs, attrs) =>
      withRecording(true, () => {
        const { radial, angular, g } = inputs;
        const [a, b] = [radial, angular].map((t) => requireGrad(add(detach(t), 0)));
        const out = tripletProductOp.apply([a, b, ...tablesOf(attrs, inputs)]);
        return [out, ...grad(out, [a, b], { gradOutput: g, keepTape: false })];
      }),
    samples,
    differentiate: [],
    order: 0,
    tolerance,
  },
  {
    op: "tripletRadial",
    run: (inputs, attrs) => tripletRadialOp.apply([inputs.g, inputs.angular, ...tablesOf(attrs, inputs)]),
    samples,
    differentiate: ["g", "angular"],
    tolerance,
  },
  {
    op: "tripletAngular",
    run: (inputs, attrs) =>
      tripletAngularOp.apply([inputs.g, inputs.radial, ...tablesOf(attrs, inputs)], { L: attrs.L as number }),
    samples,
    differentiate: ["g", "radial"],
    tolerance,
  },
);
