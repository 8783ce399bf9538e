import { zeros } from "../../src/tensor/tensor.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { defineCases, type OpCases, type Sample } from "../../src/testing/cases.js";
import type { Samples } from "../../src/testing/samples.js";
import { type Activation, matmul, matmulJoined, type MatmulOptions, matmulSplit } from "./op.js";
import { activations } from "./reference.js";

type SampleAttrs = NonNullable<Sample["attrs"]>;

const run = ({ a, b, bias, residual }: Record<string, Tensor>, attrs: SampleAttrs): Tensor =>
  matmul(a, b, { ...(attrs as MatmulOptions), bias, residual });

/** a of M x K and b of K x N, with what is added, laid out for the attributes. */
function problem(
  random: Samples,
  [M, K, N]: readonly [number, number, number],
  attrs: {
    transposeA?: boolean;
    transposeB?: boolean;
    activation?: Activation;
    alpha?: number;
    parts?: number;
  } = {},
  also: {
    batch?: readonly number[];
    shared?: "a" | "b";
    bias?: boolean;
    residual?: boolean;
    large?: boolean;
  } = {},
): Sample {
  const batch = also.batch ?? [];
  const a = attrs.transposeA === true ? [K, M] : [M, K];
  const b = attrs.transposeB === true ? [N, K] : [K, N];
  const scale = 1 / Math.sqrt(Math.max(K, 1));
  return {
    inputs: {
      a: random.normal(also.shared === "a" ? a : [...batch, ...a]),
      b: random.normal(also.shared === "b" ? b : [...batch, ...b], scale),
      ...(also.bias === true ? { bias: random.normal([N]) } : {}),
      ...(also.residual === true ? { residual: random.normal([...batch, M, N]) } : {}),
    },
    attrs,
    large: also.large,
  };
}

const transposes = [
  {},
  { transposeA: true },
  { transposeB: true },
  { transposeA: true, transposeB: true },
] as const;

/** Inputs alone are differentiated: the addends of a sample may be absent. */
const common = { run, differentiate: ["a", "b"], tolerance: { f32: 3e-6, f64: 1e-14 } } as const;

const plain: OpCases = {
  ...common,
  op: "matmul",
  samples: (random) => [
    problem(random, [1, 1, 1]),
    problem(random, [0, 3, 4]),
    problem(random, [3, 0, 4]),
    problem(random, [3, 4, 0]),
    problem(random, [3, 0, 4], {}, { bias: true, residual: true }),
    ...transposes.flatMap((t) => [
      problem(random, [2, 3, 4], t),
      problem(random, [7, 5, 17], t),
      problem(random, [13, 33, 29], { ...t, alpha: -0.5 }, { bias: true, residual: true }),
      problem(random, [1, 9, 37], t),
      problem(random, [19, 6, 1], t),
      problem(random, [131, 70, 101], t, { bias: true, large: true }),
      problem(random, [300, 25, 50], t, { residual: true, large: true }),
      problem(random, [33, 5003, 25], t, { bias: true, large: true }),
    ]),
    problem(random, [4, 3, 5], { alpha: 0 }),
    problem(random, [1000, 50, 100], {}, { bias: true, large: true }),
    problem(random, [100, 9000, 4], { transposeA: true }, { large: true }),
  ],
  errors: [
    {
      name: "inner sizes that differ",
      run: () => matmul(zeros([2, 3]), zeros([4, 5])),
      code: "SHAPE",
      says: /a \[2,3\] and b \[4,5\] .*over 3 elements of a and 4 of b/,
    },
    {
      name: "inner sizes that differ once transposed",
      run: () => matmul(zeros([3, 2]), zeros([3, 5]), { transposeA: true, transposeB: true }),
      code: "SHAPE",
      says: /a \[3,2\] transposed and b \[3,5\] transposed/,
    },
    {
      name: "a vector",
      run: () => matmul(zeros([3]), zeros([3, 5])),
      code: "SHAPE",
      says: /at least two dimensions/,
    },
    {
      name: "a bias of another length",
      run: () => matmul(zeros([2, 3]), zeros([3, 5]), { bias: zeros([3]) }),
      code: "SHAPE",
      says: /bias expected shape \[5\], got \[3\]/,
    },
    {
      name: "a residual of another shape",
      run: () => matmul(zeros([2, 3]), zeros([3, 5]), { residual: zeros([5, 2]) }),
      code: "SHAPE",
      says: /residual expected .*\[2,5\], got \[5,2\]/,
    },
    {
      name: "an unknown activation",
      run: () => matmul(zeros([2, 3]), zeros([3, 5]), { activation: "swish" as Activation }),
      code: "VALUE",
      says: /unknown activation "swish"; known: none, tanh/,
    },
    {
      name: "a factor that is no number",
      run: () => matmul(zeros([2, 3]), zeros([3, 5]), { alpha: NaN }),
      code: "VALUE",
      says: /alpha is NaN/,
    },
    {
      name: "two number types",
      run: () => matmul(zeros([2, 3]), zeros([3, 5], { dtype: "f64" })),
      code: "DTYPE",
      says: /b expected f32, got f64/,
    },
    {
      name: "integers",
      run: () => matmul(zeros([2, 3], { dtype: "i32" }), zeros([3, 5])),
      code: "DTYPE",
      says: /a expected f32 or f64, got i32/,
    },
  ],
  bench: (random) => [
    problem(random, [17000, 128, 384], {}, { bias: true }),
    problem(random, [17000, 100, 100], { activation: "tanh" }, { bias: true }),
    problem(random, [100, 17000, 100], { transposeA: true }),
    problem(random, [192, 1600, 240], { activation: "tanh" }, { bias: true }),
  ],
};

