import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { edgeVectors } from "../../kernels/edge_vectors/op.js";
import { square } from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { openWebGpu } from "../../src/backends/webgpu/webgpu.js";
import { edgeGraph } from "../../src/geometry/batch.js";
import { searchCandidates } from "../../src/geometry/candidate-search.js";
import {
  type NeighborList,
  neighborList,
  neighborListAsync,
  neighborListOfFrames,
  neighborListOfFramesAsync,
} from "../../src/geometry/neighbor-list.js";
import { neighborTensors, neighborTensorsAsync } from "../../src/geometry/neighbor-tensors.js";
import { radiusGraph, radiusGraphAsync } from "../../src/geometry/radius-graph.js";
import { device as deviceByName, memory, setDefaultDevice } from "../../src/tensor/device.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { scopeAsync } from "../../src/tensor/scope.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { absence } from "../ops/device-matrix.js";
import { expectSameBits } from "../ops/matrix.js";
import { crowd, system, type System } from "./brute-force.js";

openCpu();
openReference();
setDefaultDevice("cpu");
const absent = await absence(openWebGpu);
const gpu = { device: "webgpu" } as const;

/** Atoms at random in a skewed box and a little outside. */
function gas(atoms: number, edge: number, pbc: System["pbc"], seed = 7): System {
  const random = new RandomStream(seed);
  const positions = Float64Array.from({ length: 3 * atoms }, () => edge * (random.uniform() * 1.4 - 0.2));
  const cell = Float64Array.of(edge, 0, 0, 0.3 * edge, edge, 0, 0, -0.2 * edge, edge);
  return { positions, cell, pbc, rcut: 3.1, shape: "gas" };
}

/** A simple cubic lattice of n^3 atoms, `a` apart, pushed off the origin; its neighbours lie exactly at multiples of `a`. */
function cubic(n: number, a: number, periodic: boolean): System {
  const positions = new Float64Array(3 * n ** 3);
  for (let i = 0; i < n ** 3; i++)
    positions.set(
      [i % n, Math.floor(i / n) % n, Math.floor(i / n ** 2)].map((x) => a * x),
      3 * i,
    );
  const L = n * a;
  const pbc = [periodic, periodic, periodic] as const;
  return { positions, cell: Float64Array.of(L, 0, 0, 0, L, 0, 0, 0, L), pbc, rcut: a, shape: "cubic" };
}

type Reals = Float32Array | Float64Array;

/** The same arrays, to the bit. */
function expectEqual(found: NeighborList<Reals>, wanted: NeighborList<Reals>): void {
  expect(Object.keys(found)).toEqual(Object.keys(wanted));
  expect(found.count).toBe(wanted.count);
  const arraysOf = (list: NeighborList<Reals>) => Object.entries({ ...list, ...list.edgeIndex });
  const arrays = Object.fromEntries(arraysOf(found));
  for (const [name, array] of arraysOf(wanted)) {
    if (!ArrayBuffer.isView(array)) continue;
    expect(arrays[name].constructor).toBe(array.constructor);
    expectSameBits(arrays[name] as Reals, array, name);
  }
}

async function expectSame(s: System, inclusive = false): Promise<number> {
  const wanted = neighborList(s.positions, s.cell, s.pbc, s.rcut, { inclusive });
  const found = await neighborListAsync(s.positions, s.cell, s.pbc, s.rcut, { inclusive, ...gpu });
  expectEqual(found, wanted);
  return wanted.count;
}

