import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readStructures } from "../../../src/data/structures.js";
import { LmdbFile } from "../../../src/data/lmdb/reader.js";
import { AseLmdb } from "../../../src/data/records/aselmdb.js";
import { DeepmdLmdb } from "../../../src/data/records/deepmd-lmdb.js";
import { lmdbDialect } from "../../../src/data/records/dialect.js";
import { OcpLmdb } from "../../../src/data/records/ocp-lmdb.js";
import { readNpyFloat64 } from "../../../src/data/npy.js";
import { expectFields } from "./expected-fields.js";
import type { ExpectedField } from "./expected-fields.js";

const shared = join("..", "shared", "data");
const present = existsSync(shared);

interface ExpectedRecord {
  readonly fields: Record<string, ExpectedField>;
}

const ocpFiles: [file: string, expected: string, records: number][] = [
  ["oc20-is2re/data.lmdb", "oc20-is2re/expected.json", 16],
  ["oc20-s2ef/data.0000.lmdb", "oc20-s2ef/expected.json", 16],
  ["ocp-lmdb-new-pyg/train_68.lmdb", "ocp-lmdb-new-pyg/train_68.expected.json", 68],
  ["ocp-lmdb-new-pyg/train_53_freelist.lmdb", "ocp-lmdb-new-pyg/train_53_freelist.expected.json", 53],
  ["ocp-lmdb-new-pyg/cuco_16k.lmdb", "ocp-lmdb-new-pyg/cuco_16k.expected.json", 81],
];

