import { rmSync, truncateSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { box, cell, dump, lammps, largeFiles, mb, mol, sites, xml } from "./large-files.js";

const { place, inspect } = largeFiles("large-texts-test");

describe("what is not a frame takes no more", () => {
  it.each([
    ["values of no use", "x.cif", `data_x\n${cell}loop_\n_a\n_b\n`, "a b\n", `${sites}H 0 0 0\n`, { frames: 1, atoms: 1 }],
    ["a text of blank lines", "text.cif", `data_x\n${cell}_t\n;`, "\n", `\n;\n${sites}H 0 0 0\n`, { frames: 1, atoms: 1 }],
    ["a cell of blank lines", "x.csv", 'n,cif\n1,"', "\n", '"\n', /x\.csv: line \d+: the row that begins at line 2 is longer/],
    ["a data item of short lines", "x.sdf", `${mol}> <x>\n`, "a\n", "\n$$$$\n", /x\.sdf: line \d+: the data item "x" is longer/],
    ["a text between tags", "x.vasprun.xml", xml, "a\n", "</modeling>\n", /vasprun\.xml: line \d+: a text of more than/],
    ["a comment", "c.vasprun.xml", `${xml}<!--`, "\n", "--></modeling>\n", /c\.vasprun\.xml: holds no structure/],
    ["rows of no step", "r.vasprun.xml", `${xml}<calculation><varray name="forces">\n`, "<v>0 0 0</v>\n", "</varray></calculation>", /r\.vasprun\.xml: line \d+: the step that ends here has no cell/],
    ["blank lines", "x.txt", "", "\n", "", /x\.txt: /],
  ] as const)("%s", (_, name, start, unit, end, said) => {
    const [{ outcome }] = inspect(place(name, 18 * mb, start, unit, end));
    if (said instanceof RegExp) expect(outcome).toMatch(said);
    else expect(outcome).toEqual(said);
  }); // prettier-ignore

  // Those whose lines are the longest: a little below the limit.
  it.each([
    ["numbers", "x.extxyz", '1\nProperties=species:S:1:pos:R:3 a="', "1 ", '"\nH 0 0 0\n'],
    ["a list", "list.extxyz", "1\nProperties=species:S:1:pos:R:3 a=[", "1,", "1]\nH 0 0 0\n"],
    ["whole numbers", "x.jsonl", '{"smi":"C","pos":[[0,0,0]],"a":[', "1,", "1]}\n"],
    ["objects", "objects.jsonl", '{"smi":"C","pos":[[0,0,0]],"a":[', "{},", "1]}\n"],
  ])("%s on one line of 8 MB", (_, name, start, unit, end) => {
    expect(inspect(place(name, 8 * mb, start, unit, end))[0].outcome).toEqual({ frames: 1, atoms: 1 });
  });

  it("more keys and columns than anybody has use for are refused", () => {
    const keys = Array.from({ length: 500_000 }, (_, k) => `a${k}=1 `).join("");
    const columns = Array.from({ length: 500_000 }, (_, k) => `:a${k}:R:1`).join("");
    const tags = Array.from({ length: 1_000_000 }, (_, k) => `_a${k} 1\n`).join("");
    const items = Array.from({ length: 1_000_000 }, (_, k) => `> <a${k}>\n1\n\n`).join("");
    const said = inspect(
      place("keys.extxyz", 0, `1\nProperties=species:S:1:pos:R:3 ${keys}`, "\n"),
      place("columns.extxyz", 0, `1\nProperties=species:S:1:pos:R:3${columns} a=1\nH 0 0 0\n`, "\n"),
      place("tags.cif", 0, `data_x\n${cell}${tags}`, "\n"),
      place("items.sdf", 0, `${mol}${items}`, "\n"),
    ).map(({ outcome }) => outcome);
    expect(said[0]).toMatch(/keys\.extxyz: line 2: .*more than 16384 keys/);
    expect(said[1]).toMatch(/columns\.extxyz: line 2: .*more than 4096 columns/);
    expect(said[2]).toMatch(/tags\.cif: line \d+: .*more than 65536 tags/);
    expect(said[3]).toMatch(/items\.sdf: line \d+: .*more than 10000 data items/);
  });
});

describe("a line of 100 MB", () => {
  it("is refused by every format, with file, line and limit", () => {
    const starts: [string, string, number][] = [
      ["long.dump", dump(1), 10],
      ["long.vasp", `t\n1\n${box}H\n1\nDirect\n`, 9],
      ["long.xdatcar", `t\n1\n${box}H\n1\nDirect configuration= 1\n`, 9],
      ["long.cif", `data_x\n${cell}_x `, 8],
      ["long.xyz", "1\nt\n", 3],
      ["long.extxyz", "1\na=", 2],
      ["long.data", lammps(1), 14],
      ["long.sdf", mol, 7],
      ["long.jsonl", '{"smi":"C","pos":[', 1],
      ["long.csv", `n,cif\n1,"data_x\n${cell}_atom_site_label `, 9],
      ["long.vasprun.xml", xml, 3],
      ["long.outcar", " vasp.6\n", 2],
    ];
    for (const [name, start, line] of starts) {
      const path = place(name, 10 * mb, start, "1 ");
      truncateSync(path, 100 * mb);
      const [{ outcome }] = inspect(path);
      expect(outcome).toMatch(
        new RegExp(`${name}: line ${line} is longer than (?:1048576|8388608) characters`),
      );
      rmSync(path);
    }
  });
});

describe("files that are sampled", () => {
  it("name the line of the whole file that is wrong", () => {
    const [good, bad] = ["1\nx\nH 0 0 0\n", "1\nx\nH 0 0 0?\n"];
    const goodFrames = Math.floor((60 * mb) / good.length);
    const path = place("sampled.xyz", 50 * mb, good.repeat(goodFrames), bad);
    const [{ outcome }] = inspect(path);
    expect(outcome).toMatch(/^sampled\.xyz: line \d+: column "pos" holds "0\?"/);
    const line = Number(/line (\d+)/.exec(outcome as string)![1]);
    expect(line).toBeGreaterThan(3 * goodFrames);
    expect(line % 3).toBe(0);
    rmSync(path);
  });
});

describe("files of one letter or word", () => {
  it("are told from structures at once, whatever it is", () => {
    const units = ["\n", " ", "\n ", "\r\n", "#\n", "1", "1 ", "1\n", "0\n\n", "a", "\t", "{", "[", "<", "_", ";\n", "'", "ITEM: ", "<?xml ", "data_\n", "Direct configuration= ", "1 1\n", " POTCAR: ", "node {\n", "\u0000", "\u0080"]; // prettier-ignore
    const paths = units.map((unit, k) => place(`unit${k}`, 70_000, "", unit));
    for (const [k, { outcome, seconds }] of inspect(...paths).entries()) {
      const label = JSON.stringify(units[k]);
      expect(outcome, label).toMatch(/^unit\d+: /);
      expect(seconds, label).toBeLessThan(1);
    }
  });
});