describe.skipIf(absent !== undefined)(
  `neighbours on WebGPU${absent === undefined ? "" : ` (${absent})`}`,
  () => {
    it("are the CPU's, to the bit and in order, in 400 random systems", async () => {
      const seen = new Set<string>();
      const any = fc.oneof({ weight: 12, arbitrary: system }, { weight: 1, arbitrary: crowd });
      await fc.assert(
        fc.asyncProperty(any, fc.boolean(), async (s, inclusive) => {
          await expectSame(s, inclusive);
          seen.add(s.shape);
        }),
        { numRuns: 400, seed: 41 },
      );
      expect(seen.size).toBe(8);
    });

    it.each([1, 0.1, 1 / 3, 2.87, 1e-3, 1e5])(
      "at the cutoff itself are in or out as on the CPU: a lattice %f apart",
      async (a) => {
        for (const periodic of [true, false]) {
          const lattice = cubic(5, a, periodic);
          await expectSame(lattice);
          expect(await expectSame(lattice, true)).toBeGreaterThan(200);
          await expectSame({ ...lattice, rcut: 2 * a }, true);
          await expectSame({ ...lattice, rcut: Math.sqrt(2) * a });
        }
      },
    );

    it("far from the origin and far from each other are the CPU's", async () => {
      const near = gas(150, 9, [true, false, true]);
      for (const distance of [1e3, 1e6, 1e9])
        await expectSame({ ...near, positions: near.positions.map((x) => x + distance) });
      const two = gas(120, 8, [false, false, false]);
      await expectSame({ ...two, positions: two.positions.map((x, k) => x + (k % 2 === 0 ? 3e7 : 0)) });
      await expectSame({ ...two, positions: two.positions.map((x) => 1e-20 * x), rcut: 2e-20 });
    });

    it("of thousands of atoms are the CPU's, read in one part or in many", async () => {
      for (const pbc of [
        [true, true, true],
        [true, false, true],
      ] as const) {
        const s = gas(4000, 31, pbc);
        expect(await expectSame(s)).toBeGreaterThan(10_000);
        const wanted = neighborList(s.positions, s.cell, s.pbc, s.rcut);
        const found = await searchCandidates([s], s.rcut, false, deviceByName("webgpu"), 20_000);
        const { neighbour, shift } = found.pairs("f64");
        expectSameBits(neighbour, wanted.edgeIndex[0], "neighbours");
        expectSameBits(shift, wanted.edgeShift, "offsets");
      }
    });

    it("of frames together are the CPU's", async () => {
      const frames = [
        gas(20, 6, [true, true, true]),
        gas(900, 20, [true, false, true]),
        gas(0, 5, [true, true, true]),
        gas(1, 2, [true, true, true]),
        gas(300, 14, [false, false, false]),
        cubic(3, 1, true),
      ];
      for (const dtype of ["f64", "f32"] as const) {
        const single = { dtype: dtype as "f64", maxNeighbors: 9 };
        const wanted = neighborListOfFrames(frames, 3.1, single);
        expectEqual(await neighborListOfFramesAsync(frames, 3.1, { ...single, ...gpu }), wanted);
      }
      expect(await neighborListOfFramesAsync([], 1, gpu)).toEqual(neighborListOfFrames([], 1));
      const batch = Array.from({ length: 300 }, (_, i) => Math.floor(i / 70));
      const { positions } = frames[4];
      const graph = { batch, loop: true, maxNumNeighbors: 5 };
      expect(await radiusGraphAsync(positions, 2.5, { ...graph, ...gpu })).toEqual(
        radiusGraph(positions, 2.5, graph),
      );
    });

    it("of tensors stay on the device, rounded from f64, and carry gradients", async () => {
      const s = gas(300, 13, [true, true, true]);
      const given = Float32Array.from(s.positions);
      const wanted = neighborList(given, s.cell, s.pbc, s.rcut, { dtype: "f32" });
      const before = memory("webgpu").tensors;
      await scopeAsync(async () => {
        const x = requireGrad(tensor(given, [300, 3], gpu));
        const { count, edgeIndex, ...found } = await neighborTensorsAsync(x, s.cell, s.pbc, s.rcut);
        expect(count).toBe(wanted.count);
        const values = (tensors: readonly Tensor[]) => Promise.all(tensors.map((t) => t.data()));
        expect(await values(edgeIndex)).toEqual(wanted.edgeIndex);
        expect(await values(Object.values(found))).toEqual([
          wanted.edgeShift,
          wanted.edgeVector,
          wanted.distance,
          wanted.ptr,
        ]);
        const list = await neighborListOfFramesAsync([{ ...s, positions: given }], s.rcut, gpu);
        const graph = edgeGraph(list, "f32", "webgpu");
        const cell = tensor(s.cell!, [1, 9], { dtype: "f32", ...gpu });
        const [force] = grad(sum(square(edgeVectors(x, graph, cell))), [x]);
        const exact = new Float64Array(900);
        for (let e = 0; e < count; e++)
          for (let b = 0; b < 3; b++) {
            exact[3 * wanted.edgeIndex[0][e] + b] += 2 * wanted.edgeVector[3 * e + b];
            exact[3 * wanted.edgeIndex[1][e] + b] -= 2 * wanted.edgeVector[3 * e + b];
          }
        (await force.data()).forEach((f, k) => expect(Math.abs(f - exact[k])).toBeLessThan(1e-3));
      });
      expect(memory("webgpu").tensors).toBe(before);
    });

    it("asked for at the same time are found at the same time", async () => {
      const systems = [
        gas(200, 11, [true, true, true], 1),
        gas(90, 9, [false, true, true], 2),
        cubic(4, 2, true),
      ];
      const counts = systems.map((s) => neighborList(s.positions, s.cell, s.pbc, s.rcut).count);
      expect(await Promise.all(systems.map((s) => expectSame(s)))).toEqual(counts);
    });

    it("that do not fit the device's buffers are refused with the size, and leave nothing behind", async () => {
      const before = memory("webgpu").tensors;
      const s = gas(200, 11, [true, true, true]);
      const { backend } = deviceByName("webgpu");
      const allocate = backend.allocate.bind(backend);
      const most = 2000;
      deviceByName("webgpu").pool.trim();
      backend.allocate = (bytes) => allocate(bytes > most ? 2 ** 50 : bytes);
      try {
        await expect(neighborListAsync(s.positions, s.cell, s.pbc, s.rcut, gpu)).rejects.toThrow(
          /a buffer of [\d.]+ MiB is more than this adapter binds/,
        );
      } finally {
        Reflect.deleteProperty(backend, "allocate");
      }
      expect(memory("webgpu").tensors).toBe(before);
      await expectSame(s);
    });

    it("refuses wrong input with the CPU's messages, and leaves nothing behind", async () => {
      const before = memory("webgpu").tensors;
      const list = (positions: number[], cell: number[] | null, rcut: number) =>
        neighborListAsync(positions, cell, cell !== null, rcut, gpu);
      await expect(list([0, 0, 0, NaN, 0, 0], null, 1)).rejects.toThrow(/position of atom 1 is NaN/);
      await expect(list([0, 0], null, 1)).rejects.toThrow(/not rows of three/);
      await expect(list([0, 0, 0], null, 0)).rejects.toThrow(/rcut is 0/);
      await expect(list([0, 0, 0], [1, 0, 0, 0, 1, 0, 0, 0, 0], 1)).rejects.toThrow(/no volume/);
      await expect(list([0, 0, 0], [1, 0, 0, 0, 1, 0, 0, 0, 1], 1e4)).rejects.toThrow(/reaches \d+ images/);
      await scopeAsync(async () => {
        const x = tensor(new Float32Array(6), [2, 3], gpu);
        await expect(neighborTensorsAsync(x, null, false, 1, { dtype: "f64" })).rejects.toThrow(/in f32/);
        await expect(neighborTensorsAsync(x, [1], true, 1)).rejects.toThrow(/give 9/);
      });
      expect(memory("webgpu").tensors).toBe(before);
    });
  },
);

