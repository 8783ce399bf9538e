import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { readDeepmdSystem } from "../../src/data/deepmd-npy.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { readModelTree } from "../../src/models/deepmd/serialize/from-tree.js";
import { toNamedModel } from "../../src/models/deepmd/serialize/named-weights.js";
import { potentialOf, readFixture, singleOf, treeOf } from "./deepmd-fixture.js";

const root = join(import.meta.dirname, "../..");
const shared = join(root, "../shared/data/deepmd-water");
const examples = join(root, "examples/data");

/** The largest difference of single precision's forces, relative to the largest force of the frame; the worst frame. */
function worstFrame(double: DeepPot, single: DeepPot, folder: string, frames: readonly number[]): number {
  const system = readDeepmdSystem(folder, { typeMap: double.typeMap, labels: [] });
  const { atomCount: atoms, positions, cells, types, mixed } = system;
  const errors = frames.map((frame) => {
    const r = positions.subarray(3 * atoms * frame, 3 * atoms * (frame + 1));
    const cell = cells!.subarray(9 * frame, 9 * frame + 9);
    const kinds = mixed ? types.subarray(atoms * frame, atoms * (frame + 1)) : types;
    const exact = double.evalSync(r, cell, kinds).force;
    const found = single.evalSync(r, cell, kinds).force;
    const scale = exact.reduce((most, f) => Math.max(most, Math.abs(f)), 0);
    return exact.reduce((most, f, k) => Math.max(most, Math.abs(f - found[k])), 0) / scale;
  });
  double.dispose();
  single.dispose();
  expect(errors.some(Number.isNaN)).toBe(false);
  return Math.max(...errors);
}

/** Non-smooth attention with dotr, the schema's own flags (fixtures/deepmd/near-cutoff.json). */
function nonSmooth(): [DeepPot, DeepPot] {
  openCpu();
  const tree = treeOf(readFixture("near-cutoff.json"), { model: { tree: "se_atten", set: {} } });
  const model = toNamedModel(readModelTree(tree, "near-cutoff"), "near-cutoff");
  return [potentialOf(model), singleOf(model)];
}

const load = (file: string): Promise<[DeepPot, DeepPot]> =>
  Promise.all([DeepPot.load(file, { precision: "f64" }), DeepPot.load(file, { precision: "f32" })]);

describe("forces in f32 agree with f64 to 2e-5", () => {
  // Frames 2, 7, 10 and 11 of data_1 have pairs within 2e-4 angstrom of the cutoff.
  it.skipIf(!existsSync(shared)).each([
    ["data_1", [0, 2, 7, 10, 11, 40]],
    ["data_3", [0, 5, 10]],
  ])("water %s, non-smooth attention (needs the shared water)", (name, frames) => {
    expect(worstFrame(...nonSmooth(), join(shared, name), frames)).toBeLessThan(2e-5);
  });

  it("water of the examples, non-smooth attention and the potential trained on it", async () => {
    const frames = join(examples, "water/frames");
    expect(worstFrame(...nonSmooth(), frames, [0, 9, 19])).toBeLessThan(2e-5);
    const trained = await load(join(examples, "water/model.safetensors"));
    expect(worstFrame(...trained, frames, [0, 9, 19])).toBeLessThan(2e-5);
  });

  it.each(["concat", "concat-smooth", "strip", "strip-smooth"])(
    "alloys of the examples, %s",
    async (name) => {
      const model = join(root, `test/fixtures/deepmd/train10-${name}.dp`);
      for (const folder of ["quaternary/n128", "train/n016", "train/n054"]) {
        const pots = await load(model);
        const frames = folder.endsWith("n016") ? [0, 1, 2, 3, 4, 5, 6, 7] : [0, 1, 2];
        expect(worstFrame(...pots, join(examples, "nbmotaw", folder), frames), folder).toBeLessThan(2e-5);
      }
    },
  );
});
