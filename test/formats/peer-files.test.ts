import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { inspectFile } from "../../src/data/inspect/inspect.js";
import type { StructureReport } from "../../src/data/inspect/structure-report.js";
import { writeLmdbSync } from "../../src/data/lmdb/writer.js";
import { formatNamed } from "../../src/data/formats/structure-formats.js";
import { encodeHdf5, type Hdf5Array } from "../../src/data/hdf5-write.js";
import { spreadOver } from "../../src/data/sampled-frames.js";
import type { Field } from "../../src/data/structure.js";
import { readStructures } from "../../src/data/structures.js";
import { put, temporaryFolder } from "../data/temporary-folder.js";

const temporary = temporaryFolder();
const folder = join("test", "fixtures", "formats", "peers");
const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as {
  numbers: number[];
  cell: number[];
  positions: number[][];
  forces: number[][];
  energies: number[];
};

/** File, format, what it holds beside atoms and positions, and how exactly. */
const files: readonly (readonly [string, string, string, number])[] = [
  ["run.traj", "ase-traj", "cell energy forces fixed", 0],
  ["frames.extxyz", "extxyz", "cell energy forces", 1e-8],
  ["rmd17.npz", "npz", "energy forces", 0],
  ["md17.npz", "npz", "energy forces", 0],
  ["dimenet.npz", "npz", "", 0],
  ["ani.h5", "ani-hdf5", "energy", 1e-6],
  ["system.hdf5", "deepmd-hdf5", "cell energy forces", 0],
  ["graphs.pkl", "pyg-pickle", "cell energy forces", 0],
  ["graphs.pt", "pyg-pt", "cell energy forces", 0],
  ["batch.pt", "pyg-pt", "cell forces", 0],
  ["deepmd.lmdb", "deepmd-lmdb", "cell energy forces", 0],
];

function expectClose(found: ArrayLike<number> | null, wanted: readonly number[], within: number): void {
  expect(found?.length).toBe(wanted.length);
  for (let k = 0; k < wanted.length; k++) expect(Math.abs(found![k] - wanted[k])).toBeLessThanOrEqual(within);
}

describe("files that other programs wrote", () => {
  it.each(files)("%s", async (file, format, held, within) => {
    const path = join(folder, file);
    const frames = await readStructures(path);
    expect(frames.length).toBe(expected.energies.length);
    frames.forEach((frame, k) => {
      expect([...frame.atomicNumbers]).toEqual(expected.numbers);
      expectClose(frame.positions, expected.positions[k], within);
      if (held.includes("cell")) expectClose(frame.cell, expected.cell, within);
      if (held.includes("energy"))
        expect(Math.abs(frame.energy! - expected.energies[k])).toBeLessThanOrEqual(within);
      if (held.includes("forces")) expectClose(frame.forces, expected.forces[k], within);
      if (held.includes("fixed")) expect([...frame.fixed!]).toEqual([0, 0, 0, 1]);
    });
    const report = (await inspectFile(path)) as StructureReport;
    expect([report.format, report.frames, report.atoms.total]).toEqual([format, 3, 12]);
  });
});

describe("a trajectory of ASE with fields of every kind (reference/formats/trajectory.py)", () => {
  type Told = Record<"info" | "arrays" | "results", Record<string, unknown>>;
  const { frames: told } = JSON.parse(readFileSync(join(folder, "fields.json"), "utf8")) as {
    frames: Told[];
  };

  /** A field as Python prints it. */
  const plain = ({ kind, shape, data }: Field): unknown => {
    const items = Array.from(data as readonly unknown[], (value) =>
      kind === "boolean" ? value === 1 : typeof value === "bigint" ? Number(value) : value,
    );
    if (kind === "json") return JSON.parse(items[0] as string);
    const nested = (axis: number, from: number, size: number): unknown =>
      axis === shape.length
        ? items[from]
        : Array.from({ length: shape[axis] }, (_, k) =>
            nested(axis + 1, from + (k * size) / shape[axis], size / shape[axis]),
          );
    return nested(0, 0, items.length);
  };

  it("says what ASE says", async () => {
    const frames = await readStructures(join(folder, "fields.traj"));
    frames.forEach(({ info, arrays, energy, forces, stress, tags, keys }, k) => {
      const { info: wanted, arrays: perAtom, results } = told[k];
      for (const [name, value] of Object.entries(wanted))
        expect([name, plain(info.get(name)!)]).toEqual([name, value === "inf" ? Infinity : value]);
      for (const name of ["initial_charges", "initial_magmoms"])
        expect(plain(arrays.get(name)!)).toEqual(perAtom[name]);
      expect([...tags!]).toEqual(perAtom.tags);
      for (const name of ["charges", "energies"]) expect(plain(arrays.get(name)!)).toEqual(results[name]);
      for (const name of ["dipole", "free_energy", "magmom"])
        expect(plain(info.get(name)!)).toEqual(results[name]);
      expect([energy, [...forces!]]).toEqual([results.energy, (results.forces as number[][]).flat()]);
      expect([...stress!]).toEqual([0, 5, 4, 5, 1, 3, 4, 3, 2]);
      expect(keys).toEqual(expect.arrayContaining(["dipole", "my", "initial_charges", "charges", "stress"]));
    });
    expect(frames[0].info.get("wide")!.data).toEqual(BigInt64Array.of(9007199254740993n, 1n));
    expect(["my", "whole", "n"].map((name) => frames[0].info.get(name)!.kind)).toEqual([
      "real",
      "real",
      "integer",
    ]);
  });

  it("names the constraints that are left out, and keeps tags of more than 32 bits", async () => {
    const file = readFileSync(join(folder, "run.traj")).toString("latin1");
    const path = put(
      join(temporary, "plane.traj"),
      Buffer.from(file.replaceAll("FixAtoms", "FixPlane"), "latin1"),
    );
    const notes: string[] = [];
    const frames = await readStructures(path, { onNote: (text, kind) => notes.push(`${kind}: ${text}`) });
    expect(notes).toEqual([
      'left-out: plane.traj: frame 0 has the constraint "FixPlane", which is left out; only atoms that FixAtoms holds are marked as fixed',
    ]);
    expect([...frames[0].fixed!]).toEqual([0, 0, 0, 0]);
    const { suspicious } = (await inspectFile(path)) as StructureReport;
    expect(suspicious).toEqual([expect.objectContaining({ frame: 0, code: "left-out" })]);

    const bytes = readFileSync(join(folder, "fields.traj"));
    const before = (await readStructures(join(folder, "fields.traj")))[0].tags!;
    const stored = Buffer.from(BigInt64Array.from(before, BigInt).buffer);
    const at = bytes.indexOf(stored);
    expect(at).toBeGreaterThan(0);
    bytes.writeBigInt64LE(2n ** 40n, at);
    const [wide] = await readStructures(put(join(temporary, "wide.traj"), bytes));
    expect([wide.tags, wide.arrays.get("tags")!.data[0]]).toEqual([null, 2n ** 40n]);
  });
});

