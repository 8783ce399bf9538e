import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LmdbFile } from "../../../src/data/lmdb/reader.js";
import { writeLmdbSync } from "../../../src/data/lmdb/writer.js";
import { OcpLmdb } from "../../../src/data/records/ocp-lmdb.js";
import { sourceRecord } from "../../../src/data/records/graph-structure.js";
import { makeStructure } from "../../../src/data/structure.js";
import type { Structure } from "../../../src/data/structure.js";
import { readStructures, writeStructures } from "../../../src/data/structures.js";
import { errorOf } from "../expect-error.js";
import { temporaryFolder } from "../temporary-folder.js";
import { expectFields } from "./expected-fields.js";
import type { ExpectedField } from "./expected-fields.js";

const folder = temporaryFolder();
const shared = join("..", "shared", "data");
const present = existsSync(shared);
/** A Python with torch, torch_geometric and lmdb; see reference/README.md. */
const python = process.env.ATOMGRAD_PEER_PYTHON;

function water(shift: number): Structure {
  return makeStructure({
    atomicNumbers: Int32Array.of(8, 1, 1),
    positions: Float64Array.of(0, 0, shift, 0.96, 0, 0, -0.24, 0.93, 0),
    cell: Float64Array.of(9, 0, 0, -1, 8, 0, 0, 0.5, 7),
    pbc: [true, true, false],
    energy: -14.25 - shift / 3,
    forces: Float64Array.of(0.1, 0.2, 0.3, -0.1, 0, 0, 0, -0.2, -0.3),
    tags: Int32Array.of(0, 1, 2),
    fixed: Uint8Array.of(1, 0, 0),
    arrays: new Map([["charges", { kind: "real", shape: [3], data: Float64Array.of(-0.8, 0.4, 0.4) }]]),
    info: new Map([
      ["sid", { kind: "integer", shape: [], data: BigInt64Array.of(2n ** 40n) }],
      ["label", { kind: "text", shape: [], data: ["wässer"] }],
    ]),
  });
}

describe("records written for OCP", () => {
  it("come back with cell [1, 3, 3] and everything known", async () => {
    const path = join(folder, "water.lmdb");
    await writeStructures(path, [water(0), water(0.5)], { format: "ocp-lmdb" });
    const set = new OcpLmdb(path);
    expect(set.length).toBe(2);
    const record = set.record(1);
    expect(record.get("cell")).toMatchObject({ dtype: "float32", shape: [1, 3, 3] });
    const structure = set.structure(1);
    const { positions, forces, ...same } = water(0.5);
    expect(structure.energy).toBe(same.energy);
    expect(structure.pbc).toEqual(same.pbc);
    expect(structure.positions).toEqual(Float64Array.from(positions, Math.fround));
    expect(structure.forces).toEqual(Float64Array.from(forces!, Math.fround));
    for (const key of ["atomicNumbers", "cell", "tags", "fixed"] as const)
      expect(structure[key]).toEqual(same[key]);
    expect(structure.info.get("sid")).toEqual(same.info.get("sid"));
    expect(structure.info.get("label")!.data[0]).toBe("wässer");
    expect(structure.arrays.get("charges")).toEqual(same.arrays.get("charges"));
    set.close();
  });

  it("refuse virtual atoms and leave no file behind", () => {
    const bad = makeStructure({ atomicNumbers: Int32Array.of(1, -1), positions: new Float64Array(6) });
    return expect(writeStructures(join(folder, "bad.lmdb"), [water(0), bad], { format: "ocp-lmdb" }))
      .rejects.toThrow(/record 1: atom 1 is a virtual atom/)
      .then(() => expect(readdirSync(folder).filter((name) => name.includes("bad"))).toEqual([]));
  });

  const files = ["oc20-is2re/data.lmdb", "oc20-s2ef/data.0000.lmdb", "ocp-lmdb-new-pyg/cuco_16k.lmdb"];
  it.skipIf(!present).each(files)(
    "%s keeps every attribute, type and bit (needs the shared data)",
    async (file) => {
      const path = join(folder, file.replace("/", "-"));
      const source = await readStructures(join(shared, file));
      await writeStructures(path, source, { format: "ocp-lmdb" });
      const copy = await readStructures(path);
      expect(copy).toHaveLength(source.length);
      copy.forEach((structure, k) => {
        expect(structure.keys).toEqual(source[k].keys);
        for (const [key, value] of sourceRecord(source[k])!) {
          const again = sourceRecord(structure)!.get(key) as {
            dtype?: string;
            shape?: number[];
            bytes?: () => Uint8Array;
          };
          const before = value as typeof again;
          if (before?.bytes === undefined) expect(again).toEqual(value);
          else {
            expect([again.dtype, again.shape]).toEqual([before.dtype, before.shape]);
            expect(Buffer.compare(again.bytes!(), before.bytes()), key).toBe(0);
          }
        }
      });
    },
  );

  it.skipIf(!present || python === undefined)(
    "are opened by python-lmdb and PyTorch Geometric (needs the shared data and ATOMGRAD_PEER_PYTHON)",
    async () => {
      const paths = ["is2re.lmdb", "water.lmdb"].map((name) => join(folder, `peer-${name}`));
      const sets = [
        await readStructures(join(shared, "oc20-is2re", "data.lmdb")),
        [water(0), water(1), water(2)],
      ];
      for (const [k, path] of paths.entries()) await writeStructures(path, sets[k], { format: "ocp-lmdb" });
      const { stdout, stderr } = spawnSync(python!, ["reference/records/read_ocp.py", ...paths], {
        encoding: "utf8",
        maxBuffer: 1 << 26,
      });
      const reports = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { entries: number; records: Record<string, ExpectedField>[] });
      expect(reports, stderr).toHaveLength(2);
      reports.forEach((report, k) => {
        expect(report.entries).toBe(sets[k].length + 1);
        const set = new OcpLmdb(paths[k]);
        report.records.forEach((fields, r) => expectFields(set.record(r), fields));
        set.close();
      });
    },
  );
});

