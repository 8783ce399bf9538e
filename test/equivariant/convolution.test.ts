import { beforeAll, describe, expect, it } from "vitest";
import { add, mul, square } from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { gather, indexMap, scatterSum } from "../../kernels/segment/op.js";
import type { ProductMaps } from "../../kernels/tensor_product/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import type { ConnectionMode, InstructionLike } from "../../src/equivariant/instruction.js";
import { TensorProduct } from "../../src/equivariant/tensor-product.js";
import { memory } from "../../src/tensor/device.js";
import { scope } from "../../src/tensor/scope.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectNear } from "./fixture.js";

beforeAll(() => openCpu());

const wave = (seed: number, shape: number[]): Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float64Array.from({ length: count }, (_, k) => Math.sin(0.7 * k + seed)),
    shape,
  );
};

/** Multiplicities of both inputs and the output that a mode allows, degrees 1 x 2 -> 0, 1, 2, 3 of which those in reach. */
const modes: [ConnectionMode, [number, number, number], boolean][] = [
  ["uvw", [3, 2, 4], true],
  ["uvu", [17, 1, 17], true],
  ["uvu", [5, 3, 5], true],
  ["uvu", [5, 3, 5], false],
  ["uvv", [3, 4, 4], true],
  ["uvv", [3, 4, 4], false],
  ["uuw", [3, 3, 2], true],
  ["uuw", [3, 3, 1], false],
  ["uuu", [4, 4, 4], true],
  ["uuu", [4, 4, 4], false],
  ["uvuv", [2, 3, 6], true],
  ["uvuv", [2, 3, 6], false],
  ["uvu<v", [4, 4, 6], true],
  ["uvu<v", [4, 4, 6], false],
  ["u<vw", [3, 3, 2], true],
];
const [source, target] = [
  [4, 0, 1, 1, 2, 0, 4, 4, 3],
  [0, 0, 1, 2, 2, 2, 4, 5, 5],
];
const [N, M, E] = [5, 6, source.length];

type Convolution = (
  tp: TensorProduct,
  x: Tensor,
  y: Tensor,
  w: Tensor | undefined,
  maps: ProductMaps,
) => Tensor;
const fused: Convolution = (tp, x, y, w, maps) => tp.convolve(x, y, maps, w);
const inParts: Convolution = (tp, x, y, w, maps) =>
  scatterSum(tp.call(gather(x, maps.source!), y, w), maps.target!);

/** The value, first derivatives, and derivatives of the sum of their squares. */
function everything(run: Convolution, tp: TensorProduct, sharedWeights: boolean): number[][] {
  return scope(() => {
    const maps = {
      source: indexMap(Int32Array.from(source), N),
      target: indexMap(Int32Array.from(target), M),
    };
    const weights =
      tp.weightNumel > 0 ? wave(3, sharedWeights ? [tp.weightNumel] : [E, tp.weightNumel]) : undefined;
    const operands = [wave(1, [N, tp.irrepsIn1.dim]), wave(2, [E, tp.irrepsIn2.dim]), weights];
    const variables = operands.filter((t) => t !== undefined).map((t) => requireGrad(t));
    const out = run(tp, variables[0], variables[1], variables[2], maps);
    const loss = sum(mul(out, wave(4, [...out.shape])));
    const plain = grad(
      sum(mul(run(tp, variables[0], variables[1], variables[2], maps), wave(4, [...out.shape]))),
      variables,
    );
    const first = grad(loss, variables, { createGraph: true });
    const second = grad(
      first.map((g) => sum(square(g))).reduce((a, b) => add(a, b)),
      variables,
    );
    return [out, ...plain, ...first, ...second].map((t) => Array.from(t.dataSync()));
  });
}

describe("the fused convolution is gather, product and sum, with two derivatives", () => {
  const cases = modes.flatMap(([mode, mul, weighted]) =>
    (weighted ? [true, false] : [true]).map(
      (shared) =>
        [
          `${mode}${weighted ? (shared ? ", shared weights" : ", weights an edge") : ", no weights"}, ${mul.join(" x ")}`,
          mode,
          mul,
          weighted,
          shared,
        ] as const,
    ),
  );
  it.each(cases)("%s", (_name, mode, [u, v, w], weighted, sharedWeights) => {
    const instructions: InstructionLike[] = [0, 1, 2].map((k) => [0, 0, k, mode, weighted]);
    const tp = new TensorProduct(`${u}x2e`, `${v}x2e`, `${w}x0e+${w}x1e+${w}x4e`, instructions, {
      sharedWeights,
      internalWeights: false,
    });
    const before = memory("cpu").tensors;
    const [found, wanted] = [everything(fused, tp, sharedWeights), everything(inParts, tp, sharedWeights)];
    found.forEach((values, k) => expectNear(values, wanted[k], 1e-12, `result ${k}`));
    // The plan's two tables (of weighted or other paths) are put on the device at the first call and stay there.
    expect(memory("cpu").tensors - before).toBe(2);
  });
});

it("stores nothing of the size of edges times outputs", () => {
  const edges = 20_000;
  const tp = new TensorProduct(
    "8x2e",
    "1x2e",
    "8x0e+8x1e+8x2e+8x3e+8x4e",
    [0, 1, 2, 3, 4].map((k): InstructionLike => [0, 0, k, "uvu", true]),
    {
      sharedWeights: false,
    },
  );
  scope(() => {
    const index = (seed: number): Int32Array => Int32Array.from({ length: edges }, (_, k) => (k * seed) % 10);
    const maps = { source: indexMap(index(7), 10), target: indexMap(index(1).sort(), 10) };
    const [x, y, w] = [wave(1, [10, 40]), wave(2, [edges, 5]), wave(3, [edges, tp.weightNumel])].map((t) =>
      requireGrad(t),
    );
    const before = memory("cpu").reserved;
    scope(() => {
      const out = tp.convolve(x, y, maps, w);
      grad(sum(square(out)), [x, y, w]);
    });
    // The gradients of y and w have rows of edges too, 45 numbers; outputs would have 200.
    expect(memory("cpu").reserved - before).toBeLessThan(edges * 8 * 100);
  });
});
