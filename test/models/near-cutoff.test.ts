import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { readDeepmdSystem } from "../../src/data/deepmd-npy.js";
import type { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { readModelTree } from "../../src/models/deepmd/serialize/from-tree.js";
import { toNamedModel } from "../../src/models/deepmd/serialize/named-weights.js";
import { type Fixture, potentialOf, readFixture, treeOf } from "./deepmd-fixture.js";

const water = join(import.meta.dirname, "../../../shared/data/deepmd-water/data_1");

interface Evaluation {
  energy: number;
  /** Largest difference of the two atoms' forces from the slope of the same energy. */
  slopeError: number;
}

interface Frame {
  /** The pair closest to the cutoff from within, and how close, angstrom. */
  atoms: number[];
  belowCutoff: number;
  /** Forces of the two atoms. */
  shipped: Evaluation & { force: number[] };
  floored: Evaluation & { force: number[] };
  /** Forces of all atoms, base64. */
  free: Evaluation & { force: string };
}

const fixture = readFixture("near-cutoff.json") as Fixture & { frames: Record<string, Frame> };
const frames = Object.entries(fixture.frames).map(([index, frame]) => ({ index: Number(index), ...frame }));

const largest = (values: Iterable<number>): number => Math.max(...Array.from(values, Math.abs));

function numbers(base64: string): Float64Array {
  const bytes = Buffer.from(base64, "base64");
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

function potential(): DeepPot {
  openCpu();
  const tree = treeOf(fixture, { model: { tree: "se_atten", set: {} } });
  return potentialOf(toNamedModel(readModelTree(tree, "near-cutoff"), "near-cutoff"));
}

describe("DeePMD-kit's forces of water near the cutoff (fixtures/deepmd/near-cutoff.json)", () => {
  it("leave the slope because of the floor of 1e-12 under the length of directions, and only there", () => {
    for (const { atoms, belowCutoff, shipped, floored, free } of frames) {
      expect(Math.max(floored.slopeError, free.slopeError)).toBeLessThan(1e-6);
      if (belowCutoff > 2e-4) {
        expect(shipped.slopeError).toBeLessThan(1e-6);
        expect(Math.abs(shipped.energy - free.energy)).toBeLessThan(1e-10);
        continue;
      }
      // The polynomial's rounding makes a noise of the energy; the floor makes another slope.
      expect(shipped.slopeError).toBeGreaterThan(1);
      expect(largest(shipped.force.map((f, k) => f - floored.force[k]))).toBeLessThan(0.02);
      const forces = numbers(free.force);
      const there = atoms.flatMap((atom) => [...forces.subarray(3 * atom, 3 * atom + 3)]);
      expect(largest(floored.force.map((f, k) => f - there[k]))).toBeGreaterThan(10);
      expect(Math.abs(floored.energy - free.energy)).toBeGreaterThan(5e-4);
      expect(largest(forces)).toBeLessThan(6);
    }
  });
});

describe.skipIf(!existsSync(water))("our forces of water near the cutoff (needs the shared water)", () => {
  const { positions, cells, types } = existsSync(water)
    ? readDeepmdSystem(water, { typeMap: ["O", "H"] })
    : { positions: new Float64Array(), cells: null, types: new Int32Array() };

  it.each(frames)("frame $index, a pair $belowCutoff below rcut", ({ index, atoms, free, shipped }) => {
    const pot = potential();
    const size = 3 * types.length;
    const r = positions.slice(index * size, (index + 1) * size);
    const cell = cells!.subarray(9 * index, 9 * index + 9);
    const { energy, force } = pot.evalSync(r, cell, types);

    const wanted = numbers(free.force);
    const scale = largest(wanted);
    expect(Math.abs(energy[0] - free.energy)).toBeLessThan(1e-10 * Math.abs(free.energy));
    expect(largest(wanted.map((f, k) => f - force[k]))).toBeLessThan(1e-10 * scale);

    const step = 1e-6;
    const at = (k: number, shift: number): number => {
      const moved = r.slice();
      moved[k] += shift;
      return pot.evalSync(moved, cell, types).energy[0];
    };
    for (const k of atoms.flatMap((atom) => [3 * atom, 3 * atom + 1, 3 * atom + 2])) {
      const slope = (at(k, -step) - at(k, step)) / (2 * step);
      expect(Math.abs(force[k] - slope)).toBeLessThan(1e-6);
    }
    // The floor moves the step of the energy at rcut by 2e-4 angstrom, and no further.
    expect(Math.abs(energy[0] - shipped.energy)).toBeLessThan(0.025);
    pot.dispose();
  });
});