describe("LMDB files written here", () => {
  const key = (k: number): string => `key ${k}`;

  it.each([0, 1, 2, 3, 90, 91, 5000, 40_000])("of %i records are read back by key and in order", (count) => {
    const path = join(folder, `many-${count}.lmdb`);
    const value = (k: number): Uint8Array =>
      new Uint8Array([0, 5, 2037 - 16, 2100, 9000][count > 1000 ? k % 2 : k % 5]).fill(k);
    writeLmdbSync(
      path,
      Array.from({ length: count }, (_, k) => [key(k), value(k)] as const),
    );
    const file = new LmdbFile(path);
    expect(file.entries).toBe(count);
    const keys = [...file.walk()].map(([found]) => new TextDecoder().decode(found));
    expect(keys).toEqual(Array.from({ length: count }, (_, k) => key(k)).sort());
    for (let k = 0; k < count; k += count > 1000 ? 37 : 1) expect(file.get(key(k))).toEqual(value(k));
    expect(file.get(key(count))).toBeNull();
    file.close();
  });

  it.skipIf(python === undefined)(
    "of any size are opened by python-lmdb (needs ATOMGRAD_PEER_PYTHON)",
    () => {
      const program = [
        "import lmdb, sys, hashlib",
        "for path in sys.argv[1:]:",
        "    env = lmdb.open(path, subdir=False, readonly=True, lock=False)",
        "    with env.begin() as t: items = [(k, v) for k, v in t.cursor()]",
        "    with env.begin() as t: assert all(t.get(k) == v for k, v in items)",
        "    print(len(items), env.stat()['depth'], hashlib.sha256(b''.join(k + v for k, v in items)).hexdigest())",
      ].join("\n");
      const paths = [0, 1, 2, 3, 90, 91, 5000, 40_000].map((count) => join(folder, `many-${count}.lmdb`));
      const { stdout, stderr } = spawnSync(python!, ["-c", program, ...paths], { encoding: "utf8" });
      const lines = stdout
        .trim()
        .split("\n")
        .map((line) => line.split(" "));
      expect(
        lines.map(([count]) => Number(count)),
        stderr,
      ).toEqual([0, 1, 2, 3, 90, 91, 5000, 40_000]);
      expect(Number(lines[7][1])).toBeGreaterThan(2);
    },
  );

  it("refuse doubled and impossible keys", () => {
    const path = join(folder, "keys.lmdb");
    const value = new Uint8Array(3);
    expect(
      errorOf(() =>
        writeLmdbSync(path, [
          ["a", value],
          ["a", value],
        ]),
      ).message,
    ).toMatch(/"a" is given twice/);
    expect(errorOf(() => writeLmdbSync(path, [["", value]])).code).toBe("VALUE");
    expect(errorOf(() => writeLmdbSync(path, [["x".repeat(512), value]])).code).toBe("VALUE");
    expect(existsSync(path)).toBe(false);
  });
});
