import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readStructures } from "../../src/data/structures.js";
import { put, temporaryFolder } from "../data/temporary-folder.js";
import { bruteForce } from "../geometry/brute-force.js";
import { root } from "./bundle.js";
import { folderState } from "./folder-state.js";
import { expectRefusal, Program } from "./program.js";

const program = new Program();
const folder = temporaryFolder();

interface Line {
  readonly index: number;
  readonly natoms: number;
  readonly count: number;
  readonly pairs: number[][];
  readonly distances: number[];
}

function frame(comment: string, atoms: readonly string[]): string {
  return `${atoms.length}\n${comment}\n${atoms.join("\n")}\n`;
}

const properties = "Properties=species:S:1:pos:R:3";
const files: Record<string, string> = {
  "mixed.extxyz": [
    frame(`Lattice="4 0 0 1 4 0 0 1 4" ${properties} pbc="T T T"`, ["Si 0.1 0.2 0.3", "Si 9.5 -7 2.25"]),
    frame(`Lattice="0 3 0 3 0 0 0 0 0" ${properties} pbc="T T F"`, ["C 0 0 0", "C 1 1 50", "C 1 1 50.5"]),
    frame(`${properties} pbc="F F F"`, ["H 1 2 3", "H 1 2 3", "O 1 2 4.25"]),
    frame(`Lattice="20 0 0 0 20 0 0 0 20" ${properties} pbc="F F F"`, ["H 0 0 0", "H 0 0 19.5"]),
  ].join(""),
  "nan.extxyz": frame(`Lattice="4 0 0 0 4 0 0 0 4" ${properties} pbc="T T T"`, ["Si 0 0 0", "Si 1 nan 1"]),
  "flat.extxyz": frame(`Lattice="4 0 0 8 0 0 0 0 4" ${properties} pbc="T T T"`, ["Si 0 0 0"]),
  "speck.extxyz": frame(`Lattice="1e-4 0 0 0 1e-4 0 0 0 1e-4" ${properties} pbc="T T T"`, ["Si 0 0 0"]),
  "short.extxyz": '3\nLattice="4 0 0 0 4 0 0 0 4"\nSi 0 0 0\n',
  "empty.extxyz": "",
};
for (const [name, text] of Object.entries(files)) put(join(folder, name), text);

function linesOf(args: readonly string[]): Line[] {
  const { status, stdout, stderr } = program.run(folder, ["neighbors", ...args, "--json"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout.endsWith("\n")).toBe(true);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

async function expectBruteForce(file: string, rcut: number, lines: readonly Line[]): Promise<void> {
  const structures = await readStructures(join(folder, file));
  expect(lines.map((line) => [line.index, line.natoms])).toEqual(
    structures.map((s, k) => [k, s.atomicNumbers.length]),
  );
  lines.forEach((line, k) => {
    const { positions, cell, pbc } = structures[k];
    const { pairs, margin } = bruteForce({ positions, cell, pbc, rcut, shape: file });
    expect(margin).toBeGreaterThan(1e-9);
    expect(line.pairs).toEqual(pairs.map(({ i, j, shift }) => [i, j, ...shift]));
    expect(line.count).toBe(pairs.length);
    pairs.forEach(({ distance }, e) => expect(line.distances[e]).toBeCloseTo(distance, 12));
  });
}

describe("atomgrad neighbors --json", () => {
  it("prints what brute force finds, a line per structure", async () => {
    const lines = linesOf(["mixed.extxyz", "--rcut", "5.3"]);
    await expectBruteForce("mixed.extxyz", 5.3, lines);
    expect(lines.map((line) => line.count)).toEqual([44, 42, 6, 0]);
    expect(lines[2].distances).toEqual([0, 1.25, 0, 1.25, 1.25, 1.25]);
  });

  it("has the keys in the documented order and nothing else", () => {
    const { stdout } = program.run(folder, ["neighbors", "mixed.extxyz", "--rcut", "1.5", "--json"]);
    expect(stdout.split("\n")[2]).toBe(
      '{"index":2,"natoms":3,"count":6,"pairs":[[0,1,0,0,0],[0,2,0,0,0],[1,0,0,0,0],[1,2,0,0,0],[2,0,0,0,0],[2,1,0,0,0]],"distances":[0,1.25,0,1.25,1.25,1.25]}',
    );
    expect(stdout.split("\n")[3]).toBe('{"index":3,"natoms":2,"count":0,"pairs":[],"distances":[]}');
  });

  it("leaves a reader that stops early alone", () => {
    const cells = Array.from({ length: 200 }, () => files["mixed.extxyz"]).join("");
    put(join(folder, "many.extxyz"), cells);
    const { status, stderr } = spawnSync(
      "sh",
      [
        "-c",
        `"${process.execPath}" "${program.path}" neighbors many.extxyz --rcut 9 --json | head -c 100 >/dev/null`,
      ],
      { cwd: folder, encoding: "utf8" },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  const copper = join(root, "../shared/data/metals-extxyz/cu_snap.extxyz");
  it.skipIf(!existsSync(copper))("reads a real file (needs shared/data/metals-extxyz)", async () => {
    const [atoms] = readFileSync(copper, "utf8").split("\n", 1);
    put(
      join(folder, "copper.extxyz"),
      readFileSync(copper, "utf8")
        .split("\n")
        .slice(0, 2 * (Number(atoms) + 2))
        .join("\n") + "\n",
    );
    await expectBruteForce("copper.extxyz", 4.7, linesOf(["copper.extxyz", "--rcut", "4.7"]));
  });
});

it("without --json tells the counts", () => {
  const { status, stdout } = program.run(folder, ["neighbors", "mixed.extxyz", "--rcut", "1.5"]);
  expect(status).toBe(0);
  expect(stdout.split("\n")[2]).toBe("structure 2: 3 atoms, 6 pairs, nearest 0.000000 angstrom");
  expect(stdout.split("\n")[3]).toBe("structure 3: 2 atoms, 0 pairs");
});

describe("bad input", () => {
  it.each([
    ["no such file", ["none.extxyz", "--rcut", "3"], /none\.extxyz/],
    ["a NaN position", ["nan.extxyz", "--rcut", "3"], /nan\.extxyz.*(1|line 4)/],
    ["a cell without volume", ["flat.extxyz", "--rcut", "3"], /flat\.extxyz: structure 0: .*no volume/],
    ["a cell in metres", ["speck.extxyz", "--rcut", "3"], /speck\.extxyz: structure 0: .*images of the cell/],
    ["too few atoms", ["short.extxyz", "--rcut", "3"], /short\.extxyz/],
    ["an empty file", ["empty.extxyz", "--rcut", "3"], /empty\.extxyz/],
    ["a cutoff of zero", ["mixed.extxyz", "--rcut", "0"], /--rcut 0: give a number above 0/],
    ["a cutoff that is no number", ["mixed.extxyz", "--rcut", "five"], /--rcut five/],
    ["an infinite cutoff", ["mixed.extxyz", "--rcut", "Infinity"], /--rcut Infinity/],
    ["no cutoff", ["mixed.extxyz", "--json"], /required option '--rcut/],
  ])("is refused: %s", (_name, args, says) => {
    const before = folderState(folder);
    const outcome = program.run(folder, ["neighbors", ...args]);
    expectRefusal(outcome, says);
    expect(outcome.stdout).toBe("");
    expect(folderState(folder)).toEqual(before);
  });
});