describe("rows of ASE databases in LMDB", () => {
  it("names the constraints that are left out", async () => {
    const row = {
      numbers: [1, 8],
      positions: [
        [0, 0, 0],
        [0, 0, 1],
      ],
      constraints: [
        { name: "FixAtoms", kwargs: { indices: [1] } },
        { name: "FixBondLengths", kwargs: { pairs: [[0, 1]] } },
      ],
    };
    const packed = (value: unknown): Uint8Array => deflateSync(JSON.stringify(value));
    const path = join(temporary, "bonds.aselmdb");
    writeLmdbSync(path, [
      [Buffer.from("1"), packed(row)],
      [Buffer.from("2"), packed(row)],
      [Buffer.from("nextid"), packed(3)],
    ]);
    const notes: string[] = [];
    const frames = await readStructures(path, { onNote: (text, kind) => notes.push(`${kind}: ${text}`) });
    expect(frames.map(({ fixed }) => [...fixed!])).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(notes).toEqual([
      'left-out: bonds.aselmdb, row 1 has the constraint "FixBondLengths", which is left out; only atoms that FixAtoms holds are marked as fixed',
    ]);
  });
});

describe("samples of HDF5 files", () => {
  it.each([
    ["deepmd-hdf5", "system.hdf5"],
    ["ani-hdf5", "ani.h5"],
  ])("%s: frames spread over all of it, as few as their atoms allow", async (name, file) => {
    const format = formatNamed(name);
    await format.prepare!();
    const path = join(folder, file);
    const all = [...format.read!(path)];
    expect(all.length).toBeGreaterThan(1);
    for (const count of [1, 2, all.length]) {
      const { frames, structures } = format.sample!(path, count)!;
      expect([frames, [...structures]]).toEqual([
        all.length,
        spreadOver(all.length, count).map((k) => ({ ...all[k] })),
      ]);
    }
    const few = format.sample!(path, 100, { atoms: 1, fewest: 1 })!;
    expect([few.frames, [...few.structures].length]).toEqual([all.length, 1]);
  });

  it("of more than a thousand groups not all are looked into, and the frames are reckoned", async () => {
    const groups = Array.from({ length: 1500 }, (_, k) => `molecules/m${k}`);
    const arrays = groups.flatMap((group, k): [string, Hdf5Array][] => [
      [
        `${group}/coordinates`,
        { shape: [2, 2, 3], data: Float64Array.of(0, 0, 0, 0, 0, 1 + k, 0, 0, 0, 0, 0, 2) },
      ],
      [`${group}/species`, ["H", "F"]],
    ]);
    const path = put(join(temporaryFolder(), "ani.h5"), await encodeHdf5(arrays, {}));
    const { frames, isEstimate, structures } = formatNamed("ani-hdf5").sample!(path, 128)!;
    expect([frames, isEstimate]).toEqual([3000, true]);
    const farthest = [...structures].map(({ positions }) => positions[5] - 1);
    expect(farthest.length).toBe(128);
    // The first of two frames of every 11.7th group, from the first to the last of them.
    expect(farthest).toEqual([...farthest].sort((a, b) => a - b));
    expect(Math.max(...farthest)).toBeGreaterThan(1480);
  });
});
