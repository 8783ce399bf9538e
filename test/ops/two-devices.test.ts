import { describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openCuda } from "../../src/backends/cuda/cuda.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { openWebGpu } from "../../src/backends/webgpu/webgpu.js";
import { memory } from "../../src/tensor/device.js";
import { absence } from "./device-matrix.js";
import { trainForces } from "./force-training.js";

const steps = 60;

openCpu();
openReference();

const devices = [
  ["webgpu", await absence(openWebGpu)],
  ["cuda", await absence(() => openCuda())],
  ["reference", undefined],
] as const;

/** The largest difference of two curves, relative to the larger value. */
function distance(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((x, k) => Math.abs(x - b[k]) / Math.max(Math.abs(x), Math.abs(b[k]))));
}

describe("a two-layer network trained on forces", () => {
  it("learns on the cpu", async () => {
    const losses = await trainForces("cpu", "f64", steps);
    expect(losses.at(-1)!).toBeLessThan(0.5 * losses[0]);
  });

  describe.each(devices)("on %s", (device, missing) => {
    it.skipIf(missing !== undefined)(
      `has the loss curve of the cpu to f32 rounding${missing === undefined ? "" : ` (${missing})`}`,
      async () => {
        const exact = await trainForces("cpu", "f64", steps);
        const cpu = await trainForces("cpu", "f32", steps);
        const found = await trainForces(device, "f32", steps);
        expect(distance(cpu, exact)).toBeLessThan(1e-5);
        expect(distance(found, exact)).toBeLessThan(1e-5);
        expect(found[0]).not.toBe(found.at(-1));
      },
    );

    it.skipIf(missing !== undefined)("repeats its curve bit for bit and leaks nothing", async () => {
      const before = memory(device).tensors;
      const first = await trainForces(device, "f32", 5);
      const { allocations, tensors } = memory(device);
      expect(tensors).toBe(before);
      expect(await trainForces(device, "f32", 5)).toEqual(first);
      expect(memory(device).allocations).toBe(allocations);
    });
  });
});
