import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";

const shared = join(import.meta.dirname, "../../../shared/data/weights-deepmd");

interface Case {
  coord: number[];
  atype: number[];
  box: number[] | null;
  atomic_energy: number[];
  force: number[];
  atomic_virial: number[];
  descriptor?: number[];
  fit_ll?: number[];
}

function difference(found: ArrayLike<number>, wanted: readonly number[]): number {
  expect(found.length).toBe(wanted.length);
  return Math.max(...wanted.map((x, k) => Math.abs(x - found[k])));
}

describe("numbers DeePMD-kit publishes for its test models", () => {
  it.skipIf(!existsSync(shared))("deeppot_sea.yaml (needs the shared model files)", async () => {
    const pot = await DeepPot.load(join(shared, "deeppot_sea.yaml"));
    const { results } = JSON.parse(readFileSync(join(shared, "deeppot-testcase.json"), "utf8")) as {
      results: Case[];
    };
    for (const one of results) {
      const found = pot.evalSync(one.coord, one.box, one.atype, { atomic: true });
      expect(difference(found.atomEnergy!, one.atomic_energy)).toBeLessThan(1e-12);
      expect(difference(found.force, one.force)).toBeLessThan(1e-13);
      expect(difference(found.atomVirial!, one.atomic_virial)).toBeLessThan(1e-13);
      if (one.descriptor === undefined) continue;
      expect(difference(pot.evalDescriptorSync(one.coord, one.box, one.atype), one.descriptor)).toBeLessThan(
        1e-14,
      );
      expect(
        difference(pot.evalFittingLastLayerSync(one.coord, one.box, one.atype), one.fit_ll!),
      ).toBeLessThan(1e-14);
    }
    pot.dispose();
  });
});
