import { matmul, scope, setThreads, tensor } from "../../src/index.js";
import { keep } from "../../src/tensor/scope.js";
import type { Bench, BenchType } from "../bench.js";
import { uniform } from "./uniform.js";

interface Shape {
  readonly what: string;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** Products of se_atten, its fitting network and their gradients. */
const shapes: readonly Shape[] = [
  { what: "embed-2", m: 20000, k: 25, n: 50 },
  { what: "embed-3", m: 20000, k: 50, n: 100 },
  { what: "qkv", m: 20000, k: 100, n: 384 },
  { what: "fit", m: 20000, k: 240, n: 240 },
  { what: "fit-first", m: 4000, k: 1608, n: 240 },
  { what: "few-rows", m: 1000, k: 240, n: 240 },
  { what: "dx-embed-3", m: 20000, k: 100, n: 50, transposeB: true },
  { what: "dx-qkv", m: 20000, k: 384, n: 100, transposeB: true },
  { what: "dw-embed-3", m: 50, k: 20000, n: 100, transposeA: true },
  { what: "dw-qkv", m: 100, k: 20000, n: 384, transposeA: true },
  { what: "dw-fit", m: 240, k: 20000, n: 240, transposeA: true },
  { what: "square", m: 768, k: 768, n: 768 },
];

function matmulRow(shape: Shape, dtype: BenchType, threads: number): Bench {
  const { what, m, k, n, transposeA = false, transposeB = false } = shape;
  return {
    name: `matmul/${what}`,
    dtype,
    threads,
    open: () => {
      setThreads(threads);
      const a = keep(tensor(uniform(m * k, 1), transposeA ? [k, m] : [m, k], { dtype }));
      const b = keep(tensor(uniform(k * n, 2), transposeB ? [n, k] : [k, n], { dtype }));
      const bytes = (m * k + k * n + m * n) * (dtype === "f32" ? 4 : 8);
      return Promise.resolve({
        run: () => scope(() => void matmul(a, b, { transposeA, transposeB })),
        work: { m, k, n },
        floor: { flop: 2 * m * k * n, bytes },
        peers: [
          {
            peer: "openblas",
            program: "torch_ops.py",
            args: ["--threads", String(threads)],
            request: {
              op: "matmul",
              dtype,
              shape: [m, k, n],
              transA: transposeA,
              transB: transposeB,
              backend: "numpy",
            },
          },
        ],
        close: () => [a, b].forEach((t) => t.dispose()),
      });
    },
  };
}

export const matmulRows: readonly Bench[] = [1, 2].flatMap((threads) =>
  (["f64", "f32"] as const).flatMap((dtype) => shapes.map((shape) => matmulRow(shape, dtype, threads))),
);
