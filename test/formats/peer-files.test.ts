import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inspectFile } from "../../src/data/inspect/inspect.js";
import type { StructureReport } from "../../src/data/inspect/structure-report.js";
import { readStructures } from "../../src/data/structures.js";

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
