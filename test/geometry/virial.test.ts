import { describe, expect, it } from "vitest";
import { add, div, exp, mul, neg, safeSqrt, square } from "../../kernels/elementwise/ops.generated.js";
import { edgeVectors } from "../../kernels/edge_vectors/op.js";
import { indexMap } from "../../kernels/segment/op.js";
import { sum } from "../../kernels/reduce/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { batchOf, edgeGraph, type Structure } from "../../src/geometry/batch.js";
import { Cell } from "../../src/geometry/cell.js";
import { neighborListOfFrames } from "../../src/geometry/neighbor-list.js";
import { assembleForces, assembleVirial, atomicVirial } from "../../src/geometry/virial.js";
import { setDefaultDevice } from "../../src/tensor/device.js";
import { scope } from "../../src/tensor/scope.js";
import { tensor, type Tensor } from "../../src/tensor/tensor.js";
import { gradcheck, gradgradcheck } from "../../src/testing/gradcheck.js";
import { errorOf } from "../data/expect-error.js";

openCpu();
setDefaultDevice("cpu");

const rcut = 4;

/** Two structures of different sizes: a sheared periodic one, and a cluster. */
const structures: readonly Structure[] = [
  {
    atomicNumbers: [8, 1, 1],
    positions: [0.1, 0.2, 0.3, 1.2, 0.1, -0.4, 7.9, 2.1, 1.4],
    cell: [3.1, 0.2, 0, 1.4, 3.4, 0.3, -0.2, 0.5, 3.7],
    pbc: true,
  },
  {
    atomicNumbers: [6, 1, 1, 1],
    positions: [0, 0, 0, 1.1, 0, 0.1, 0, 1.3, 0, -0.2, 0, 1.2],
    cell: null,
    pbc: false,
  },
];

/** A pair energy that is smooth at the cutoff, angstrom -> eV, halved since both directions are listed. */
const pairEnergy = (r: number): number => (r < rcut ? 0.5 * Math.exp(-r) * (rcut - r) ** 3 : 0);

function energyOf(edge: Tensor): Tensor {
  const r = safeSqrt(sum(square(edge), { axis: 1 }));
  const gap = add(neg(r), rcut);
  return mul(sum(mul(exp(neg(r)), mul(gap, square(gap)))), 0.5);
}

/** The same energy by plain loops, from the structures. */
const plainEnergy = (s: readonly Structure[]): number =>
  neighborListOfFrames(s, rcut).distance.reduce((total, r) => total + pairEnergy(r), 0);

/** dE/d(edge) with all that forces and virials are made of. */
function parts() {
  const { list } = batchOf(structures, rcut);
  const edge = requireGrad(tensor(list.edgeVector, [list.count, 3]));
  const [slope] = grad(energyOf(edge), [edge]);
  const neighbour = indexMap(list.edgeIndex[0], list.ptr.length - 1);
  return { slope, edge, neighbour, ptr: tensor(list.ptr), edgePtr: tensor(list.edgePtr) };
}

const moved = (f: number, change: (s: Structure) => Partial<Structure>): Structure[] =>
  structures.map((s, k) => (k === f ? { ...s, ...change(s) } : s));

describe("forces and virials from edges", () => {
  it("are minus the differences of the energy by positions", () => {
    const forces = scope(() => {
      const { slope, ptr, neighbour } = parts();
      return assembleForces(slope, ptr, neighbour).dataSync();
    });
    let at = 0;
    structures.forEach((s, f) => {
      for (let k = 0; k < s.positions.length; k++, at++) {
        const energy = (h: number) =>
          plainEnergy(
            moved(f, ({ positions }) => ({
              positions: Array.from(positions, (x, l) => (l === k ? x + h : x)),
            })),
          );
        expect(forces[at]).toBeCloseTo((energy(-1e-5) - energy(1e-5)) / 2e-5, 8);
      }
    });
  });

  it("are minus the differences of the energy by strain, index 3a + b, per structure", () => {
    const virial = scope(() => {
      const { slope, edge, edgePtr } = parts();
      return assembleVirial(slope, edge, edgePtr).dataSync();
    });
    structures.forEach((_, f) => {
      for (let a = 0; a < 3; a++)
        for (let b = 0; b < 3; b++) {
          // x_a grows by h x_b
          const strain = (rows: ArrayLike<number>, h: number) =>
            Array.from(rows, (x, k) => (k % 3 === a ? x + h * rows[k - a + b] : x));
          const energy = (h: number) =>
            plainEnergy(
              moved(f, ({ positions, cell }) => ({
                positions: strain(positions, h),
                cell: cell === null ? null : strain(cell, h),
              })),
            );
          expect(virial[9 * f + 3 * a + b]).toBeCloseTo((energy(-1e-5) - energy(1e-5)) / 2e-5, 7);
        }
    });
  });

  it("give a symmetric virial with the sign of sum r x F, and atomic virials that belong to neighbours and sum up to it", () => {
    scope(() => {
      const { slope, edge, neighbour, ptr, edgePtr } = parts();
      const [d, e] = [slope.dataSync(), edge.dataSync()];
      const virial = assembleVirial(slope, edge, edgePtr).dataSync();
      const atomic = atomicVirial(slope, edge, neighbour).dataSync();
      const source = neighbour.index.dataSync();
      const wanted = new Float64Array(atomic.length);
      source.forEach((k, n) => {
        for (let ab = 0; ab < 9; ab++)
          wanted[9 * k + ab] -= d[3 * n + Math.floor(ab / 3)] * e[3 * n + (ab % 3)];
      });
      atomic.forEach((x, k) => expect(x).toBeCloseTo(wanted[k], 13));
      for (let ab = 0; ab < 9; ab++) {
        expect(virial[ab]).toBeCloseTo(
          [0, 1, 2].reduce((s, k) => s + atomic[9 * k + ab], 0),
          12,
        );
        expect(virial[ab]).toBeCloseTo(virial[3 * (ab % 3) + Math.floor(ab / 3)], 12);
      }
      // Without a cell the virial is the sum of r (x) F over atoms, F's index first.
      const forces = assembleForces(slope, ptr, neighbour).dataSync();
      const { positions } = structures[1];
      for (let a = 0; a < 3; a++)
        for (let b = 0; b < 3; b++) {
          const total = [0, 1, 2, 3].reduce((s, i) => s + forces[3 * (3 + i) + a] * positions[3 * i + b], 0);
          expect(virial[9 + 3 * a + b]).toBeCloseTo(total, 12);
        }
    });
  });

  it("can be differentiated", () => {
    const { slope, edge, neighbour, ptr, edgePtr } = parts();
    gradcheck((d) => assembleForces(d, ptr, neighbour), [slope]);
    for (const f of [
      (d: Tensor, e: Tensor) => assembleVirial(d, e, edgePtr),
      (d: Tensor, e: Tensor) => atomicVirial(d, e, neighbour),
    ]) {
      gradcheck(f, [slope, edge]);
      gradgradcheck(f, [slope, edge]);
    }
  });
});

