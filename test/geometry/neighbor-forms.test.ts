import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { edgeVectors } from "../../kernels/edge_vectors/op.js";
import { sqrt, square } from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { edgeGraph } from "../../src/geometry/batch.js";
import { padNeighbors } from "../../src/geometry/limit-neighbors.js";
import { neighborList, neighborListInParts, neighborListOfFrames } from "../../src/geometry/neighbor-list.js";
import { VerletList } from "../../src/geometry/verlet-list.js";
import { memory, setDefaultDevice } from "../../src/tensor/device.js";
import { scope } from "../../src/tensor/scope.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { errorOf } from "../data/expect-error.js";
import { crowd, system } from "./brute-force.js";

openCpu();
setDefaultDevice("cpu");

describe("maxNeighbors", () => {
  it("keeps the nearest, or the first in the list", () => {
    fc.assert(
      fc.property(system, fc.nat(12), (s, most) => {
        const all = neighborList(s.positions, s.cell, s.pbc, s.rcut);
        for (const keep of ["nearest", "first"] as const) {
          const list = neighborList(s.positions, s.cell, s.pbc, s.rcut, { maxNeighbors: most, keep });
          const wanted: number[] = [];
          for (let i = 0; i + 1 < all.ptr.length; i++) {
            const edges = Array.from({ length: all.ptr[i + 1] - all.ptr[i] }, (_, k) => all.ptr[i] + k);
            if (keep === "nearest") edges.sort((a, b) => all.distance[a] - all.distance[b] || a - b);
            wanted.push(...edges.slice(0, most).sort((a, b) => a - b));
            expect(list.ptr[i + 1]).toBe(wanted.length);
          }
          expect(list.count).toBe(wanted.length);
          expect([...list.edgeIndex[0]]).toEqual(wanted.map((e) => all.edgeIndex[0][e]));
          expect([...list.edgeIndex[1]]).toEqual(wanted.map((e) => all.edgeIndex[1][e]));
          expect([...list.distance]).toEqual(wanted.map((e) => all.distance[e]));
          expect([...list.edgeVector]).toEqual(
            wanted.flatMap((e) => [...all.edgeVector.subarray(3 * e, 3 * e + 3)]),
          );
          expect([...list.edgeShift]).toEqual(
            wanted.flatMap((e) => [...all.edgeShift.subarray(3 * e, 3 * e + 3)]),
          );
        }
      }),
      { numRuns: 60, seed: 31 },
    );
  });

  it("keeps shells whole when asked", () => {
    const half = 3.61 / 2;
    const cell = [0, half, half, half, 0, half, half, half, 0];
    const count = (maxNeighbors: number, keep: "nearest" | "nearestShells") =>
      neighborList([0, 0, 0], cell, true, 6, { maxNeighbors, keep }).count;
    // Shells of 12, 6, 24, 12 and 24.
    expect([1, 12, 50, 77, 78].map((most) => count(most, "nearest"))).toEqual([1, 12, 50, 77, 78]);
    expect([1, 12, 50, 77, 78].map((most) => count(most, "nearestShells"))).toEqual([12, 18, 54, 78, 78]);
  });

  it("refuses what is no count", () => {
    const error = errorOf(() => neighborList([0, 0, 0], null, false, 1, { maxNeighbors: 1.5 }));
    expect(error.message).toMatch(/maxNeighbors is 1.5/);
  });
});

describe("single precision", () => {
  it("rounds the vectors and distances of the same pairs", () => {
    fc.assert(
      fc.property(fc.oneof(system, crowd), (s) => {
        const double = neighborList(s.positions, s.cell, s.pbc, s.rcut);
        const single = neighborList(s.positions, s.cell, s.pbc, s.rcut, { dtype: "f32" });
        expect(single.edgeIndex).toEqual(double.edgeIndex);
        expect(single.edgeShift).toEqual(double.edgeShift);
        expect(single.edgeVector).toEqual(Float32Array.from(double.edgeVector));
        expect(single.distance).toEqual(Float32Array.from(double.distance));
      }),
      { numRuns: 40, seed: 32 },
    );
  });
});

describe("padNeighbors", () => {
  const cube = [3, 0, 0, 0, 3, 0, 0, 0, 3];
  const list = neighborList([0, 0, 0, 1, 0, 0, 2.5, 0, 0], cube, true, 1.2);

  it("gives every centre the same number of slots", () => {
    const padded = padNeighbors(list, 3);
    expect([...padded.neighbour]).toEqual([1, 2, -1, 0, -1, -1, 0, -1, -1]);
    expect([...padded.distance]).toEqual([1, 0.5, 0, 1, 0, 0, 0.5, 0, 0]);
    expect([...padded.vector.subarray(0, 9)]).toEqual([1, 0, 0, -0.5, 0, 0, 0, 0, 0]);
    expect([...padded.shift.subarray(0, 9)]).toEqual([0, 0, 0, -1, 0, 0, 0, 0, 0]);
  });

  it("names the number of slots that are needed", () => {
    const error = errorOf(() => padNeighbors(list, 1));
    expect(error.code).toBe("VALUE");
    expect(error.message).toMatch(/atom 0 has 2 neighbours, sel is 1; give a sel of at least 2/);
    expect(errorOf(() => padNeighbors(list, -1)).message).toMatch(/sel is -1/);
  });
});

