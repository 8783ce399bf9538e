import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import { readModelTree } from "../../src/models/deepmd/serialize/from-tree.js";
import { toNamedModel } from "../../src/models/deepmd/serialize/named-weights.js";
import { ndArray, type Tree } from "../../src/models/deepmd/serialize/tree.js";

interface Case {
  coord: number[];
  types: number[];
  box: number[] | null;
  energy: number;
  force: number[];
  virial: number[];
  atomEnergy: number[];
  descriptor: number[];
  model: { tree: string; set: Record<string, unknown> };
}

const fixture = JSON.parse(
  readFileSync(new URL("../fixtures/deepmd/options.json", import.meta.url), "utf8"),
) as {
  trees: Record<string, unknown>;
  cases: Record<string, Case>;
};

/** Arrays of the fixture ({"array", "shape", "base64"}) as arrays of a model tree. */
function restore(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(restore);
  if (value === null || typeof value !== "object") return value;
  const section = value as Record<string, unknown>;
  if (typeof section.base64 === "string") {
    const bytes = Buffer.from(section.base64, "base64");
    const data = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    return ndArray(section.shape as number[], data);
  }
  return Object.fromEntries(Object.entries(section).map(([key, item]) => [key, restore(item)]));
}

/** A copy of the tree with the case's values put in at their JSON pointers. */
function treeOf({ tree, set }: Case["model"]): Tree {
  const copy = structuredClone(fixture.trees[tree]) as Record<string, unknown>;
  for (const [pointer, value] of Object.entries(set)) {
    const keys = pointer.split("/").slice(1);
    let at = copy;
    for (const key of keys.slice(0, -1)) at = at[key] as Record<string, unknown>;
    at[keys[keys.length - 1]] = value;
  }
  return { model: restore(copy) } as Tree;
}

function close(found: ArrayLike<number>, wanted: readonly number[], tolerance: number): void {
  expect(found.length).toBe(wanted.length);
  const scale = Math.max(1, ...wanted.map(Math.abs));
  wanted.forEach((w, k) => expect(Math.abs(found[k] - w)).toBeLessThanOrEqual(tolerance * scale));
}

beforeAll(openCpu);

describe("se_atten options against DeePMD-kit 3.2 (fixtures/deepmd/options.json)", () => {
  it.each(Object.entries(fixture.cases))("%s", (name, c) => {
    const { config, weights } = toNamedModel(readModelTree(treeOf(c.model), name), name);
    const pot = DeepPot.of(new EnergyModel(config, weights));
    const result = pot.evalSync(c.coord, c.box, c.types, { atomic: true });
    close(result.energy, [c.energy], 1e-10);
    close(result.force, c.force, 1e-10);
    close(result.virial, c.virial, 1e-10);
    close(result.atomEnergy!, c.atomEnergy, 1e-10);
    close(pot.evalDescriptorSync(c.coord, c.box, c.types), c.descriptor, 1e-10);
    pot.dispose();
  });
});