const batched: OpCases = {
  ...common,
  op: "matmul_batched",
  samples: (random) => [
    problem(random, [2, 3, 4], {}, { batch: [0] }),
    problem(random, [2, 0, 4], {}, { batch: [3], residual: true }),
    problem(random, [2, 3, 4], {}, { batch: [1] }),
    problem(random, [2, 3, 4], { transposeA: true }, { batch: [0], shared: "b" }),
    ...transposes.flatMap((t) => [
      problem(random, [3, 4, 5], t, { batch: [3], bias: true }),
      problem(random, [5, 2, 17], { ...t, alpha: 1.5 }, { batch: [2, 2], residual: true }),
      problem(random, [3, 200, 2], t, { batch: [3], large: true }),
      problem(random, [4, 3, 2], t, { batch: [3], shared: "a", bias: true }),
      problem(random, [4, 3, 2], t, { batch: [3], shared: "b", residual: true }),
      problem(random, [4, 100, 16], t, { batch: [192], large: true }),
    ]),
    // Products worth the whole team, one after the other.
    problem(random, [300, 140, 110], {}, { batch: [2], bias: true, large: true }),
    problem(random, [300, 140, 110], { transposeA: true, transposeB: true }, { batch: [2], large: true }),
    problem(random, [2, 300, 900], { transposeB: true }, { batch: [3], large: true }),
    problem(random, [3, 4, 5], { activation: "relu6", alpha: 4 }, { batch: [2], residual: true }),
    problem(random, [3, 4, 5], { activation: "tanh" }, { batch: [2], bias: true, residual: true }),
    problem(random, [2, 2100, 3], { transposeA: true }, { batch: [2], large: true }),
  ],
  errors: [
    {
      name: "batches that differ",
      run: () => matmul(zeros([2, 3, 4]), zeros([3, 4, 5])),
      code: "SHAPE",
      says: /must be equal, or absent/,
    },
    {
      name: "batches of another rank",
      run: () => matmul(zeros([2, 3, 4]), zeros([1, 2, 4, 5])),
      code: "SHAPE",
      says: /must be equal, or absent/,
    },
    {
      name: "a residual without the batch",
      run: () => matmul(zeros([2, 3, 4]), zeros([4, 5]), { residual: zeros([3, 5]) }),
      code: "SHAPE",
      says: /residual expected .*\[2,3,5\], got \[3,5\]/,
    },
  ],
  bench: (random) => [problem(random, [4, 100, 16], {}, { batch: [192] })],
};