it("the promised forms are the others where a device answers at once", async () => {
  const s = gas(40, 7, [true, true, false]);
  const wanted = neighborList(s.positions, s.cell, s.pbc, s.rcut);
  for (const device of [undefined, "cpu", "reference"] as const)
    expect(await neighborListAsync(s.positions, s.cell, s.pbc, s.rcut, { device })).toEqual(wanted);
  await scopeAsync(async () => {
    const x = tensor(s.positions, [40, 3]);
    const [now, later] = [
      neighborTensors(x, s.cell, s.pbc, s.rcut),
      await neighborTensorsAsync(x, s.cell, s.pbc, s.rcut),
    ];
    expect(later.edgeIndex[0].dataSync()).toEqual(now.edgeIndex[0].dataSync());
    expect(later.edgeVector.dataSync()).toEqual(wanted.edgeVector);
  });
});

it("candidates of the reference kernel lead to the same neighbours", async () => {
  await fc.assert(
    fc.asyncProperty(system, fc.boolean(), async (s, inclusive) => {
      const wanted = neighborList(s.positions, s.cell, s.pbc, s.rcut, { inclusive });
      const found = await searchCandidates([s], s.rcut, inclusive, deviceByName("reference"), 50);
      const { neighbour, centre, shift, vector, distance } = found.pairs("f64");
      expect([neighbour, centre]).toEqual(wanted.edgeIndex);
      expect([shift, vector, distance]).toEqual([wanted.edgeShift, wanted.edgeVector, wanted.distance]);
    }),
    { numRuns: 60, seed: 42 },
  );
});