describe("neighborListInParts", () => {
  it("gives the pairs of the whole list, centre after centre", () => {
    fc.assert(
      fc.property(fc.oneof(system, crowd), fc.constantFrom(1, 10, 100, 1e6), (s, size) => {
        const whole = neighborList(s.positions, s.cell, s.pbc, s.rcut);
        const alive = memory("cpu").tensors;
        const parts = [...neighborListInParts(s, s.rcut, size)];
        expect(memory("cpu").tensors).toBe(alive);
        const joined = (pick: (p: (typeof parts)[0]) => ArrayLike<number>): number[] =>
          parts.flatMap((p) => Array.from(pick(p)));
        expect(joined((p) => p.edgeIndex[0])).toEqual([...whole.edgeIndex[0]]);
        expect(joined((p) => p.edgeIndex[1])).toEqual([...whole.edgeIndex[1]]);
        expect(joined((p) => p.edgeShift)).toEqual([...whole.edgeShift]);
        expect(joined((p) => p.edgeVector)).toEqual([...whole.edgeVector]);
        expect(joined((p) => p.distance)).toEqual([...whole.distance]);
        for (const p of parts) expect([p.total, p.ptr[p.ptr.length - 1]]).toEqual([whole.count, p.count]);
      }),
      { numRuns: 40, seed: 33 },
    );
  });
});

describe("VerletList", () => {
  it("gives what a search gives, to the bit, and searches only after half a skin", () => {
    const cell = [9, 0, 0, 1, 8, 0, 0, 2, 7];
    const verlet = new VerletList(3, [true, true, false], { skin: 0.6 });
    const positions = Float64Array.from({ length: 120 }, (_, k) => ((k * 7919) % 1009) / 100);
    const steps = 30;
    for (let step = 0; step < steps; step++) {
      expect(verlet.update(positions, cell)).toEqual(
        pick(neighborList(positions, cell, [true, true, false], 3)),
      );
      positions.forEach((x, k) => (positions[k] = x + 0.04 * Math.sin(k * k + step / 9)));
    }
    expect(verlet.searches).toBeGreaterThan(2);
    expect(verlet.searches).toBeLessThan(steps / 3);
    const before = verlet.searches;
    cell[0] = 9.001;
    verlet.update(positions, cell);
    expect(verlet.searches).toBe(before + 1);
  });

  it("gives what searches give of any system, whatever the atoms do", () => {
    fc.assert(
      fc.property(
        fc.oneof(system, crowd),
        fc.double({ min: 0.05, max: 1.5, noNaN: true }),
        fc.boolean(),
        fc.boolean(),
        (s, skin, inclusive, overwrite) => {
          using verlet = new VerletList(s.rcut, s.pbc, { skin, inclusive, overwrite });
          const positions = Float64Array.from(s.positions);
          for (const step of [0, 0.2, 0.45, 1.1]) {
            const moved = positions.map((x, k) => x + step * skin * 0.57 * Math.sin(k * k));
            const wanted = pick(neighborList(moved, s.cell, s.pbc, s.rcut, { inclusive }));
            expect(verlet.update(moved, s.cell)).toEqual(wanted);
          }
        },
      ),
      { numRuns: 50, seed: 34 },
    );
  });

  it("decides as a search does for pairs at the cutoff", () => {
    const cell = [4, 0, 0, 0, 4, 0, 1, 0, 4];
    const at = Array.from({ length: 60 }, (_, k) => ((k * 7919) % 7) - 3);
    for (const inclusive of [false, true])
      for (const rcut of [3, Math.sqrt(2), Math.sqrt(3), Math.sqrt(5)])
        expect(new VerletList(rcut, true, { skin: 0.5, inclusive }).update(at, cell)).toEqual(
          pick(neighborList(at, cell, true, rcut, { inclusive })),
        );
  });

  it("takes atoms many cells away, and searches where their offsets are too many to be kept", () => {
    const cell = [5, 0, 0, 0, 5, 0, 0, 0, 5];
    const searches = [
      { all: 0, some: 5 },
      { all: 1e5, some: 2 },
      { all: 0, some: 1e5 },
    ].map(({ all, some }) => {
      const cells = (k: number): number => all + some * ((k % 4) - 1);
      const positions = Array.from({ length: 30 }, (_, k) => ((k * 7919) % 97) / 20 + 5 * cells(k));
      const verlet = new VerletList(3, true, { skin: 0.5 });
      for (let step = 0; step < 3; step++)
        expect(verlet.update(positions, cell)).toEqual(pick(neighborList(positions, cell, true, 3)));
      return verlet.searches;
    });
    expect(searches).toEqual([1, 1, 3]);
  });

  it("writes over the last list only where that is wanted", () => {
    const [start, moved] = [
      [0, 0, 0, 1, 0, 0],
      [0, 0, 0, 1.1, 0, 0],
    ];
    for (const overwrite of [false, true]) {
      const verlet = new VerletList(2, false, { skin: 1, overwrite });
      const first = verlet.update(start, null);
      const second = verlet.update(moved, null);
      expect([...second.distance]).toEqual([1.1, 1.1]);
      expect([...first.distance]).toEqual(overwrite ? [1.1, 1.1] : [1, 1]);
    }
  });

  it("leaves no tensors behind, in a scope or out of one", () => {
    const alive = memory("cpu").tensors;
    const verlet = new VerletList(3, false, { skin: 1 });
    const at = Float64Array.from({ length: 60 }, (_, k) => ((k * 7919) % 97) / 12);
    const first = scope(() => verlet.update(at, null));
    expect(verlet.update(at, null)).toEqual(first);
    expect(verlet.searches).toBe(1);
    const held = memory("cpu").tensors;
    for (let step = 0; step < 5; step++) verlet.update(at.map((x) => x + step), null); // prettier-ignore
    expect(memory("cpu").tensors).toBe(held);
    verlet.dispose();
    expect(memory("cpu").tensors).toBe(alive);
    expect(verlet.update(at, null)).toEqual(first);
    verlet.dispose();
  });

  it("names an atom that is nowhere, before and after a search", () => {
    const verlet = new VerletList(3, false, { skin: 1 });
    const at = [0, 0, 0, 1, 0, 0];
    expect(errorOf(() => verlet.update([0, 0, 0, NaN, 0, 0], null)).message).toMatch(/atom 1 is NaN/);
    verlet.update(at, null);
    for (const bad of [NaN, Infinity])
      expect(errorOf(() => verlet.update([0, 0, 0, 1, bad, 0], null)).message).toMatch(
        /position of atom 1 is/,
      );
    expect(errorOf(() => verlet.update([0, 0, 0, 1], null)).code).toBe("SHAPE");
    expect(verlet.update(at, null).count).toBe(2);
    expect(verlet.update([], null).count).toBe(0);
  });

  it("refuses a skin of zero", () => {
    expect(errorOf(() => new VerletList(3, true, { skin: 0 })).message).toMatch(/skin is 0/);
  });
});

