import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../data/temporary-folder.js";
import { atomgrad, atomgradOk, useCommandLine } from "./command-line.js";
import { expectRefusal } from "./program.js";

useCommandLine();
const cwd = temporaryFolder();
const convert = (...args: string[]): string => atomgradOk(["convert", ...args], { cwd });
const text = (file: string): string => readFileSync(join(cwd, file), "utf8");

/** Three frames with everything a name is promised for, columns in the order they are written in; values that only their shortest decimal gives back. */
const frame = (k: number): string =>
  `2\nLattice="0.1 0 5 4 0.30000000000000004 0 0 6 0" Properties=species:S:1:pos:R:3:forces:R:3:tags:I:1:fixed:I:1:spin:R:1 ` +
  `energy=${-1.1 - k} gap=${k} pbc="T T F"\nNa 0.1 ${k} 1e-300 0.5 0.25 -1 0 1 7.5\nCl 100.7 2 3 -0.5 -0.25 1 2 0 -7\n`;
const three = [0, 1, 2].map(frame).join("");

beforeAll(() => {
  writeFileSync(join(cwd, "three.extxyz"), three);
  writeFileSync(join(cwd, "one.extxyz"), frame(0).replace("T T F", "T T T"));
});

/** The lines of an extxyz file as numbers and words, its comment as sorted pairs. */
function parsed(file: string): unknown[] {
  return text(file)
    .trimEnd()
    .split("\n")
    .map((line) =>
      line.includes("=")
        ? (line.match(/\w+=(?:"[^"]*"|\S+)/g) ?? []).map(canonical).sort()
        : line.split(/\s+/).map((word) => (isNaN(Number(word)) ? word : Number(word))),
    );
}

function canonical(pair: string): string {
  return pair.replace(/-?\d+\.?\d*(?:e[-+]?\d+)?/g, (number) => String(Number(number)));
}

describe("convert", () => {
  it("extxyz to extxyz: the same names, types and bits", () => {
    expect(convert("three.extxyz", "same.extxyz")).toBe("3 structures of 6 atoms in all -> same.extxyz\n");
    expect(parsed("same.extxyz")).toEqual(parsed("three.extxyz"));
  });

  it.each([
    ["-1", [2]],
    ["0", [0]],
    ["::-1", [2, 1, 0]],
    ["1:", [1, 2]],
    ["-2:-1", [1]],
    ["0:99:2", [0, 2]],
  ])("--frames=%s", (frames, kept) => {
    convert("three.extxyz", "some.extxyz", `--frames=${frames}`);
    const gaps = [...text("some.extxyz").matchAll(/gap=(\d)/g)].map(([, gap]) => Number(gap));
    expect(gaps).toEqual(kept);
  });

  it("--type-map names the types that LAMMPS numbers, each once", () => {
    const rows = "1 1 1 2 3\n2 2 0 0 0\n";
    writeFileSync(
      join(cwd, "types.dump"),
      `ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n0 5\n0 5\n0 5\nITEM: ATOMS id type x y z\n${rows}`,
    );
    const box = ["x", "y", "z"].map((axis) => `0 5 ${axis}lo ${axis}hi\n`).join("");
    writeFileSync(join(cwd, "types.data"), `t\n\n2 atoms\n2 atom types\n${box}\nAtoms # atomic\n\n${rows}`);
    for (const file of ["types.dump", "types.data"]) {
      convert(file, "named.extxyz", "--type-map", "O,H");
      expect(text("named.extxyz")).toMatch(/\nO 1.0 2.0 3.0.*\nH 0.0 0.0 0.0/);
      convert(file, "named.vasp", "--type-map", "O,H");
      expect(text("named.vasp")).toContain("O H\n1 1\n");
      const bare = atomgrad(["convert", file, "bare.extxyz"], { cwd });
      expect([bare.status, bare.stderr]).toEqual([
        0,
        expect.stringMatching(/types by numbers only; --type-map/),
      ]);
      for (const [map, says] of [
        ["O", /has no name for the type 2/],
        ["H,O,H", /H stands twice/],
        ["H,", /name 1 is ""/],
      ] as const)
        expectRefusal(atomgrad(["convert", file, "no.extxyz", "--type-map", map], { cwd }), says);
    }
    expect(existsSync(join(cwd, "no.extxyz"))).toBe(false);
    expectRefusal(
      atomgrad(["convert", "one.extxyz", "twice", "--to", "deepmd-npy", "--type-map", "Na,Cl,Na"], { cwd }),
      /Na stands twice/,
    );
  });

  it.each(["jsonl", "ocp-lmdb", "deepmd-npy", "deepmd-mixed"])("to %s and back", (format) => {
    convert("one.extxyz", `there-${format}`, "--to", format);
    convert(`there-${format}`, `back-${format}.extxyz`, "--from", format);
    const [count, comment, ...atoms] = parsed(`back-${format}.extxyz`) as [unknown, string[], ...unknown[][]];
    expect(count).toEqual([2]);
    expect(comment).toContain("energy=-1.1");
    expect(comment).toContain('pbc="T T T"');
    // Forces are exact in single precision too, which the records of OC20 are in.
    expect(atoms.map((line) => line[0])).toEqual(["Na", "Cl"]);
    expect(text(`back-${format}.extxyz`)).toMatch(/0\.5 0\.25 -1/);
  });

  it.each(["poscar", "cif", "lammps-data", "csv"])("to %s and back: cell volume and atoms stay", (format) => {
    convert("one.extxyz", `there-${format}`, "--to", format);
    convert(`there-${format}`, `back-${format}.extxyz`, "--from", format);
    const cell = /Lattice="([^"]*)"/
      .exec(text(`back-${format}.extxyz`))![1]
      .split(" ")
      .map(Number);
    const [a, b, c, d, e, f, g, h, i] = cell;
    const volume = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
    expect(Math.abs(volume)).toBeCloseTo(5 * 6 * 4, 8);
    expect(parsed(`back-${format}.extxyz`).slice(2).map((line) => (line as unknown[])[0])).toEqual(["Na", "Cl"]); // prettier-ignore
  });

  it("jsonl: 2.0 is a real number, 2 a whole one; NaN elsewhere than in positions and labels is noted", () => {
    const record =
      '{"lattice":[[4,0,0],[0,4,0],[0,0,4]],"sites":[{"element":"Si","xyz":[0,0,0]}],"a":2.0,"b":2,"c":[1.0,2.0],"d":[1,2],"__proto__":3.0,"id":"0_0"}\n';
    writeFileSync(join(cwd, "types.jsonl"), record);
    convert("types.jsonl", "types.extxyz");
    // To Python 0_0 is a number, as which ASE would read it.
    expect(text("types.extxyz")).toContain(
      String.raw`a=2.0 b=2 c="1.0 2.0" d="1 2" __proto__=3.0 id="_JSON \"0_0\""`,
    );
    convert("types.extxyz", "again.jsonl");
    expect(text("again.jsonl")).toContain(
      '"a":2.0,"b":2,"c":[1.0, 2.0],"d":[1, 2],"__proto__":3.0,"id":"0_0"}',
    );
    writeFileSync(join(cwd, "gap.extxyz"), three.replace("gap=1", "gap=nan"));
    const { status, stderr } = atomgrad(["convert", "gap.extxyz", "gap2.extxyz"], { cwd });
    expect(status).toBe(0);
    expect(stderr).toMatch(/note: gap\.extxyz: frame 1 .* NaN or infinity in "gap"/);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(parsed("gap2.extxyz")[5]).toContain("gap=nan");
  });

  it("deepmd-npy: the order of --type-map", () => {
    convert("one.extxyz", "mapped", "--to", "deepmd-npy", "--type-map", "O,Cl,Na");
    expect(text("mapped/type_map.raw").trim().split(/\s+/)).toEqual(["O", "Cl", "Na"]);
    expect(text("mapped/type.raw").trim().split(/\s+/)).toEqual(["2", "1"]);
    expect(existsSync(join(cwd, "mapped/nopbc"))).toBe(false);
  });

  it("reads CRLF, a byte order mark, no final newline, blank ends, tabs, names beyond ASCII", () => {
    const odd = `\uFEFF${three.trimEnd().replaceAll("\n", "\r\n").replace("Na 0.1", "Na\t0.1")}`;
    mkdirSync(join(cwd, "Größe 水"));
    writeFileSync(join(cwd, "Größe 水/ü.extxyz"), odd);
    convert("Größe 水/ü.extxyz", "odd.extxyz");
    expect(parsed("odd.extxyz")).toEqual(parsed("three.extxyz"));
    writeFileSync(join(cwd, "blank.extxyz"), `${three}\n\n`);
    convert("blank.extxyz", "odd.extxyz");
    expect(parsed("odd.extxyz")).toEqual(parsed("three.extxyz"));
  });
});

