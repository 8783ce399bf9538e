import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { zeros } from "../../src/tensor/tensor.js";
import { adamUpdate, sgdUpdate } from "./op.js";

const sizes = [0, 1, 7, 33, 64];

type Variants = readonly Sample["attrs"][];

const sample = (random: Samples, n: number, attrs: Sample["attrs"], large = false): Sample => ({
  inputs: {
    param: random.uniform([n]),
    grad: random.uniform([n]),
    m: random.uniform([n]),
    v: random.uniform([n], 0, 1),
  },
  attrs,
  large,
});

const inputs = (variants: Variants) => ({
  samples: (random: Samples): Sample[] => [
    ...variants.flatMap((attrs) => sizes.map((n) => sample(random, n, attrs))),
    sample(random, 20011, variants[0], true),
  ],
  bench: (random: Samples): Sample[] => [sample(random, 1 << 22, variants[0])],
});

export const cases = defineCases(
  {
    op: "adamUpdate",
    run: ({ param, grad, m, v }, { decoupled, step, gradScale }) => {
      adamUpdate(param, grad, m, v, {
        rate: 0.01,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        weightDecay: 0.1,
        decoupled: decoupled as boolean,
        step: step as number,
        gradScale: gradScale as number,
      });
      return [param, m, v];
    },
    ...inputs([
      { decoupled: false, step: 1, gradScale: 1 },
      { decoupled: true, step: 7, gradScale: 0.5 },
    ]),
    differentiate: [],
    order: 0,
    tolerance: { f32: 2e-6, f64: 1e-14 },
    errors: [
      {
        name: "a gradient of another shape",
        run: () => sgdUpdate(zeros([3]), zeros([4]), zeros([3]), { ...plain, first: true }),
        code: "SHAPE",
        says: /sgdUpdate: \[4\] beside a parameter of shape \[3\]/,
      },
    ],
  },
  {
    op: "sgdUpdate",
    run: ({ param, grad, m }, { nesterov, first, momentum }) => {
      sgdUpdate(param, grad, m, {
        ...plain,
        nesterov: nesterov as boolean,
        first: first as boolean,
        momentum: momentum as number,
      });
      return [param, m];
    },
    ...inputs([
      { nesterov: false, first: true, momentum: 0.9 },
      { nesterov: false, first: false, momentum: 0.9 },
      { nesterov: true, first: false, momentum: 0.9 },
      { nesterov: false, first: false, momentum: 0 },
    ]),
    differentiate: [],
    order: 0,
    tolerance: { f32: 2e-6, f64: 1e-14 },
  },
);

const plain = {
  rate: 0.1,
  momentum: 0.9,
  dampening: 0.1,
  nesterov: false,
  weightDecay: 0.01,
  gradScale: 1,
  first: false,
};
