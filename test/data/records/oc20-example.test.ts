import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { describeRecord } from "../../../examples/oc20-record.js";
import { OcpLmdb } from "../../../src/data/records/ocp-lmdb.js";
import { readStructures } from "../../../src/data/structures.js";
import {
  alongLattice,
  cartesianForces,
  fractionalForces,
  minimumImage,
  toCartesian,
  toFractional,
} from "../../../src/geometry/fractional.js";
import { errorOf } from "../expect-error.js";
import { expectFields } from "./expected-fields.js";
import type { ExpectedField } from "./expected-fields.js";

const excerpt = join("examples", "data", "oc20", "is2re.lmdb");

describe("the excerpt of OC20", () => {
  it("holds what PyTorch finds in it", () => {
    const fixture = join("test", "fixtures", "records", "oc20.json");
    const { records } = JSON.parse(readFileSync(fixture, "utf8")) as {
      records: Record<string, ExpectedField>[];
    };
    const set = new OcpLmdb(excerpt);
    expect(set.length).toBe(records.length);
    records.forEach((fields, k) => expectFields(set.record(k), fields));
    set.close();
  });

  it("keeps OC20's rules: edges, fixed atoms, minimum images", async () => {
    for (const { positions, cell, tags, fixed, info, arrays, atomicNumbers } of await readStructures(
      excerpt,
    )) {
      expect([...fixed!]).toEqual(Array.from(tags!, (tag) => Number(tag === 0)));
      const relaxed = arrays.get("pos_relaxed")!.data as Float32Array;
      const moved = minimumImage(
        Float64Array.from(relaxed, (value, k) => value - positions[k]),
        cell!,
      );
      moved.forEach((value, k) =>
        expect(Math.abs(value)).toBeLessThan(fixed![Math.floor(k / 3)] === 1 ? 1e-4 : 4),
      );
      const edges = info.get("edge_index")!;
      const offsets = toCartesian(
        Float64Array.from(info.get("cell_offsets")!.data as BigInt64Array, Number),
        cell!,
      );
      const count = edges.shape[1];
      let centre = 0;
      for (let e = 0; e < count; e++) {
        const [j, i] = [Number(edges.data[e]), Number(edges.data[count + e])];
        expect(i).toBeGreaterThanOrEqual(centre);
        expect(i).toBeLessThan(atomicNumbers.length);
        centre = i;
        const length = Math.hypot(
          ...[0, 1, 2].map((a) => positions[3 * j + a] + offsets[3 * e + a] - positions[3 * i + a]),
        );
        expect(length).toBeLessThanOrEqual(6.0001);
      }
    }
  });
});

describe("fractional coordinates", () => {
  const cell = [3, 0, 0, -1.5, 2.598076, 0, 0, 0, 20];
  const position = [1, 2, 5];

  it("use the whole cell: the worked example of docs/oc20.md", () => {
    const fractional = toFractional(position, cell);
    expect([...fractional].map((value) => value.toFixed(6))).toEqual(["0.718234", "0.769800", "0.250000"]);
    expect([...toCartesian(fractional, cell)].map((value) => value.toFixed(12))).toEqual(
      position.map((v) => v.toFixed(12)),
    );
    const decoded = (wrong: number[]): number => {
      const back = toCartesian(wrong, cell);
      return Math.hypot(...back.map((value, k) => value - position[k]));
    };
    expect(decoded([1 / 3, 2 / 3, 1 / 4])).toBeCloseTo(1.035, 3);
    expect(decoded([1 / 3, 2 / 2.598076, 1 / 4])).toBeCloseTo(1.155, 3);
  });

  it("differentiate covariantly: -dE/df by finite differences, not F C^-1", () => {
    const energy = ([x, y, z]: ArrayLike<number> & Iterable<number>): number =>
      Math.sin(x) * y ** 2 + Math.exp(-z / 7) * x;
    const [x, y, z] = position;
    const force = [-Math.cos(x) * y * y - Math.exp(-z / 7), -2 * y * Math.sin(x), (x * Math.exp(-z / 7)) / 7];
    const found = fractionalForces(force, cell);
    const fractional = toFractional(position, cell);
    for (let k = 0; k < 3; k++) {
      const at = (step: number): number =>
        energy(
          toCartesian(
            fractional.map((f, i) => (i === k ? f + step : f)),
            cell,
          ),
        );
      expect(found[k]).toBeCloseTo(-(at(1e-5) - at(-1e-5)) / 2e-5, 6);
    }
    expect([...cartesianForces(found, cell)].map((v) => v.toFixed(12))).toEqual(
      force.map((v) => v.toFixed(12)),
    );
    const components = alongLattice(force, cell);
    expect([...toCartesian(components, cell)].map((v) => v.toFixed(12))).toEqual(
      force.map((v) => v.toFixed(12)),
    );
    // The work of a displacement is the same in both: covariant times contravariant.
    const step = [0.01, -0.02, 0.03];
    const work = force.reduce((sum, value, k) => sum + value * step[k], 0);
    const df = toFractional(step, cell);
    expect(found.reduce((sum, value, k) => sum + value * df[k], 0)).toBeCloseTo(work, 12);
  });

  it("refuse cells without volume", () => {
    expect(errorOf(() => toFractional(position, [1, 0, 0, 2, 0, 0, 0, 0, 1])).code).toBe("VALUE");
    expect(errorOf(() => toFractional(position, [1, 0, 0])).code).toBe("SHAPE");
  });
});

describe("examples/oc20-record.ts", () => {
  it("prints what docs/oc20.md shows", async () => {
    const lines = await describeRecord("examples/data/oc20/is2re.lmdb", 1);
    const page = readFileSync(join("docs", "oc20.md"), "utf8");
    expect(page).toContain(lines.map((line) => (line === "" ? "" : `    ${line}`)).join("\n"));
  });
});
