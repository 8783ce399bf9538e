import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import { assertEquivariant, assertInvariant } from "../../src/testing.js";
import { coords, formulaModel, types } from "./formula-model.js";

/** A cell smaller than twice the cutoff, skewed: every atom sees images of itself. */
const tiny = Float64Array.of(4.6, 0.3, 0, -0.4, 5.1, 0.2, 0.1, 0.5, 4.9);

function potential(descriptor: Record<string, unknown> = {}, davg = true): DeepPot {
  const { config, weights } = formulaModel(descriptor, davg);
  return DeepPot.of(new EnergyModel(config, weights));
}

beforeAll(openCpu);

describe.each([
  ["smooth", {}],
  ["not smooth", { smooth_type_embedding: false }],
  ["strip", { tebd_input_mode: "strip" }],
])("physics of se_atten, %s", (_name, descriptor) => {
  it.each([
    ["a tiny triclinic cell", tiny],
    ["no cell", null],
  ])("forces are the slope of the energy in %s", (_where, cell) => {
    const pot = potential({ sel: 60, ...descriptor });
    const { force } = pot.evalSync(coords, cell, types);
    const h = 1e-5;
    for (const k of [0, 4, 8, 11, 17]) {
      const at = (step: number): number => {
        const moved = coords.slice();
        moved[k] += step;
        return pot.evalSync(moved, cell, types).energy[0];
      };
      expect(Math.abs((at(-h) - at(h)) / (2 * h) - force[k])).toBeLessThan(1e-7);
    }
  });

  it("the virial is the slope of the energy in a strain", () => {
    const pot = potential({ sel: 60, ...descriptor });
    const { virial } = pot.evalSync(coords, tiny, types);
    const h = 1e-5;
    for (const [a, b] of [
      [0, 0],
      [0, 1],
      [2, 1],
    ]) {
      const at = (step: number): number => {
        const strain = (rows: Float64Array): Float64Array =>
          rows.map((x, k) => (k % 3 === a ? x + step * rows[k - a + b] : x));
        return pot.evalSync(strain(coords), strain(tiny), types).energy[0];
      };
      expect(Math.abs((at(-h) - at(h)) / (2 * h) - virial[3 * a + b])).toBeLessThan(1e-6);
    }
  });

  it("moves, rotations and inversions change nothing but the direction of forces", () => {
    const pot = potential(descriptor);
    const options = { cell: Float64Array.of(13, 0, 0, 0, 13, 0, 0, 0, 13), tolerance: 1e-9 };
    assertInvariant((x, cell) => pot.evalSync(x, cell, types).energy, coords, options);
    assertEquivariant((x, cell) => pot.evalSync(x, cell, types).force, coords, options);
  });

  it("whole cells and the order of atoms do not matter", () => {
    const pot = potential(descriptor);
    const box = Float64Array.of(13, 0, 0, 0, 13, 0, 0, 0, 13);
    const before = pot.evalSync(coords, box, types);
    const moved = coords.map((x, k) => (k === 3 ? x + 26 : k === 7 ? x - 13 : x));
    expect(Math.abs(pot.evalSync(moved, box, types).energy[0] - before.energy[0])).toBeLessThan(1e-11);
    const order = [3, 5, 0, 1, 4, 2];
    const mixed = Float64Array.from(order.flatMap((i) => [...coords.subarray(3 * i, 3 * i + 3)]));
    const after = pot.evalSync(
      mixed,
      box,
      order.map((i) => types[i]),
    );
    // The first atom keeps its type: with davg != 0 empty slots take it over (spec 2.8).
    expect(Math.abs(after.energy[0] - before.energy[0])).toBeLessThan(1e-11);
  });

  it("an atom alone has an energy and no force", () => {
    const { energy, force } = potential(descriptor).evalSync([0, 0, 0], null, [0]);
    expect(Number.isFinite(energy[0])).toBe(true);
    expect([...force].map(Math.abs)).toEqual([0, 0, 0]);
  });
});

it("smooth attention is smooth where a neighbour crosses the cutoff", () => {
  // With davg != 0 a slot that empties changes its type (spec 2.8), so DeePMD's own energy jumps there.
  const pot = potential({ sel: 60 }, false);
  const at = (r: number): number => pot.evalSync([0, 0, 0, 1, 0.2, 0, r, 0, 0], null, [0, 1, 1]).energy[0];
  expect(Math.abs(at(4 - 1e-7) - at(4 + 1e-7))).toBeLessThan(1e-9);
});
