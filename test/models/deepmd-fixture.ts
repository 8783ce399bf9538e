import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import { readModelTree } from "../../src/models/deepmd/serialize/from-tree.js";
import { type NamedModel, toNamedModel } from "../../src/models/deepmd/serialize/named-weights.js";
import { ndArray, type Tree } from "../../src/models/deepmd/serialize/tree.js";

/** One evaluation by DeePMD-kit, with the model that gave it. */
export interface FixtureCase {
  coord: number[];
  types: number[];
  box: number[] | null;
  fparam?: number[] | null;
  aparam?: number[] | null;
  energy: number;
  force: number[];
  virial: number[];
  atomEnergy: number[];
  atomVirial: number[];
  descriptor: number[];
  /** The same in float32 nets. */
  single: { energy: number; force: number[]; virial: number[] };
  model: { tree: string; set: Record<string, unknown> };
}

export interface Fixture {
  trees: Record<string, unknown>;
  cases: Record<string, FixtureCase>;
}

export function readFixture(name: string): Fixture {
  return JSON.parse(readFileSync(new URL(`../fixtures/deepmd/${name}`, import.meta.url), "utf8")) as Fixture;
}

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

/** The model file of a case as a tree: the case's values put into a copy of the tree at their JSON pointers. */
export function treeOf(
  { trees }: Pick<Fixture, "trees">,
  { model: { tree, set } }: Pick<FixtureCase, "model">,
): Tree {
  const copy = structuredClone(trees[tree]) as Record<string, unknown>;
  for (const [pointer, value] of Object.entries(set)) {
    const keys = pointer.split("/").slice(1);
    if (keys.length === 0) return { model: restore(value) } as Tree;
    let at = copy;
    for (const key of keys.slice(0, -1)) at = at[key] as Record<string, unknown>;
    at[keys[keys.length - 1]] = value;
  }
  return { model: restore(copy) } as Tree;
}

export function modelOf(fixture: Fixture, name: string): NamedModel {
  return toNamedModel(readModelTree(treeOf(fixture, fixture.cases[name]), name), name);
}

/** The same model with float32 nets. */
export function singleOf({ config, weights }: NamedModel): DeepPot {
  const precision = "float32" as const;
  const single = {
    ...config,
    descriptor: { ...config.descriptor, precision },
    fitting_net: { ...config.fitting_net, precision },
  };
  return potentialOf({ config: single, weights });
}

export function potentialOf({ config, weights }: Pick<NamedModel, "config" | "weights">): DeepPot {
  return DeepPot.of(new EnergyModel(config, weights));
}

/** Numbers within `tolerance` of the largest of them, at least of 1. */
export function close(found: ArrayLike<number>, wanted: readonly number[], tolerance: number): void {
  expect(found.length).toBe(wanted.length);
  const scale = Math.max(1, ...wanted.map(Math.abs));
  wanted.forEach((w, k) => expect(Math.abs(found[k] - w)).toBeLessThanOrEqual(tolerance * scale));
}
