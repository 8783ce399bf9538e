import { grad } from "../../src/autograd/grad.js";
import { detach, requireGrad, withRecording } from "../../src/autograd/node.js";
import type { InstructionLike } from "../../src/equivariant/instruction.js";
import { TensorProduct } from "../../src/equivariant/tensor-product.js";
import { defineCases, type OpCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { type Tensor, zeros } from "../../src/tensor/tensor.js";
import { indexMap } from "../segment/op.js";
import { add } from "../elementwise/ops.generated.js";
import { type ProductMaps, tensorProduct } from "./op.js";

/** Irreps of the three features, and instructions as words: entries, mode, w when weighted. */
interface Wiring {
  readonly irreps: readonly [string, string, string];
  readonly paths: string;
}

const wirings: readonly Wiring[] = [
  { irreps: ["2x1o", "3x1o", "2x0e+2x1e+2x2e"], paths: "0,0,0,uvw,w 0,0,1,uvw,w 0,0,2,uvw,w" },
  { irreps: ["7x0e+2x1o", "1x0e+2x1o", "7x1o+2x1o+2x2e"], paths: "0,1,0,uvu,w 1,0,1,uvu 1,1,2,uvu,w" },
  { irreps: ["2x1o", "3x2e", "3x1o"], paths: "0,0,0,uvv,w" },
  { irreps: ["2x1o", "2x2e", "3x1o"], paths: "0,0,0,uuw,w" },
  { irreps: ["3x1o", "3x1o", "1x0e+3x2e"], paths: "0,0,0,uuw 0,0,1,uuu,w" },
  { irreps: ["2x1o", "3x2e", "6x3o"], paths: "0,0,0,uvuv,w" },
  { irreps: ["3x1o", "3x1o", "3x1e+2x2e"], paths: "0,0,0,uvu<v 0,0,1,u<vw,w" },
  { irreps: ["0x0e+2x3o", "1x4e", "2x3o+0x4e+1x5e"], paths: "1,0,0,uvu,w 0,0,1,uvw,w" },
];

const unweighted: Wiring = {
  irreps: ["2x1o", "3x2e", "3x1o+6x3o+2x2o"],
  paths: "0,0,0,uvv 0,0,1,uvuv 0,0,2,uvu",
};

const product = ({ irreps, paths }: Wiring): TensorProduct =>
  new TensorProduct(
    ...irreps,
    paths.split(" ").map((word): InstructionLike => {
      const [i, j, k, mode, weighted] = word.split(",");
      return [Number(i), Number(j), Number(k), mode as InstructionLike[3], weighted === "w"];
    }),
    { sharedWeights: false },
  );

/** `weights`: rows of weights; `nodes` 0: no maps, row e belongs to edge e. */
function sample(
  random: Samples,
  wiring: Wiring,
  E: number,
  shared: boolean,
  nodes = 0,
  large = false,
): Sample {
  const tp = product(wiring);
  const [N, M] = nodes > 0 ? [nodes, nodes + 2] : [E, E];
  return {
    inputs: {
      x: random.uniform([N, tp.irrepsIn1.dim]),
      y: random.uniform([E, tp.irrepsIn2.dim]),
      w: random.uniform([shared ? 1 : E, tp.weightNumel]),
      g: random.uniform([M, tp.irrepsOut.dim]),
    },
    attrs: {
      wiring: JSON.stringify(wiring),
      source: Array.from(random.integers([nodes > 0 ? E : 0], -1, Math.max(1, N)).data),
      target: Array.from(random.integers([nodes > 0 ? E : 0], 0, M).data).sort((a, b) => a - b),
      nodes,
    },
    large,
  };
}

const uvu: Wiring = {
  irreps: ["33x0e+33x1o+33x2e", "0e+1o+2e", "33x0e+33x1o+33x2e"],
  paths: "0,0,0,uvu,w 0,1,1,uvu,w 0,2,2,uvu,w 1,0,1,uvu,w 1,1,0,uvu,w 1,1,2,uvu,w 2,2,2,uvu,w",
};

const plain = (random: Samples): Sample[] => [
  ...wirings.map((wiring) => sample(random, wiring, 3, false)),
  sample(random, wirings[0], 0, false),
  sample(random, wirings[1], 1, false),
  sample(random, uvu, 300, false, 0, true),
];
const shared = (random: Samples): Sample[] => [
  ...wirings.map((wiring) => sample(random, wiring, 3, true)),
  sample(random, wirings[0], 0, true),
  sample(random, wirings[0], 1, true),
  sample(random, wirings[0], 2000, true, 0, true),
];
const graphs = (random: Samples): Sample[] => [
  sample(random, wirings[0], 5, false, 3),
  sample(random, wirings[1], 7, false, 2),
  sample(random, wirings[4], 4, true, 3),
  sample(random, wirings[2], 0, false, 2),
  sample(random, uvu, 400, false, 31, true),
];

function planOf(attrs: NonNullable<Sample["attrs"]>): TensorProduct {
  return product(JSON.parse(attrs.wiring as string) as Wiring);
}

function mapsOf(attrs: NonNullable<Sample["attrs"]>, { x, g }: Record<string, Tensor>): ProductMaps {
  if (attrs.nodes === 0) return {};
  const map = (name: "source" | "target", rows: number) =>
    indexMap(Int32Array.from(attrs[name] as number[]), rows, x.device.name);
  return { source: map("source", x.shape[0]), target: map("target", g.shape[0]) };
}

/** The tables are placed for each run, so that nothing outlives it. */
function run(inputs: Record<string, Tensor>, attrs: NonNullable<Sample["attrs"]>): Tensor {
  const { x, y, w } = inputs;
  const maps = mapsOf(attrs, inputs);
  return planOf(attrs)
    .plans.map((plan) => {
      const tables = plan.place(x.dtype, x.device.name);
      return tensorProduct(x, y, plan.weights > 0 ? w : undefined, plan, maps, tables);
    })
    .reduce((a, b) => add(a, b));
}

/** The derivative kernel of one operand: the gradient of the product with g as that of its output. */
const derivative =
  (role: "x" | "y" | "w"): OpCases["run"] =>
  (inputs, attrs) =>
    withRecording(true, () => {
      const variable = requireGrad(detach(inputs[role]));
      const out = run({ ...inputs, [role]: variable }, attrs);
      return grad(out, [variable], { gradOutput: inputs.g, createGraph: true })[0];
    });

const tolerance = { f32: 5e-6, f64: 1e-14 };
const everything = (random: Samples): Sample[] => [...plain(random), ...shared(random), ...graphs(random)];
const some = (random: Samples): Sample[] => [
  ...plain(random).slice(0, 3),
  ...shared(random).slice(3),
  ...graphs(random),
];

/** Two edges of the first wiring. */
function wrong(change: Partial<Record<"x" | "y" | "w", number[]>>, source?: number[]): () => Tensor {
  return () => {
    const plan = product(wirings[0]).plans[0];
    const { x, y, w } = { x: [2, 6], y: [2, 9], w: [2, 36], ...change };
    const maps = source === undefined ? {} : { source: indexMap(Int32Array.from(source), 2) };
    return tensorProduct(zeros(x), zeros(y), zeros(w), plan, maps, plan.place("f32", "cpu"));
  };
}

export const cases = defineCases(
  {
    op: "tensorProduct",
    run,
    samples: everything,
    differentiate: ["x", "y", "w"],
    tolerance,
    errors: [
      {
        name: "a first input of another width",
        run: wrong({ x: [2, 5] }),
        code: "SHAPE",
        says: /x expected rows of 6 numbers, got shape \[2,5\]/,
      },
      {
        name: "a second input without rows",
        run: wrong({ y: [9] }),
        code: "SHAPE",
        says: /y expected rows of 9 numbers/,
      },
      {
        name: "too few weights",
        run: wrong({ w: [2, 35] }),
        code: "SHAPE",
        says: /rows of 36 numbers/,
      },
      {
        name: "three rows of weights for two edges",
        run: wrong({ w: [3, 36] }),
        code: "SHAPE",
        says: /w expected \[2,36\] or \[1,36\], got \[3,36\]/,
      },
      {
        name: "more nodes than edges without a map",
        run: wrong({ x: [3, 6] }),
        code: "VALUE",
        says: /3 rows of the first input for 2 edges, and no map/,
      },
      {
        name: "a map of other edges",
        run: wrong({}, [0, 1, 1]),
        code: "SHAPE",
        says: /sourceIndex i32\[E\] expected size 2/,
      },
    ],
  },
  {
    op: "tensorProduct without weights",
    run,
    samples: (random) => [sample(random, unweighted, 3, false), sample(random, unweighted, 5, false, 2)],
    differentiate: ["x", "y"],
    tolerance,
  },
  { op: "tensorProductX", run: derivative("x"), samples: some, differentiate: ["y", "w", "g"], tolerance },
  { op: "tensorProductY", run: derivative("y"), samples: some, differentiate: ["x", "w", "g"], tolerance },
  { op: "tensorProductW", run: derivative("w"), samples: some, differentiate: ["x", "y", "g"], tolerance },
);
