import { defineCases, type OpCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { type Tensor, zeros } from "../../src/tensor/tensor.js";
import { indexMap } from "../segment/op.js";
import { type EdgeMaps, gatherMultiplyOp, gatherMultiplySum, gatherMultiplySumOp } from "./op.js";

interface Size {
  readonly sources: number;
  readonly edges: number;
  readonly targets: number;
  readonly columns: number;
}

/** `lowest` -1: some edges have no end. */
function sample(random: Samples, s: Size, lowest: 0 | -1 = 0, large = false): Sample {
  const ends = (rows: number): number[] => Array.from(random.integers([s.edges], lowest, rows).data);
  return {
    inputs: {
      x: random.uniform([s.sources, s.columns]),
      w: random.uniform([s.edges, s.columns]),
      y: random.uniform([s.targets, s.columns]),
    },
    attrs: { source: ends(s.sources), target: ends(s.targets) },
    large,
  };
}

const size = (sources: number, edges: number, targets: number, columns: number): Size => ({
  sources,
  edges,
  targets,
  columns,
});
const samples = (random: Samples): Sample[] => [
  sample(random, size(2, 0, 3, 2)),
  sample(random, size(1, 1, 1, 1)),
  sample(random, size(3, 9, 2, 1), -1),
  sample(random, size(4, 11, 5, 3)),
  sample(random, size(5, 8, 3, 17), -1),
  sample(random, size(2, 5, 2, 40)),
  sample(random, size(3, 6, 4, 0)),
  sample(random, size(3, 5000, 2, 9), -1, true),
  sample(random, size(2, 4000, 700, 1), -1, true),
  sample(random, size(90, 1500, 70, 150), -1, true),
];

const mapsOf = ({ source, target }: NonNullable<Sample["attrs"]>, x: Tensor, targets: number): EdgeMaps => {
  const map = (ends: unknown, rows: number) =>
    indexMap(Int32Array.from(ends as number[]), rows, x.device.name);
  return { source: map(source, x.shape[0]), target: map(target, targets) };
};
const tablesOf = ({ source, target }: EdgeMaps): Tensor[] =>
  [source, target].flatMap((map) => [map.index, map.order, map.ptr]);

const tolerance = { f32: 3e-6, f64: 1e-14 };
const map = (rows: number) => indexMap(Int32Array.of(0, 1), rows);
const wrong =
  (x: number[], w: number[], sources = 2) =>
  () =>
    gatherMultiplySum(zeros(x), zeros(w), { source: map(sources), target: map(2) });

const multiply: OpCases = {
  op: "gatherMultiply",
  run: ({ x, y }, attrs) => gatherMultiplyOp.apply([x, y, ...tablesOf(mapsOf(attrs, x, y.shape[0]))]),
  samples,
  differentiate: ["x", "y"],
  tolerance,
};

/** The parts meet the same reference values and derivatives. */
const decomposed: OpCases = {
  op: "gatherMultiplySum, decomposed",
  run: ({ x, w, y }, attrs) => {
    const tables = tablesOf(mapsOf(attrs, x, y.shape[0]));
    const named = Object.fromEntries(gatherMultiplySumOp.inputs.slice(2).map((i, k) => [i.name, tables[k]]));
    return gatherMultiplySumOp.spec.decompose!({ x, w, ...named }, {});
  },
  samples,
  differentiate: ["x", "w"],
  tolerance,
};

export const cases = defineCases(
  {
    op: "gatherMultiplySum",
    run: ({ x, w, y }, attrs) => gatherMultiplySum(x, w, mapsOf(attrs, x, y.shape[0])),
    samples,
    differentiate: ["x", "w"],
    tolerance,
    errors: [
      { name: "other columns", run: wrong([2, 3], [2, 4]), code: "SHAPE", says: /of equal sizes/ },
      { name: "a scalar", run: wrong([], [2]), code: "SHAPE", says: /expected rows x/ },
      { name: "weights of other edges", run: wrong([2, 3], [3, 3]), code: "SHAPE", says: /sourceIndex/ },
      { name: "other rows", run: wrong([3, 3], [2, 3]), code: "SHAPE", says: /sourcePtr i32\[R\+1\]/ },
      { name: "an end outside", run: wrong([1, 3], [2, 3], 1), code: "VALUE", says: /index 1 at position 1/ },
    ],
    bench: (random) => [sample(random, size(10_000, 300_000, 10_000, 128))],
  },
  decomposed,
  multiply,
);
