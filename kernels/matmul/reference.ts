import type { ReferenceCall, ReferenceKernel } from "../../src/tensor/backend.js";

/** What can follow the sums, in the order of the kernels' enumeration. */
export const activations = ["none", "tanh", "relu", "gelu", "silu", "softplus", "sigmoid", "relu6"] as const;

/** none, tanh, relu, relu6, gelu (the tanh form), silu, softplus or sigmoid. */
export type Activation = (typeof activations)[number];

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const functions: Record<Activation, (x: number) => number> = {
  none: (x) => x,
  tanh: Math.tanh,
  relu: (x) => Math.max(x, 0),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  gelu: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  silu: (x) => x * sigmoid(x),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  sigmoid,
};

/** One product whose operands start at these elements. */
function product(call: ReferenceCall, a0: number, b0: number, c0: number): void {
  const { ints, reals, buffers } = call;
  const [a, b, bias, residual, out] = buffers;
  const { M, N, AR, AC, BC } = ints;
  const K = ints.transposeA === 1 ? AR : AC;
  const f = functions[activations[ints.activation]];
  for (let i = 0; i < M; i++)
    for (let j = 0; j < N; j++) {
      let s = 0;
      for (let k = 0; k < K; k++) {
        const x = a![a0 + (ints.transposeA === 1 ? k * AC + i : i * AC + k)];
        const y = b![b0 + (ints.transposeB === 1 ? j * BC + k : k * BC + j)];
        s += x * y;
      }
      const at = c0 + i * N + j;
      out![at] = f(reals.alpha * s + (bias?.[j] ?? 0)) + (residual?.[at] ?? 0);
    }
}

export const matmulReference: ReferenceKernel = (call) => product(call, 0, 0, 0);

export const matmulBatchedReference: ReferenceKernel = (call) => {
  const { Q, QA, AR, AC, QB, BR, BC, M, N } = call.ints;
  for (let q = 0; q < Q; q++)
    product(call, QA === 1 ? 0 : q * AR * AC, QB === 1 ? 0 : q * BR * BC, q * M * N);
};

export const matmulJoinedReference: ReferenceKernel = ({ ints: { E, H, M, PH }, buffers }) => {
  const [w, residual, out] = buffers.slice(3);
  for (let i = 0; i < E; i++)
    for (let j = 0; j < M; j++) {
      let s = residual?.[i * M + j] ?? 0;
      for (let k = 0; k < PH; k++) s += buffers[Math.floor(k / H)]![i * H + (k % H)] * w![j * PH + k];
      out![i * M + j] = s;
    }
};