/** The sum of the lengths of rows. */
const norm = (rows: Tensor): Tensor => sum(sqrt(sum(square(rows), { axis: 1 })));

/** A list without what only lists of frames have. */
function pick(list: ReturnType<typeof neighborList>): object {
  const { count, edgeIndex, edgeShift, edgeVector, distance, ptr } = list;
  return { count, edgeIndex, edgeShift, edgeVector, distance, ptr };
}

describe("differentiable edges", () => {
  it("have the list's vectors, and slopes in positions and cell that finite differences confirm", () => {
    const cell = Float64Array.of(4, 0, 0, 0.5, 4.2, 0, 0, 0.3, 3.9);
    const positions = Float64Array.of(0.1, 0.2, 0.3, 1.9, 2.1, 1.7, 9.5, -3, 0.4);
    const list = neighborListOfFrames([{ positions, cell, pbc: true }], 4.5);
    const lengths = (p: Float64Array, c: Float64Array): number =>
      scope(() => norm(edgeVectors(tensor(p, [3, 3]), edgeGraph(list, "f64"), tensor(c, [1, 9]))).itemSync());
    scope(() => {
      const p = requireGrad(tensor(positions, [3, 3]));
      const c = requireGrad(tensor(cell, [1, 9]));
      const edges = edgeVectors(p, edgeGraph(list, "f64"), c);
      edges.dataSync().forEach((x, k) => expect(x).toBeCloseTo(list.edgeVector[k], 13));
      const slopes = grad(norm(edges), [p, c]).map((g) => g.dataSync());
      [positions, cell].forEach((values, which) =>
        values.forEach((_, k) => {
          const moved = [1e-5, -1e-5].map((h) => {
            const both = [Float64Array.from(positions), Float64Array.from(cell)];
            both[which][k] += h;
            return lengths(both[0], both[1]);
          });
          expect(slopes[which][k]).toBeCloseTo((moved[0] - moved[1]) / 2e-5, 6);
        }),
      );
    });
  });
});
