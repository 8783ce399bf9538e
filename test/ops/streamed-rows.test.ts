import { beforeAll, describe, expect, it } from "vitest";
import { indexMap } from "../../kernels/segment/op.js";
import { concat, slice } from "../../kernels/shape_ops/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import * as o3 from "../../src/equivariant/index.js";
import { SphericalBasis } from "../../src/nn/bessel-basis.js";
import { scope } from "../../src/tensor/scope.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";

beforeAll(() => openCpu());

const wave = (seed: number, shape: readonly number[]): Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float32Array.from({ length: count }, (_, k) => Math.sin(0.7 * k + seed)),
    shape,
  );
};

/** Value and gradients of a function of rows, all rows at once and in parts. */
function expectSameInParts(
  value: (rows: readonly Tensor[]) => Tensor,
  rows: readonly Tensor[],
  cotangent: Tensor,
  parts: number,
): void {
  const run = (from: number, to: number): Tensor[] => {
    const cut = rows.map((t) => requireGrad(slice(t, 0, from, to)));
    const y = value(cut);
    return [y, ...grad(y, cut, { gradOutput: slice(cotangent, 0, from, to), keepTape: false })];
  };
  const E = cotangent.shape[0];
  const whole = run(0, E);
  const cuts = Array.from({ length: parts }, (_, k) => run((k * E) / parts, ((k + 1) * E) / parts));
  whole.forEach((t, k) => {
    const inParts = concat(
      cuts.map((results) => results[k]),
      0,
    );
    const [found, wanted] = [t, inParts].map((x) => Buffer.from((x.dataSync() as Float32Array).buffer));
    expect(found.equals(wanted), `result ${k}`).toBe(true);
  });
}

describe("rows written past the caches", () => {
  it("of a tensor product are those written through them", () => {
    scope(() => {
      const [edges, copies] = [40_000, 32];
      const sh = o3.Irreps.sphericalHarmonics(1);
      const hidden = new o3.Irreps(sh.entries.map((e) => [copies, e.ir] as const));
      const tp = new o3.TensorProduct(
        hidden,
        sh,
        hidden,
        [
          [0, 0, 0, "uvu", true],
          [0, 1, 1, "uvu", true],
          [1, 0, 1, "uvu", true],
          [1, 1, 0, "uvu", true],
        ],
        { sharedWeights: false },
      );
      const rows = [tp.irrepsIn1.dim, tp.irrepsIn2.dim, tp.weightNumel].map((n, k) => wave(k, [edges, n]));
      const value = ([x, y, w]: readonly Tensor[]): Tensor => tp.call(x, y, w);
      expectSameInParts(value, rows, wave(4, [edges, tp.irrepsOut.dim]), 4);
    });
  });

  it("of the basis of triplets are those written through them", () => {
    scope(() => {
      const [edges, triplets] = [900, 110_000];
      const basis = new SphericalBasis(7, 6, { rcut: 5 });
      const d = tensor(Float32Array.from({ length: edges }, (_, k) => 0.8 + (4.3 * k) / edges));
      // A triplet's edge does not depend on where the part begins.
      const value = ([u]: readonly Tensor[]): Tensor => {
        const index = Int32Array.from({ length: u.size }, (_, k) => (k * 331) % edges);
        return basis.call(d, u, indexMap(index, edges));
      };
      const period = 4 * edges;
      const all = Math.floor(triplets / period) * period;
      expectSameInParts(value, [wave(1, [all])], wave(2, [all, 42]), 4);
    });
  });
});