describe("batches", () => {
  it("put structures in a row, pairs numbered through", () => {
    const batch = batchOf(structures, rcut);
    expect(batch).toMatchObject({ frames: 2, atoms: 7 });
    expect([...batch.frame]).toEqual([0, 0, 0, 1, 1, 1, 1]);
    expect([...batch.atomicNumbers]).toEqual([8, 1, 1, 6, 1, 1, 1]);
    expect([...batch.framePtr]).toEqual([0, 3, 7]);
    expect([...batch.cells.subarray(9)]).toEqual(new Array(9).fill(0));
    const { list } = batch;
    for (const row of list.edgeIndex)
      row.forEach((i, e) => expect(batch.frame[i]).toBe(e < list.edgePtr[1] ? 0 : 1));
    expect(batchOf([], rcut)).toMatchObject({ frames: 0, atoms: 0, list: { count: 0 } });
    const wrong = [structures[0], { ...structures[1], atomicNumbers: [6] }];
    expect(errorOf(() => batchOf(wrong, rcut)).message).toMatch(
      /structure 1 has 1 atomic numbers and 12 coordinates/,
    );
  });

  it("have edge vectors that follow positions and cells", () => {
    const batch = batchOf(structures, rcut);
    const graph = edgeGraph(batch.list, "f64");
    const positions = requireGrad(tensor(batch.positions, [batch.atoms, 3]));
    const cell = requireGrad(tensor(batch.cells, [batch.frames, 3, 3]));
    const edge = edgeVectors(positions, graph, cell);
    edge.dataSync().forEach((x, k) => expect(x).toBeCloseTo(batch.list.edgeVector[k], 14));
    const [byPosition, byCell] = grad(energyOf(edge), [positions, cell]);
    const { slope, edge: fixed, ptr, neighbour, edgePtr } = parts();
    const forces = assembleForces(slope, ptr, neighbour).dataSync();
    byPosition.dataSync().forEach((x, k) => expect(-x).toBeCloseTo(forces[k], 13));
    // A strain moves atoms and cell alike: virial_ab = -(sum r_b dE/dr_a + sum cell_b dE/dcell_a).
    const virial = assembleVirial(slope, fixed, edgePtr).dataSync();
    const [dr, dc] = [byPosition.dataSync(), byCell.dataSync()];
    const { vectors } = new Cell(structures[0].cell, true);
    for (let a = 0; a < 3; a++)
      for (let b = 0; b < 3; b++) {
        let total = 0;
        for (let i = 0; i < 3; i++)
          total -= dr[3 * i + a] * batch.positions[3 * i + b] + dc[3 * i + a] * vectors[3 * i + b];
        expect(virial[3 * a + b]).toBeCloseTo(total, 12);
      }
    const energy = (x: Tensor, c: Tensor) => energyOf(edgeVectors(x, graph, c));
    gradcheck(energy, [positions, cell], { elements: 30 });
    gradgradcheck(energy, [positions, cell]);
  });

  it("give strains of the second order too", () => {
    const batch = batchOf(structures.slice(0, 1), rcut);
    const graph = edgeGraph(batch.list, "f64");
    const scaled = (s: Tensor) =>
      energyOf(
        edgeVectors(mul(tensor(batch.positions, [3, 3]), s), graph, mul(tensor(batch.cells, [1, 9]), s)),
      );
    const one = tensor(Float64Array.of(1));
    const energy = (x: number) =>
      plainEnergy([
        {
          ...structures[0],
          positions: batch.positions.map((p) => p * x),
          cell: batch.cells.map((c) => c * x),
        },
      ]);
    const s = requireGrad(one);
    const [first] = grad(scaled(s), [s], { createGraph: true });
    const [second] = grad(sum(div(first, 1)), [s]);
    expect(first.itemSync()).toBeCloseTo((energy(1 + 1e-5) - energy(1 - 1e-5)) / 2e-5, 6);
    expect(second.itemSync()).toBeCloseTo((energy(1 + 1e-3) - 2 * energy(1) + energy(1 - 1e-3)) / 1e-6, 2);
  });
});
