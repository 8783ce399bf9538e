import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { zeros } from "../../src/tensor/tensor.js";
import { concat, pad, slice, transpose } from "./op.js";

const exact = { f32: 1e-7, f64: 1e-15 };

export const cases = defineCases(
  {
    op: "slice",
    run: ({ x }, { axis, from, to }) => slice(x, axis as number, from as number, to as number),
    samples: (random: Samples): Sample[] => [
      { inputs: { x: random.uniform([5]) }, attrs: { axis: 0, from: 1, to: 4 } },
      { inputs: { x: random.uniform([3, 7]) }, attrs: { axis: 1, from: 0, to: 7 } },
      { inputs: { x: random.uniform([3, 7]) }, attrs: { axis: -1, from: -2, to: -1 } },
      { inputs: { x: random.uniform([2, 3, 4]) }, attrs: { axis: 1, from: 1, to: 1 } },
      { inputs: { x: random.uniform([0, 4]) }, attrs: { axis: 1, from: 1, to: 3 } },
      { inputs: { x: random.uniform([4001, 13]) }, attrs: { axis: 1, from: 2, to: 9 }, large: true },
    ],
    bench: (random) => [
      { inputs: { x: random.uniform([40_000, 100]) }, attrs: { axis: 1, from: 10, to: 90 } },
    ],
    differentiate: ["x"],
    tolerance: exact,
    errors: [
      {
        name: "a range outside",
        run: () => slice(zeros([3]), 0, 1, 5),
        code: "VALUE",
        says: /slice: 1:5 is outside axis 0 of \[3\]/,
      },
      {
        name: "an axis outside",
        run: () => slice(zeros([3]), 1, 0, 1),
        code: "VALUE",
        says: /axis 1 is outside/,
      },
    ],
  },
  {
    op: "pad",
    run: ({ x }, { axis, before, after }) => pad(x, axis as number, before as number, after as number),
    samples: (random) => [
      { inputs: { x: random.uniform([5]) }, attrs: { axis: 0, before: 1, after: 2 } },
      { inputs: { x: random.uniform([0]) }, attrs: { axis: 0, before: 1, after: 0 } },
      { inputs: { x: random.uniform([2, 3, 4]) }, attrs: { axis: 1, before: 0, after: 3 } },
      { inputs: { x: random.uniform([701, 29]) }, attrs: { axis: 1, before: 3, after: 3 }, large: true },
    ],
    bench: (random) => [
      { inputs: { x: random.uniform([40_000, 100]) }, attrs: { axis: 1, before: 3, after: 3 } },
    ],
    differentiate: ["x"],
    tolerance: exact,
    errors: [
      {
        name: "a negative width",
        run: () => pad(zeros([3]), 0, -1, 0),
        code: "VALUE",
        says: /pad: -1 before/,
      },
    ],
  },
  {
    op: "concat",
    run: ({ a, b, c }, { axis }) => concat([a, b, c], axis as number),
    samples: (random) => [
      {
        inputs: { a: random.uniform([1]), b: random.uniform([2]), c: random.uniform([0]) },
        attrs: { axis: 0 },
      },
      {
        inputs: { a: random.uniform([3, 1]), b: random.uniform([3, 5]), c: random.uniform([3, 2]) },
        attrs: { axis: 1 },
      },
      {
        inputs: { a: random.uniform([2, 1, 3]), b: random.uniform([2, 4, 3]), c: random.uniform([2, 2, 3]) },
        attrs: { axis: -2 },
      },
      {
        inputs: { a: random.uniform([3001, 1]), b: random.uniform([3001, 8]), c: random.uniform([3001, 8]) },
        attrs: { axis: 1 },
        large: true,
      },
    ],
    bench: (random) => [
      {
        inputs: {
          a: random.uniform([40_000, 20]),
          b: random.uniform([40_000, 40]),
          c: random.uniform([40_000, 40]),
        },
        attrs: { axis: 1 },
      },
    ],
    differentiate: ["a", "b", "c"],
    tolerance: exact,
    errors: [
      {
        name: "sizes that do not fit",
        run: () => concat([zeros([2, 3]), zeros([3, 3])], 1),
        code: "SHAPE",
        says: /concat: \[3,3\] does not fit \[2,3\] along axis 1/,
      },
      { name: "nothing", run: () => concat([], 0), code: "VALUE", says: /list of tensors is empty/ },
    ],
  },
  {
    op: "transpose",
    run: ({ x }, { order }) => transpose(x, order as readonly number[]),
    samples: (random) => [
      { inputs: { x: random.uniform([5]) }, attrs: { order: [0] } },
      { inputs: { x: random.uniform([3, 7]) }, attrs: { order: [1, 0] } },
      { inputs: { x: random.uniform([2, 3, 4]) }, attrs: { order: [2, 0, 1] } },
      { inputs: { x: random.uniform([2, 3, 4]) }, attrs: { order: [0, 2, 1] } },
      { inputs: { x: random.uniform([2, 3, 4, 5]) }, attrs: { order: [3, 1, 0, 2] } },
      { inputs: { x: random.uniform([0, 3]) }, attrs: { order: [1, 0] } },
      { inputs: { x: random.uniform([200, 300, 0]) }, attrs: { order: [1, 0, 2] } },
      { inputs: { x: random.uniform([7, 7, 4, 0]) }, attrs: { order: [2, 1, 0, 3] } },
      { inputs: { x: random.uniform([531, 77]) }, attrs: { order: [1, 0] }, large: true },
      { inputs: { x: random.uniform([53, 7, 31, 3]) }, attrs: { order: [2, 1, 0, 3] }, large: true },
    ],
    bench: (random) => [{ inputs: { x: random.uniform([2048, 2048]) }, attrs: { order: [1, 0] } }],
    differentiate: ["x"],
    tolerance: exact,
    errors: [
      {
        name: "an axis twice",
        run: () => transpose(zeros([2, 3]), [0, 0]),
        code: "VALUE",
        says: /transpose: \[0,0\] is not an order of 2 axes/,
      },
    ],
  },
);
