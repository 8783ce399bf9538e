import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { memory } from "../../src/tensor/device.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { readSystemFor } from "../../src/models/deepmd/eval-system.js";

const fixtures = resolve(import.meta.dirname, "../fixtures/deepmd");

interface Frame {
  readonly coords: Float64Array;
  readonly cell: Float64Array;
  readonly types: Int32Array;
  readonly fparam: Float64Array | undefined;
  readonly aparam: Float64Array | undefined;
}

/** The first frame of data/plain, 8 atoms, and crystals of it. */
function crystalOf(pot: DeepPot, [n0, n1, n2]: readonly number[]): Frame {
  const system = readSystemFor(pot, join(fixtures, "model-commands/data/plain"));
  const { atomCount: atoms, positions, cells, types, labels } = system;
  const cell = cells!.subarray(0, 9);
  const copies: number[][] = [];
  for (let a = 0; a < n0; a++)
    for (let b = 0; b < n1; b++) for (let c = 0; c < n2; c++) copies.push([a, b, c]);
  const coords = copies.flatMap((shift) =>
    [...positions.subarray(0, 3 * atoms)].map(
      (x, k) => x + shift.reduce((sum, s, row) => sum + s * cell[3 * row + (k % 3)], 0),
    ),
  );
  const aparam = labels.aparam?.data.subarray(0, labels.aparam.width);
  return {
    coords: Float64Array.from(coords),
    cell: cell.map((x, k) => x * [n0, n1, n2][Math.floor(k / 3)]),
    types: Int32Array.from(copies.flatMap(() => [...types])),
    fparam: labels.fparam?.data.subarray(0, labels.fparam.width),
    aparam: aparam && Float64Array.from(copies.flatMap(() => [...aparam])),
  };
}

/** The largest difference of numbers that repeat those of one cell, relative to the largest. */
function difference(found: Float64Array, one: Float64Array): number {
  const scale = one.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  return found.reduce((most, x, k) => Math.max(most, Math.abs(x - one[k % one.length])), 0) / scale;
}

describe("frames so large that they are computed in blocks of centres", () => {
  it.each(["se_atten.dp", "strip.dp", "se_e2_a.dp", "parameters.dp"])(
    "%s: a crystal of 80 cells has 80 times the energy and in each cell the same forces",
    async (file) => {
      const pot = await DeepPot.load(join(fixtures, "written", file));
      const results = [
        [1, 1, 1],
        [4, 4, 5],
      ].map((copies) => {
        const { coords, cell, types, fparam, aparam } = crystalOf(pot, copies);
        const given = pot.parameterCounts.fparam > 0 ? { fparam, aparam } : {};
        return {
          ...pot.evalSync(coords, cell, types, { atomic: true, ...given }),
          descriptor: pot.evalDescriptorSync(coords, cell, types, given),
          last: pot.evalFittingLastLayerSync(coords, cell, types, given),
        };
      });
      const [one, many] = results;
      expect(many.atomEnergy!.length).toBe(640);
      expect(Math.abs(many.energy[0] / 80 - one.energy[0])).toBeLessThan(1e-10);
      expect(
        difference(
          many.virial.map((v) => v / 80),
          one.virial,
        ),
      ).toBeLessThan(1e-10);
      for (const name of ["atomEnergy", "force", "atomVirial", "descriptor", "last"] as const)
        expect(difference(many[name]!, one[name]!), name).toBeLessThan(1e-10);
      pot.dispose();
    },
  );

  it("need no more memory for the network when they are twice as large", async () => {
    const pot = await DeepPot.load(join(fixtures, "written/se_atten.dp"));
    const bytes = [
      [4, 4, 8],
      [4, 8, 8],
    ].map((copies) => {
      const { coords, cell, types } = crystalOf(pot, copies);
      pot.evalSync(coords, cell, types);
      return memory("cpu").reserved;
    });
    // Only the neighbours are those of the whole frame: 100 bytes for each of 60 in the list, and little else.
    expect(bytes[1] - bytes[0]).toBeLessThan(1024 * 60 * 100 * 2);
    pot.dispose();
  });
});