describe("convert refuses", () => {
  beforeAll(() => {
    writeFileSync(join(cwd, "nan.extxyz"), frame(0) + frame(1).replace("100.7", "nan"));
    writeFileSync(join(cwd, "cut.extxyz"), three.slice(0, -30));
    writeFileSync(join(cwd, "utf16.extxyz"), Buffer.from(`\uFEFF${three}`, "utf16le"));
    writeFileSync(join(cwd, "old.extxyz"), "old");
    for (const name of ["old.vasp", "old.cif"]) writeFileSync(join(cwd, name), "old");
  });

  it.each([
    [
      ["three.extxyz", "old.extxyz", "--frames", "3"],
      [/three\.extxyz/, /--frames 3/],
    ],
    [
      ["three.extxyz", "old.extxyz", "--frames=-4"],
      [/three\.extxyz/, /--frames -4/],
    ],
    [
      ["three.extxyz", "old.extxyz", "--frames", "1:1"],
      [/three\.extxyz/, /no frame/],
    ],
    [
      ["three.extxyz", "old.extxyz", "--frames", "::0"],
      [/three\.extxyz/, /step of 0/],
    ],
    [
      ["three.extxyz", "old.extxyz", "--frames", "x"],
      [/three\.extxyz/, /--frames x/],
    ],
    [
      ["three.extxyz", "old.extxyz", "--from", "nope"],
      [/three\.extxyz/, /"nope"/],
    ],
    [
      ["three.extxyz", "old.extxyz", "--to", "nope"],
      [/old\.extxyz/, /"nope"/],
    ],
    [
      ["three.extxyz", "old.extxyz", "--to", "outcar"],
      [/old\.extxyz/, /outcar/],
    ],
    [
      ["three.extxyz", "new.foo"],
      [/new\.foo/, /--to/],
    ],
    [
      ["three.extxyz", "old.vasp"],
      [/old\.vasp/, /--frames/],
    ],
    [
      ["one.extxyz", "new", "--to", "deepmd-npy", "--type-map", "Na"],
      [/new/, /Cl/],
    ],
    [["absent.extxyz", "old.extxyz"], [/absent\.extxyz/]],
    [
      ["nan.extxyz", "old.extxyz"],
      [/nan\.extxyz/, /positions/],
    ],
    [["cut.extxyz", "old.extxyz"], [/cut\.extxyz/]],
    [
      ["utf16.extxyz", "old.extxyz"],
      [/utf16\.extxyz/, /UTF-16/],
    ],
  ] as const)("%j", (args, says) => {
    const before = readdirSync(cwd);
    expectRefusal(atomgrad(["convert", ...args], { cwd }), ...says);
    expect(readdirSync(cwd)).toEqual(before);
    for (const name of ["old.extxyz", "old.vasp", "old.cif"]) expect(text(name)).toBe("old");
  });
});
