import fc from "fast-check";
import { expect } from "vitest";
import { neighborList, neighborListInParts, neighborListOfFrames } from "../../src/geometry/neighbor-list.js";
import { neighborTensors } from "../../src/geometry/neighbor-tensors.js";
import { radiusGraph } from "../../src/geometry/radius-graph.js";
import { VerletList } from "../../src/geometry/verlet-list.js";
import type { DeviceName } from "../../src/tensor/backend.js";
import { device as deviceByName, memory } from "../../src/tensor/device.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { scope } from "../../src/tensor/scope.js";
import { requireGrad } from "../../src/autograd/node.js";
import { tensor } from "../../src/tensor/tensor.js";
import { crowd, system } from "../geometry/brute-force.js";

/** Frames of which several are searched by cells, and one is sorted in more than one tile. */
function frames() {
  const random = new RandomStream(7);
  const frame = (atoms: number, edge: number, pbc: readonly [boolean, boolean, boolean]) => ({
    positions: Float64Array.from({ length: 3 * atoms }, () => edge * (random.uniform() * 1.4 - 0.2)),
    cell: [edge, 0, 0, 0.3 * edge, edge, 0, 0, -0.2 * edge, edge],
    pbc,
  });
  return [
    frame(20, 6, [true, true, true]),
    frame(6000, 36, [true, false, true]),
    frame(0, 5, [true, true, true]),
    frame(1, 2, [true, true, true]),
    frame(300, 14, [false, false, false]),
    frame(700, 17, [true, true, true]),
  ];
}

/** A device's neighbour lists are the CPU's: the same pairs in the same order, vectors and distances to the bit. */
export function expectSameNeighbours(device: DeviceName): void {
  for (const dtype of ["f64", "f32"] as const) {
    const options = { dtype: dtype as "f64" };
    const found = neighborListOfFrames(frames(), 3.1, { ...options, device });
    const wanted = neighborListOfFrames(frames(), 3.1, options);
    expect(wanted.count).toBeGreaterThan(20_000);
    expect(found).toEqual(wanted);
  }
  for (const frame of [frames()[1], frames()[5]]) {
    const parts = (where: object) => [...neighborListInParts(frame, 3.1, 5000, where)];
    expect(parts({ device })).toEqual(parts({}));
    const [here, there] = [{}, { device }].map(
      (where) => new VerletList(3.1, frame.pbc, { skin: 0.4, ...where }),
    );
    for (const step of [0, 0.1, 0.3]) {
      const moved = frame.positions.map((x, k) => x + step * Math.sin(k * k));
      const found = there.update(moved, frame.cell);
      expect(found).toEqual(here.update(moved, frame.cell));
      const wanted = neighborList(moved, frame.cell, frame.pbc, 3.1);
      expect(found.edgeVector).toEqual(wanted.edgeVector);
      expect(found.edgeShift).toEqual(wanted.edgeShift);
    }
    expect([here.searches, there.searches]).toEqual([2, 2]);
    there.dispose();
    here.dispose();
  }
  const { positions } = frames()[4];
  expect(radiusGraph(positions, 2.5, { device })).toEqual(radiusGraph(positions, 2.5));
  fc.assert(
    fc.property(fc.oneof({ weight: 15, arbitrary: system }, { weight: 1, arbitrary: crowd }), (s) => {
      const list = (options: object) => neighborList(s.positions, s.cell, s.pbc, s.rcut, options);
      expect(list({ device })).toEqual(list({}));
    }),
    { numRuns: 300, seed: 31 },
  );
}

/** Positions on a device are searched there, and what is found stays there. */
export function expectTensorsSearchedOn(device: DeviceName): void {
  const { positions, cell, pbc } = frames()[5];
  const shape = [positions.length / 3, 3];
  const before = memory(device).tensors;
  for (const dtype of ["f64", "f32"] as const) {
    const given = dtype === "f64" ? positions : Float32Array.from(positions);
    const wanted = neighborList(given, cell, pbc, 3.1, { dtype: dtype as "f64" });
    const kernels = launchesDuring("cpu", () =>
      scope(() => {
        const x = requireGrad(tensor(given, shape, { device }));
        const { count, edgeIndex, ...found } = neighborTensors(x, cell, pbc, 3.1);
        expect([...edgeIndex, ...Object.values(found)].every((t) => t.device.name === device)).toBe(true);
        expect(count).toBe(wanted.count);
        expect(edgeIndex.map((t) => t.dataSync())).toEqual(wanted.edgeIndex);
        expect(found.edgeShift.dataSync()).toEqual(wanted.edgeShift);
        expect(found.edgeVector.dataSync()).toEqual(wanted.edgeVector);
        expect(found.distance.dataSync()).toEqual(wanted.distance);
        expect(found.ptr.dataSync()).toEqual(wanted.ptr);
      }),
    );
    if (device !== "cpu") expect(kernels).toEqual([]);
    const bad = Float64Array.from(positions).fill(NaN, 16, 17);
    expect(() => scope(() => neighborTensors(tensor(bad, shape, { device }), cell, pbc, 3.1))).toThrow(
      /position of atom 5 is NaN/,
    );
  }
  expect(memory(device).tensors).toBe(before);
}

/** Kernels that a device runs during `f`. */
function launchesDuring(name: DeviceName, f: () => void): string[] {
  const { backend } = deviceByName(name);
  const launch = backend.launch.bind(backend);
  const names: string[] = [];
  backend.launch = (kernel, type) => {
    names.push(kernel.name);
    launch(kernel, type);
  };
  try {
    f();
  } finally {
    Reflect.deleteProperty(backend, "launch");
  }
  return names;
}
