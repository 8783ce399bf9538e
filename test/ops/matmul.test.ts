import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { matmul } from "../../kernels/matmul/op.js";
import { activations } from "../../kernels/matmul/reference.js";
import { gemmSerialWorkspaceBytes, gemmSplits, gemmWorkspaceBytes } from "../../kernels/matmul/workspace.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { setDefaultDevice } from "../../src/tensor/device.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { scope } from "../../src/tensor/scope.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose } from "./matrix.js";

openCpu();
setDefaultDevice("cpu");

const root = join(fileURLToPath(import.meta.url), "../../..");
const compiler = process.env.CXX ?? "g++";
const compiles = spawnSync(compiler, ["--version"]).status === 0;
const folder = mkdtempSync(join(tmpdir(), "atomgrad-gemm-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Sizes around every threshold of the formulas. */
const problems = [1, 3, 16, 17, 100, 1025, 3000].flatMap((m) =>
  [1, 15, 16, 100, 1100].flatMap((n) =>
    [0, 1, 100, 2047, 2048, 2049, 5000, 300000].map((k) => [m, n, k] as const),
  ),
);

const program = `
#include <cstdio>
#include "${join(root, "native/gemm/gemm.h")}"
using namespace ag::AG_ISA;
int main() {
  long long m, n, k;
  while (std::scanf("%lld %lld %lld", &m, &n, &k) == 3)
    std::printf("%lld %zu %zu %zu %zu\\n", (long long)gemmSplits(m, n, k), gemmWorkspaceBytes<float>(m, n, k, false),
                gemmWorkspaceBytes<double>(m, n, k, true), gemmSerialWorkspaceBytes<float>(n, k),
                gemmSerialWorkspaceBytes<double>(n, k));
}`;

describe("scratch memory of the matrix product", () => {
  it.skipIf(!compiles)(
    `is what native/gemm/gemm.h asks for${compiles ? "" : ` (no compiler ${compiler})`}`,
    () => {
      const source = join(folder, "sizes.cc");
      writeFileSync(source, program);
      const built = spawnSync(compiler, [
        "-std=c++17",
        "-w",
        "-pthread",
        source,
        "-o",
        join(folder, "sizes"),
      ]);
      expect(built.stderr.toString()).toBe("");
      const input = problems.map((p) => p.join(" ")).join("\n");
      const lines = spawnSync(join(folder, "sizes"), { input }).stdout.toString().trim().split("\n");
      const wanted = problems.map(([m, n, k]) =>
        [
          gemmSplits(m, n, k),
          gemmWorkspaceBytes(m, n, k, false, 4),
          gemmWorkspaceBytes(m, n, k, true, 8),
          gemmSerialWorkspaceBytes(n, k, 4),
          gemmSerialWorkspaceBytes(n, k, 8),
        ].join(" "),
      );
      expect(lines).toEqual(wanted);
    },
  );
});

describe("a recorded product", () => {
  it.each(activations)("has the value of the fused one, with %s", (activation) => {
    scope(() => {
      const random = new RandomStream(5, 1);
      const normal = (shape: number[]): Tensor =>
        tensor(
          Float64Array.from({ length: shape[0] * (shape[1] ?? 1) }, () => 3 * random.normal()),
          shape,
        );
      const [a, b, bias, residual] = [normal([9, 5]), normal([5, 21]), normal([21]), normal([9, 21])];
      const fused = matmul(a, b, { bias, residual, activation }).dataSync();
      requireGrad(b);
      const recorded = matmul(a, b, { bias, residual, activation });
      expect(recorded.requiresGrad).toBe(true);
      expectClose(recorded.dataSync(), fused, 1e-14, 10, activation);
    });
  });
});
