import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { indexMap } from "../segment/op.js";
import { type EdgeGraph, edgePullOp, edgeVectors, edgeVectorsOp } from "./op.js";

/** Atoms of `frames` frames and E edges among all of them. */
function sample(random: Samples, N: number, E: number, frames = 1, large = false): Sample {
  const shift = random.integers([E, 3], -2, 3);
  return {
    inputs: {
      positions: random.uniform([N, 3], -2, 2),
      cell: random.uniform([frames, 9], -2, 2),
      shift: { shape: shift.shape, data: Float64Array.from(shift.data) },
      ptr: random.pointers(N, E),
      edgePtr: random.pointers(frames, E),
      g: random.uniform([E, 3]),
    },
    attrs: { source: Array.from(random.integers([E], 0, Math.max(1, N)).data) },
    large,
  };
}

const samples = (random: Samples): Sample[] => [
  sample(random, 0, 0),
  sample(random, 1, 0),
  sample(random, 1, 1),
  sample(random, 4, 7, 2),
  sample(random, 9, 30, 3),
  sample(random, 5, 33, 7),
  sample(random, 700, 20000, 11, true),
];

const bench = (random: Samples): Sample[] => [sample(random, 20_000, 1_000_000)];

function graphOf(
  { ptr, edgePtr, shift, positions }: Record<string, Tensor>,
  attrs: NonNullable<Sample["attrs"]>,
): EdgeGraph {
  const source = indexMap(Int32Array.from(attrs.source as number[]), positions.shape[0], ptr.device.name);
  return { source, ptr, edgePtr, shift };
}

const tolerance = { f32: 2e-6, f64: 1e-14 };

export const cases = defineCases(
  {
    op: "edgeVectors",
    run: (inputs, attrs) => edgeVectors(inputs.positions, graphOf(inputs, attrs), inputs.cell),
    samples,
    bench,
    differentiate: ["positions", "cell"],
    tolerance,
    errors: [
      {
        name: "pointers that end elsewhere",
        run: () => edgeVectors(zeros([1, 3]), { ...graph(), ptr: tensor(Int32Array.of(0, 1)) }),
        code: "VALUE",
        says: /ptr must rise from 0 and end at the number of edges/,
      },
      {
        name: "edges of frames that end elsewhere",
        run: () =>
          edgeVectors(zeros([1, 3]), { ...graph(), edgePtr: tensor(Int32Array.of(0, 1)) }, zeros([1, 3, 3])),
        code: "VALUE",
        says: /edgePtr must rise from 0/,
      },
      {
        name: "a cell of six numbers",
        run: () => edgeVectors(zeros([1, 3]), graph(), zeros([1, 6])),
        code: "SHAPE",
        says: /cell expected \[B,9\] or \[B,3,3\], got \[1,6\]/,
      },
      {
        name: "positions of another number of atoms",
        run: () => edgeVectors(zeros([2, 3]), graph()),
        code: "SHAPE",
        says: /ptr i32\[N\+1\] expected size 3/,
      },
      {
        name: "shifts of another type",
        run: () =>
          edgeVectors(zeros([1, 3]), { ...graph(), shift: zeros([2, 3], { dtype: "f64" }) }, zeros([1, 9])),
        code: "DTYPE",
        says: /shift expected f32, got f64/,
      },
    ],
  },
  {
    op: "edgeVectors, no cell",
    run: (inputs, attrs) => edgeVectors(inputs.positions, graphOf(inputs, attrs)),
    samples,
    bench,
    differentiate: ["positions"],
    tolerance,
  },
  {
    op: "edgeVectors, decomposed",
    run: (inputs, attrs) => {
      const { source } = graphOf(inputs, attrs);
      return edgeVectorsOp.spec.decompose!(
        { ...inputs, source: source.index, order: source.order, sourcePtr: source.ptr },
        {},
      );
    },
    samples,
    bench,
    differentiate: ["positions", "cell"],
    tolerance,
  },
  {
    op: "edgePull",
    run: (inputs, attrs) => {
      const { source, ptr } = graphOf(inputs, attrs);
      return edgePullOp.apply([inputs.g, ptr, source.index, source.order, source.ptr]);
    },
    samples,
    bench,
    differentiate: ["g"],
    tolerance,
  },
  {
    op: "edgePull, decomposed",
    run: (inputs, attrs) => {
      const { source, ptr } = graphOf(inputs, attrs);
      const look = { ptr, source: source.index, order: source.order, sourcePtr: source.ptr };
      return edgePullOp.spec.decompose!({ g: inputs.g, ...look }, {});
    },
    samples,
    bench,
    differentiate: ["g"],
    tolerance,
  },
);

function graph(): EdgeGraph {
  const ptr = tensor(Int32Array.of(0, 2));
  return { source: indexMap(Int32Array.of(0, 0), 1), ptr, edgePtr: ptr, shift: zeros([2, 3]) };
}