describe("real LMDB files", () => {
  it.skipIf(!present).each(ocpFiles)(
    "%s opens as %s says (needs the shared data)",
    (file, expectedFile, count) => {
      const expected = JSON.parse(readFileSync(join(shared, expectedFile), "utf8")) as ExpectedRecord[];
      expect(lmdbDialect(join(shared, file))).toBe("ocp-lmdb");
      const set = new OcpLmdb(join(shared, file));
      expect(set.length).toBe(count);
      expect(expected).toHaveLength(count);
      // Backwards: records are found by key, in any order.
      for (let k = count - 1; k >= 0; k--) expectFields(set.record(k), expected[k].fields);
      for (let k = 0; k < count; k++) {
        const structure = set.structure(k);
        expect(structure.cell).toHaveLength(9);
        expect(structure.pbc).toEqual([true, true, true]);
        expect(structure.positions).toHaveLength(3 * structure.atomicNumbers.length);
      }
      set.close();
    },
  );

  it.skipIf(!present)("OC20's structures equal their text form (needs the shared data)", async () => {
    const text = await readStructures(join(shared, "oc20-is2re", "systems.extxyz"));
    const records = await readStructures(join(shared, "oc20-is2re", "data.lmdb"));
    expect(records).toHaveLength(text.length);
    records.forEach((record, k) => {
      expect([...record.atomicNumbers]).toEqual([...text[k].atomicNumbers]);
      record.positions.forEach((value, i) =>
        expect(Math.abs(value - text[k].positions[i])).toBeLessThan(1e-5),
      );
      expect([...record.tags!]).toEqual([...text[k].tags!]);
      expect(record.energyKey).toBe("y_init");
      expect(record.forcesKey).toBe("force");
      expect(record.arrays.get("pos_relaxed")!.shape).toEqual([record.atomicNumbers.length, 3]);
    });
  });

  it.skipIf(!present)("a folder of *.lmdb is one set in name order (needs the shared data)", () => {
    const set = new OcpLmdb(join(shared, "ocp-lmdb-new-pyg"));
    expect(set.length).toBe(81 + 53 + 68);
    expect(set.record(81 + 53).get("sid")).toBe(0);
    expect(() => set.record(202)).toThrow(/record 202 of 202/);
    set.close();
  });

  it.skipIf(!present)("the ASE-LMDB file has the rows of its expected.json (needs the shared data)", () => {
    const path = join(shared, "aselmdb-sample", "oc20_relaxed.aselmdb");
    const expected = JSON.parse(readFileSync(join(shared, "aselmdb-sample", "expected.json"), "utf8")) as {
      id: number;
      sid: string;
      natoms: number;
      energy: number;
      fmax: number;
      numbers_sum: number;
      keys: string[];
    }[];
    expect(lmdbDialect(path)).toBe("aselmdb");
    const file = new AseLmdb(path);
    expect(file.ids).toEqual(expected.map(({ id }) => id));
    for (const row of expected) {
      const structure = file.structure(row.id);
      expect(structure.atomicNumbers).toHaveLength(row.natoms);
      expect(structure.atomicNumbers.reduce((a, b) => a + b, 0)).toBe(row.numbers_sum);
      expect(structure.energy).toBe(row.energy);
      expect(structure.forces!.reduce((a, b) => Math.max(a, Math.abs(b)), 0)).toBeCloseTo(row.fmax, 8);
      expect(structure.info.get("sid")).toMatchObject({ kind: "text", data: [row.sid] });
      expect([...structure.keys].sort()).toEqual(row.keys);
    }
    file.close();
  });

  it.skipIf(!present)("DeePMD-kit's LMDB equals the frames of its npy form (needs the shared data)", () => {
    const path = join(shared, "deepmd-lmdb", "water_training.lmdb");
    expect(lmdbDialect(path)).toBe("deepmd-lmdb");
    const set = new DeepmdLmdb(path);
    expect(set.length).toBe(64);
    const first = set.structure(0);
    expect(first.atomicNumbers).toHaveLength(192);
    expect(first.energy).toBeCloseTo(-29943.906, 2);
    expect([...first.positions.subarray(0, 3)].map((value) => value.toFixed(4))).toEqual([
      "7.5388",
      "2.0562",
      "4.5207",
    ]);
    expect(first.cell![0]).toBeCloseTo(12.444661, 5);
    const { data } = readNpyFloat64(join(shared, "deepmd-water", "data_0", "set.000", "energy.npy"));
    const known = new Set(Array.from(data, Math.fround));
    for (let k = 0; k < set.length; k++) expect(known.has(Math.fround(set.structure(k).energy!))).toBe(true);
    set.close();
  });

  it.skipIf(!present)(
    "a batch of torch.save comes apart into its systems (needs the shared data)",
    async () => {
      const path = join(shared, "oc20-is2re", "batch_3.pt");
      const frames = await readStructures(path);
      expect(frames.map(({ atomicNumbers }) => atomicNumbers.length)).toEqual([65, 172, 24]);
      const expected = JSON.parse(readFileSync(path.replace(".pt", ".expected.json"), "utf8")) as Record<
        string,
        { sha256: string }
      >;
      const joined = createHash("sha256");
      for (const { positions } of frames) joined.update(new Uint8Array(Float32Array.from(positions).buffer));
      expect(joined.digest("hex")).toBe(expected.pos.sha256);
      // Edges count the atoms of their own system, and their lengths are what the file says.
      for (const frame of frames) {
        const edges = frame.info.get("edge_index")!;
        const offsets = frame.info.get("cell_offsets")!.data as BigInt64Array;
        const distances = frame.info.get("distances")!.data as Float32Array;
        const count = edges.shape[1];
        for (let e = 0; e < count; e += 97) {
          const [j, i] = [Number(edges.data[e]), Number(edges.data[count + e])];
          const vector = [0, 1, 2].map((axis) => {
            const shift = [0, 1, 2].reduce(
              (sum, row) => sum + Number(offsets[3 * e + row]) * frame.cell![3 * row + axis],
              0,
            );
            return frame.positions[3 * j + axis] + shift - frame.positions[3 * i + axis];
          });
          expect(Math.hypot(...vector)).toBeCloseTo(distances[e], 4);
        }
      }
    },
  );

  it.skipIf(!present)("every record of the walk is found by its key (needs the shared data)", () => {
    const file = new LmdbFile(join(shared, "ocp-lmdb-new-pyg", "cuco_16k.lmdb"));
    let count = 0;
    for (const [key, value] of file.walk()) {
      expect(file.find(key)).toEqual(value);
      count++;
    }
    expect(count).toBe(82);
    expect(file.find("81")).toBeNull();
    expect(file.find("")).toBeNull();
    file.close();
  });
});
