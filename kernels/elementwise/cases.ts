import { type OpCases, defineCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { tensor, zeros } from "../../src/tensor/tensor.js";
import { applyAny, type ElementwiseSpec } from "./op.js";
import { add, div, mul, names, op, tanh } from "./ops.generated.js";

/** Shapes of up to three operands: flat, empty, odd, broadcast in front, behind and between. */
const shapes: (readonly number[])[][] = [
  [[1], [1], [1]],
  [[0], [0], [0]],
  [[7], [7], [7]],
  [[], [], []],
  [[33], [1], []],
  [[3, 5], [5], [3, 1]],
  [
    [2, 1, 4],
    [3, 1],
    [2, 3, 4],
  ],
  [
    [3, 1],
    [1, 17],
    [3, 17],
  ],
  [[5, 300], [5, 1], [300]],
  [[1, 2, 1, 3], [4, 1, 5, 1], [3]],
];

function pickOf(spec: ElementwiseSpec, random: Samples, list: (readonly number[])[]): Sample["inputs"] {
  return Object.fromEntries(
    spec.args.map((name, k) => {
      const [low, high] = spec.samples[name] ?? [-2, 2];
      return [name, random.uniform(list[k % list.length], low, high)];
    }),
  );
}

function samplesOf(spec: ElementwiseSpec, random: Samples): Sample[] {
  const pick = (list: (readonly number[])[]) => pickOf(spec, random, list);
  const small: Sample[] = (spec.order === 0 ? shapes : shapes.slice(2, 7)).map((list) => ({
    inputs: pick(list),
  }));
  return spec.order === 0
    ? [
        ...small,
        {
          inputs: pick([
            [41, 1031],
            [41, 1031],
            [41, 1031],
          ]),
          large: true,
        },
      ]
    : small;
}

const errors: OpCases["errors"] = [
  {
    name: "shapes that cannot be broadcast",
    run: () => add(zeros([3]), zeros([4])),
    code: "SHAPE",
    says: /add: \[3\] and \[4\] cannot be broadcast/,
  },
  {
    name: "two number types",
    run: () => mul(zeros([3]), zeros([3], { dtype: "f64" })),
    code: "DTYPE",
    says: /mul: operands are f32 and f64/,
  },
  { name: "integers", run: () => tanh(tensor(Int32Array.of(1, 2))), code: "DTYPE", says: /tanh: .*got i32/ },
  {
    name: "a freed tensor",
    run: () => {
      const x = zeros([2]);
      x.dispose();
      return div(x, 2);
    },
    code: "DISPOSED",
    says: /was freed/,
  },
  {
    name: "numbers only",
    run: () => add(1, 2),
    code: "VALUE",
    says: /add: at least one operand must be a tensor/,
  },
  {
    name: "two devices",
    run: () => add(zeros([2]), zeros([2], { device: "reference" })),
    code: "DEVICE",
    says: /add: operands are on cpu and reference/,
  },
];

export const cases = defineCases(
  ...names.map((name): OpCases => {
    const { spec } = op(name);
    return {
      op: spec.name,
      run: (inputs) =>
        applyAny(
          op(spec.name),
          spec.args.map((name) => inputs[name]),
        ),
      samples: (random) => samplesOf(spec, random),
      bench: (random) => [{ inputs: pickOf(spec, random, [[1 << 22]]) }],
      differentiate: spec.rules.flatMap((rule, k) => (rule === null ? [] : [spec.args[k]])),
      // Derivatives are checked through their operation; their own derivatives once more.
      order: spec.order === 0 ? 2 : 1,
      tolerance: { f32: 5e-6, f64: 1e-14 },
      errors: spec.name === "add" ? errors : [],
    };
  }),
);
