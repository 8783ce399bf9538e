import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeNpySync } from "../../src/data/npy.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import { atomgrad, atomgradOk, useCommandLine } from "./command-line.js";
import { expectRefusal } from "./program.js";

useCommandLine();
const cwd = temporaryFolder();

function inspect(file: string, content: string | Buffer): Record<string, unknown> {
  writeFileSync(join(cwd, file), content);
  const printed = atomgradOk(["inspect", file, "--json"], { cwd });
  expect(printed.trimEnd().split("\n")).toHaveLength(1);
  return JSON.parse(printed) as Record<string, unknown>;
}

const codes = (report: Record<string, unknown>): unknown[] =>
  (report.suspicious as { frame: number; code: string }[]).map(({ frame, code }) => [frame, code]);

describe("inspect --json", () => {
  it("counts, ranges and distances of a set, by hand", () => {
    const report = inspect(
      "set.extxyz",
      '1\nLattice="3 0 0 2.9 0.5 0 0 0 9" Properties=species:S:1:pos:R:3:forces:R:3 energy=-13.6 gap=2 __proto__=5 pbc="T T T"\nH 0 0 0 3 4 0\n' +
        '2\nProperties=species:S:1:pos:R:3:forces:R:3 energy=-27.2 pbc="F F F"\nH 0 0 0 0 0 1\nH 0 0 0.74 0 0 -1\n',
    );
    expect(Object.keys(report)).toEqual(
      ["format", "frames", "atoms", "elements", "pbc", "energy", "forces", "nearest_distance", "properties", "suspicious", "keys"], // prettier-ignore
    );
    expect(report).toMatchObject({
      format: "extxyz",
      frames: 2,
      atoms: { min: 1, max: 2, total: 3 },
      elements: { H: 3 },
      pbc: "mixed",
      energy: { min: -27.2, max: -13.6, count: 2, unit: "eV" },
      suspicious: [],
    });
    expect((report.energy as { mean: number }).mean).toBeCloseTo(-20.4, 12);
    expect((report.forces as { max_norm: number }).max_norm).toBe(5);
    expect((report.forces as { rms: number }).rms).toBeCloseTo(Math.sqrt(27 / 9), 12);
    expect(report.nearest_distance).toBeCloseTo(Math.hypot(0.1, 0.5), 12);
    expect(report.properties).toMatchObject({ gap: { min: 2, max: 2, mean: 2, count: 1 } });
    expect(Object.hasOwn(report.properties as object, "__proto__")).toBe(true);
    expect(report.keys).toContain("__proto__");
  });

  it.each([
    ["hartree", -0.5],
    ["eV", -13.605693],
    ["meV", -13605.693],
    ["kcal/mol", -313.754735],
    ["kJ/mol", -1312.7498],
    ["eV", -3.2],
  ])("unit %s of %d for an atom of hydrogen", (unit, energy) => {
    const report = inspect("unit.extxyz", `1\nProperties=species:S:1:pos:R:3 energy=${energy}\nH 0 0 0\n`);
    expect(report).toMatchObject({ energy: { unit }, nearest_distance: null, forces: null });
  });

  it("says what is suspicious, and nothing else", () => {
    const atom = (comment: string, lines: string): string =>
      `${lines.split("\n").length}\n${comment}\n${lines}\n`;
    const box = 'Lattice="4 0 0 0 4 0 0 0 4" pbc="T T T"';
    const report = inspect(
      "odd.extxyz",
      atom(box, "H 0 0 0") +
        atom(box, "H 0 0 0") +
        atom(box, "H 0 0 0\nH 0 0 3.6") +
        atom('Lattice="4 0 0 0 4 0 0 8 0" pbc="T T T"', "H 0 0 0") +
        atom(box, "H 0 nan 0") +
        atom(box, "He 0 0 0") +
        atom('pbc="F F F"', "H 0 0 0\nH 0 0 0.6"),
    );
    expect(codes(report)).toEqual([
      [1, "duplicate"],
      [2, "overlap"],
      [3, "zero-cell"],
      [4, "non-finite"],
    ]);
    expect(report.nearest_distance).toBeCloseTo(0.4, 12);
  });

  it("notes other fields that are not finite by a code of its own; -0 is 0; NaN is like nothing", () => {
    const one = (comment: string, atom: string): string =>
      `1\nProperties=species:S:1:pos:R:3:q:R:1 ${comment}\n${atom}\n`;
    const report = inspect(
      "fields.extxyz",
      one("gap=nan", "H 0 0 0 1") +
        one("gap=1", "H 0 -0.0 0 inf") +
        one("gap=1", "H nan 0 0 1") +
        one("gap=3", "H nan 0 0 1"),
    );
    expect(codes(report)).toEqual([
      [0, "non-finite-field"],
      [1, "non-finite-field"],
      [1, "duplicate"],
      [2, "non-finite"],
      [3, "non-finite"],
    ]);
    expect((report.suspicious as object[])[1]).toMatchObject({ fields: ["q"] });
    expect(report.properties).toMatchObject({ gap: { min: 1, max: 3, count: 3 } });
  });

  it("tells what is wrong in a DeePMD folder instead of refusing it", () => {
    const folder = join(cwd, "flat");
    mkdirSync(join(folder, "set.000"), { recursive: true });
    writeFileSync(join(folder, "type.raw"), "0 0\n");
    writeFileSync(join(folder, "type_map.raw"), "Cu\n");
    const npy = (name: string, shape: number[], ...data: number[]): void =>
      writeNpySync(join(folder, "set.000", `${name}.npy`), { shape, data: Float64Array.from(data) });
    npy("coord", [3, 6], 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, NaN, 0, 0, 0, 0, 0, 2);
    npy("box", [3, 9], 4, 0, 0, 0, 4, 0, 0, 0, 4, 4, 0, 0, 0, 4, 0, 0, 0, 4, 4, 0, 0, 8, 0, 0, 0, 0, 4);
    npy("energy", [3, 1], -1, Infinity, -3);
    const report = JSON.parse(atomgradOk(["inspect", "flat", "--json"], { cwd })) as Record<string, unknown>;
    expect(codes(report)).toEqual([
      [1, "non-finite"],
      [2, "zero-cell"],
    ]);
    expect(report).toMatchObject({
      format: "deepmd-npy",
      energy: { count: 2, mean: -2 },
      nearest_distance: 1,
    });
    expectRefusal(atomgrad(["convert", "flat", "flat.extxyz"], { cwd }), /coord\.npy: frame 1, atom 1/);
  });

  it("energies are other things in csv, jsonl, CIF and POSCAR", () => {
    const cif = "data_x\n_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 4\n_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\nloop_\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nSi 0 0 0\n"; // prettier-ignore
    const none = { energy: null, forces: null, frames: 1, nearest_distance: 4, pbc: [true, true, true] };
    expect(inspect("x.cif", cif)).toMatchObject({ ...none, format: "cif" });
    const csv = inspect("x.csv", `energy,name,cif\n-5,"a, ""b""\nc","${cif}"\n`);
    expect(csv).toMatchObject({ ...none, format: "csv", properties: { energy: { min: -5, count: 1 } } });
    expect(csv.keys).toEqual(["energy", "name", "cif"]);
    const poscar = "Si\n1\n4 0 0\n0 4 0\n0 0 4\nSi\n1\nDirect\n0 0 0\n";
    expect(inspect("x.vasp", poscar)).toMatchObject({ ...none, format: "poscar" });
    const line = '{"lattice":[[4,0,0],[0,4,0],[0,0,4]],"sites":[{"element":"Si","fractional_coordinates":[0,0,0]}],"energy":-5}\n'; // prettier-ignore
    expect(inspect("x.jsonl", line)).toMatchObject({ ...none, format: "jsonl" });
  });

  it.each([
    ["partial.cif", "data_x\n_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 4\n_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\nloop_\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\nSi 0 0 0 0.5\n", /occupancy/], // prettier-ignore
    ["wide.extxyz", Buffer.from("\uFEFF1\n\nH 0 0 0\n", "utf16le"), /UTF-16/],
    ["wide.txt", Buffer.from("1\n\nH 0 0 0\n", "utf16le"), /UTF-16/],
    ["lying.extxyz", "99999999999\n\nH 0 0 0\n", /lying\.extxyz/],
    ["noise.bin", Buffer.from([7, 200, 3, 0, 0, 9]), /noise\.bin/],
  ])("refuses %s", (file, content, says) => {
    writeFileSync(join(cwd, file), content);
    expectRefusal(atomgrad(["inspect", file, "--json"], { cwd }), says, new RegExp(file));
  });
});