const activated: OpCases = {
  ...common,
  op: "matmul with activation",
  differentiate: ["a", "b", "bias", "residual"],
  samples: (random) => [
    ...activations.flatMap((activation) => [
      problem(random, [5, 7, 9], { activation }, { bias: true, residual: true }),
      problem(random, [3, 2, 19], { activation, transposeB: true, alpha: 5 }, { bias: true, residual: true }),
      problem(random, [260, 30, 45], { activation, alpha: 2 }, { bias: true, residual: true, large: true }),
    ]),
    problem(
      random,
      [21, 2500, 9],
      { activation: "tanh", transposeA: true },
      { bias: true, residual: true, large: true },
    ),
    problem(
      random,
      [21, 2500, 9],
      { activation: "relu6", alpha: 5 },
      { bias: true, residual: true, large: true },
    ),
  ],
};

/** Parts of E x H, and w of M x (parts H). */
function joinedProblem(
  random: Samples,
  [parts, E, H, M]: readonly [number, number, number, number],
  also: { residual?: boolean; large?: boolean } = {},
): Sample {
  const scale = 1 / Math.sqrt(Math.max(parts * H, 1));
  const names = ["a", "b", "c", "d"].slice(0, parts);
  return {
    inputs: {
      ...Object.fromEntries(names.map((name) => [name, random.normal([E, H])])),
      w: random.normal([M, parts * H], scale),
      ...(also.residual === true ? { residual: random.normal([E, M]) } : {}),
    },
    large: also.large,
  };
}

const joined: OpCases = {
  op: "matmul_joined",
  run: ({ a, b, c, d, w, residual }) =>
    matmulJoined(
      [a, b, c, d].filter((part) => part !== undefined),
      w,
      residual,
    ),
  differentiate: ["a", "w"],
  tolerance: common.tolerance,
  samples: (random) => [
    joinedProblem(random, [1, 1, 1, 1]),
    joinedProblem(random, [3, 0, 2, 4]),
    joinedProblem(random, [3, 2, 0, 4], { residual: true }),
    joinedProblem(random, [2, 3, 4, 0]),
    joinedProblem(random, [2, 3, 5, 7], { residual: true }),
    joinedProblem(random, [3, 5, 2, 9]),
    joinedProblem(random, [4, 5, 2, 9], { residual: true }),
    joinedProblem(random, [3, 131, 17, 50], { residual: true, large: true }),
    joinedProblem(random, [3, 2100, 16, 25], { large: true }),
    joinedProblem(random, [3, 20, 700, 30], { large: true }),
  ],
  errors: [
    {
      name: "columns that do not fit together",
      run: () => matmulJoined([zeros([2, 3]), zeros([2, 3])], zeros([4, 7])),
      code: "SHAPE",
      says: /\[2,3\], \[2,3\] have 6 columns together, w \[4,7\] has 7/,
    },
    { name: "no parts", run: () => matmulJoined([], zeros([4, 6])), code: "SHAPE", says: /got none/ },
    {
      name: "parts of different heights",
      run: () => matmulJoined([zeros([2, 3]), zeros([1, 3])], zeros([4, 6])),
      code: "SHAPE",
      says: /matmul_joined: b .*size 2 at index 0/,
    },
  ],
  bench: (random) => [joinedProblem(random, [3, 17000, 128, 100], { residual: true })],
};

const split: OpCases = {
  op: "matmul in parts",
  run: ({ a, b, bias }, { parts }) => matmulSplit(a, b, Number(parts), bias),
  differentiate: ["a", "b", "bias"],
  tolerance: common.tolerance,
  samples: (random) => [
    problem(random, [3, 4, 6], { parts: 3 }, { bias: true }),
    problem(random, [1, 1, 1], { parts: 1 }, { bias: true }),
    problem(random, [0, 4, 6], { parts: 2 }, { bias: true }),
    problem(random, [5, 3, 8], { parts: 4 }, { bias: true }),
    problem(random, [300, 25, 51], { parts: 3 }, { bias: true, large: true }),
  ],
  errors: [
    {
      name: "parts that do not divide",
      run: () => matmulSplit(zeros([2, 3]), zeros([3, 7]), 3, zeros([7])),
      code: "SHAPE",
      says: /w \[3,7\] does not fall into 3 equal parts/,
    },
    {
      name: "a bias of another length",
      run: () => matmulSplit(zeros([2, 3]), zeros([3, 6]), 3, zeros([5])),
      code: "SHAPE",
      says: /bias \[5\] do not fit/,
    },
  ],
};

export const cases = defineCases(plain, batched, activated, joined, split);
