import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { OcpLmdb } from "../../src/data/records/ocp-lmdb.js";
import { StridedArray } from "../../src/data/strided-array.js";
import { realField, type Structure } from "../../src/data/structure.js";
import { readStructures, writeStructures } from "../../src/data/structures.js";
import { temporaryFolder } from "../data/temporary-folder.js";

/** What fairchem's LmdbDataset found: reference/records/open_with_fairchem.py. */
interface Found {
  readonly sha256: string[];
  readonly records: Record<string, { dtype?: string; shape?: number[]; sha256?: string; value?: unknown }>[];
  readonly batch: { readonly pos: number[]; readonly cell: number[]; readonly natoms: number[] };
}

const data = join("examples", "data");
const fixture = join("test", "fixtures", "records", "fairchem.json");
const kept = process.env.ATOMGRAD_WRITTEN;
const folder = kept ?? temporaryFolder();
const sets = existsSync(fixture)
  ? (JSON.parse(readFileSync(fixture, "utf8")) as { sets: Record<string, Found> }).sets
  : {};
const filesOf: Readonly<Record<string, readonly string[]>> = {
  "oc20.lmdb": ["oc20.lmdb"],
  "crystals.lmdb": ["crystals.lmdb"],
  folder: ["folder/data.0000.lmdb", "folder/data.0001.lmdb"],
};

beforeAll(async () => {
  if (kept !== undefined) rmSync(kept, { recursive: true, force: true });
  mkdirSync(join(folder, "folder"), { recursive: true });
  const oc20 = await readStructures(join(data, "oc20", "is2re.lmdb"));
  const crystals = (await readStructures(join(data, "mp_20", "mp_20.csv"), { frames: ":3" })).map(
    (one, k): Structure => ({
      ...one,
      energy: -1.5 * k - 0.1,
      forces: one.positions.map((x) => x / 7),
      fixed: Uint8Array.from(one.atomicNumbers, (_, atom) => atom % 2),
      info: new Map([["gap", realField(k / 3)]]),
    }),
  );
  await writeStructures(join(folder, "oc20.lmdb"), oc20);
  await writeStructures(join(folder, "crystals.lmdb"), crystals);
  await writeStructures(join(folder, "folder", "data.0000.lmdb"), crystals.slice(0, 1));
  await writeStructures(join(folder, "folder", "data.0001.lmdb"), crystals.slice(1));
});

describe("LMDB files written here, opened by fairchem's LmdbDataset (fixtures/records/fairchem.json)", () => {
  it.each(Object.keys(filesOf))("%s: the files it was given are those that are written today", (name) => {
    const digest = (file: string): string =>
      createHash("sha256").update(readFileSync(join(folder, file))).digest("hex"); // prettier-ignore
    expect(filesOf[name].map(digest)).toEqual(sets[name].sha256);
  });

  it.each(Object.keys(filesOf))("%s: the same attributes, types, shapes and bits", (name) => {
    const { records, batch } = sets[name];
    using ours = new OcpLmdb(join(folder, name));
    expect(records).toHaveLength(ours.length);
    records.forEach((record, k) => {
      const own = ours.record(k);
      // A folder's records get an id of their own from fairchem.
      const keys = Object.keys(record).filter((key) => key !== "id" || own.has("id"));
      expect(keys.sort()).toEqual([...own.keys()].sort());
      for (const [key, value] of own) if (value instanceof StridedArray) compare(record[key], value);
      expect(record.cell.shape).toEqual([1, 3, 3]);
    });
    const atoms = records.map(({ pos }) => pos.shape![0]);
    expect(batch.natoms).toEqual(atoms);
    expect(batch.pos).toEqual([atoms.reduce((a, b) => a + b, 0), 3]);
    expect(batch.cell).toEqual([records.length, 3, 3]);
  });

  it("values by hand", () => {
    const [, second] = sets["crystals.lmdb"].records;
    expect(second.energy.value).toBe(-1.6);
    expect(second.gap.value).toBe(1 / 3);
    expect(second.natoms.value).toBe(second.pos.shape![0]);
  });
});

function compare(found: Found["records"][number][string], array: StridedArray): void {
  const sha256 = createHash("sha256").update(array.bytes()).digest("hex");
  expect(found).toEqual({ dtype: array.dtype, shape: [...array.shape], sha256 });
}
