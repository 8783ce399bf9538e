import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeStructure } from "../../src/data/structure.js";
import { openStructures, readStructures, writeStructures } from "../../src/data/structures.js";
import { put, temporaryFolder } from "../data/temporary-folder.js";

const folder = temporaryFolder();
const write = (name: string, text: string | Uint8Array): string => put(join(folder, name), text);

const rich = `2
Lattice="4.0 0.5 0.0 0.0 5.0 0.0 0.0 0.25 6.0" Properties=species:S:1:pos:R:3:forces:R:3:tags:I:1:fixed:L:1:mom:R:1:site:S:1:wide:I:2:up:L:1 energy=-1.25 n=3 big=9007199254740993 real=7.0 flag=T flags="T F T" list="1 2 3" reals=[1.5, 2] matrix=[[1, 2], [3, 4]] name="two words" quote="a \\"b\\" \\\\c" json="_JSON {\\"a\\": [1]}" texts="_JSON [\\"x y\\", \\"z\\"]" number_text="_JSON \\"12\\"" virial="1 2 3 4 5 6 7 8 9" alone __proto__=1 pbc="T F T"
Cu 0.1 1e-300 -0.0 0 0.5 1.0D-03 2 T 1.5 a 1 2 T
O 0.30000000000000004 2 3 1 2 3 0 F -1 b 3 123456789012345678 F
`;

describe("extended XYZ", () => {
  it("reads every type of value and column", async () => {
    const [s] = await readStructures(write("rich.extxyz", rich));
    expect([...s.atomicNumbers]).toEqual([29, 8]);
    expect([...s.positions]).toEqual([0.1, 1e-300, -0, 0.30000000000000004, 2, 3]);
    expect([...s.forces!]).toEqual([0, 0.5, 1e-3, 1, 2, 3]);
    expect([...s.cell!]).toEqual([4, 0.5, 0, 0, 5, 0, 0, 0.25, 6]);
    expect([s.energy, s.pbc, [...s.tags!], [...s.fixed!]]).toEqual([
      -1.25,
      [true, false, true],
      [2, 0],
      [1, 0],
    ]);
    expect([...s.virial!]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(s.info.get("n")).toEqual({ kind: "integer", shape: [], data: Int32Array.of(3) });
    expect(s.info.get("big")).toEqual({
      kind: "integer",
      shape: [],
      data: BigInt64Array.of(9007199254740993n),
    });
    expect(s.info.get("real")).toEqual({ kind: "real", shape: [], data: Float64Array.of(7) });
    expect(s.info.get("flags")).toEqual({ kind: "boolean", shape: [3], data: Uint8Array.of(1, 0, 1) });
    expect(s.info.get("list")).toEqual({ kind: "integer", shape: [3], data: Int32Array.of(1, 2, 3) });
    expect(s.info.get("reals")).toEqual({ kind: "real", shape: [2], data: Float64Array.of(1.5, 2) });
    expect(s.info.get("matrix")).toEqual({ kind: "integer", shape: [2, 2], data: Int32Array.of(1, 2, 3, 4) });
    expect(s.info.get("name")!.data).toEqual(["two words"]);
    expect(s.info.get("quote")!.data).toEqual(['a "b" \\c']);
    expect(s.info.get("json")).toEqual({ kind: "json", shape: [], data: ['{"a": [1]}'] });
    expect(s.info.get("texts")).toEqual({ kind: "text", shape: [2], data: ["x y", "z"] });
    expect(s.info.get("number_text")).toEqual({ kind: "text", shape: [], data: ["12"] });
    expect(s.info.get("alone")!.kind).toBe("boolean");
    expect(s.info.get("__proto__")!.kind).toBe("integer");
    expect(s.arrays.get("wide")!.data).toEqual(BigInt64Array.of(1n, 2n, 3n, 123456789012345678n));
    expect(s.arrays.get("site")!.data).toEqual(["a", "b"]);
    expect(s.arrays.get("up")).toEqual({ kind: "boolean", shape: [2], data: Uint8Array.of(1, 0) });
  });

  it("writes what it read, to the last bit", async () => {
    const first = await readStructures(write("again.extxyz", rich + rich));
    const path = join(folder, "written.extxyz");
    await writeStructures(path, first);
    const second = await readStructures(path);
    const fields = (s: (typeof first)[number]) => ({ ...s, keys: [...s.keys].sort() });
    expect(second.map(fields)).toEqual(first.map(fields));
    const text = readFileSync(path, "utf8");
    await writeStructures(path, second);
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  it("reads CRLF, a byte order mark, tabs, blank lines at the end, no final newline", async () => {
    const plain = "1\nenergy=2.5 name=x\nH 0.5 1 2";
    const variants = [
      plain,
      `${plain}\n\n \n`,
      `\uFEFF${plain}`,
      plain.replaceAll("\n", "\r\n"),
      plain.replaceAll(" ", "\t"),
    ];
    for (const [k, text] of variants.entries()) {
      const [s, ...more] = await readStructures(write(`variant${k}.extxyz`, text));
      expect([s.energy, s.info.get("name")!.data[0], ...s.positions, more.length]).toEqual([
        2.5,
        "x",
        0.5,
        1,
        2,
        0,
      ]);
    }
  });

  it("keeps the digits of whole numbers of any size", async () => {
    const pairs =
      "m=12345678901234567890 n=-9223372036854775808 k=[18446744073709551615, 1] huge=123456789012345678901234567890";
    const path = write("wide.extxyz", `1\nProperties=species:S:1:pos:R:3 ${pairs} pbc="F F F"\nH 0 0 0\n`);
    for (const ending of ["extxyz", "jsonl", "extxyz"]) {
      const [s] = await readStructures(path);
      const out = join(folder, `wide-out.${ending}`);
      await writeStructures(out, [s]);
      const text = readFileSync(out, "utf8");
      for (const digits of pairs.match(/\d{19,}/g)!) expect(text).toContain(digits);
      expect((await readStructures(out))[0].info).toEqual(s.info);
    }
  });

  it("reads each frame by its own comment: without pairs it is a comment, here and in .xyz", async () => {
    const rich = `2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3:forces:R:3 energy=3 pbc="T T F"\nO 0 0 0 1 2 3\nH 1 1 1 1 2 3\n`;
    for (const [comment, info] of [
      ["", []],
      ["a free comment", [["comment", "a free comment"]]],
    ] as const)
      for (const name of ["blank.extxyz", "blank.xyz"]) {
        const frames = await readStructures(write(name, `1\n${comment}\nH 0 0 0.5\n${rich}1\n\nCu 1 2 3\n`));
        expect([...frames[0].info].map(([key, { data }]) => [key, data[0]])).toEqual(info);
        expect([frames[0].cell, frames[2].cell, frames[2].atomicNumbers[0]]).toEqual([null, null, 29]);
        const { energy, pbc, forces, cell } = frames[1];
        expect([energy, pbc, [...forces!], cell![0]]).toEqual([
          3,
          [true, true, false],
          [1, 2, 3, 1, 2, 3],
          4,
        ]);
      }
    expect((await openStructures(join(folder, "blank.extxyz"))).format.name).toBe("extxyz");
    const plain = write("plain.xyz", "1\n12\nH 0 0 0.5 7\n1\nfree\n8 0 0 0.5\n");
    expect((await openStructures(plain)).format.name).toBe("xyz");
    expect((await readStructures(plain)).map(({ atomicNumbers }) => atomicNumbers[0])).toEqual([1, 8]);
    expect((await openStructures(plain, { format: "extxyz" })).format.name).toBe("extxyz");
  });

  it("reads columns as Properties says them behind a frame with a free comment, and no 0 as an element", async () => {
    const numbers = `2\nProperties=pos:R:3:Z:I:1 energy=3\n0 0 0 8\n1 1 1 1\n`;
    const [, s] = await readStructures(write("z.extxyz", `1\nsome free comment\nH 0 0 0\n${numbers}`));
    expect([...s.atomicNumbers, ...s.positions, s.energy]).toEqual([8, 1, 0, 0, 0, 1, 1, 1, 3]);
    await expect(readStructures(write("zero.xyz", "1\n\n0 0 0 8\n"))).rejects.toThrow(
      /names "0" as the element of atom 0; symbols of elements are needed/,
    );
  });

  it("writes X for names of no element, which others open, and keeps them", async () => {
    const s = makeStructure({
      atomicNumbers: Int32Array.of(0, 1, 0),
      species: ["Type_1", "H", "X"],
      positions: new Float64Array(9),
    });
    for (const ending of ["extxyz", "jsonl"]) {
      const path = join(folder, `names.${ending}`);
      await writeStructures(path, [s]);
      const [back] = await readStructures(path);
      expect([back.species, [...back.atomicNumbers]]).toEqual([s.species, [0, 1, 0]]);
      expect([...back.arrays]).toEqual([]);
    }
    expect(readFileSync(join(folder, "names.extxyz"), "utf8")).toContain("\nX 0.0 0.0 0.0 Type_1\nH ");
  });

  it("keeps whole numbers of up to 64 bits, tags of more than 32 as a further field", async () => {
    const text = (tag: string): string =>
      `1\nProperties=species:S:1:pos:R:3:tags:I:1\nH 0.0 0.0 0.0 ${tag}\n`;
    for (const tag of [2n ** 31n, -(2n ** 63n), 2n ** 63n - 1n]) {
      const [s] = await readStructures(write("tags.extxyz", text(String(tag))));
      expect([s.tags, s.arrays.get("tags")]).toEqual([
        null,
        { kind: "integer", shape: [1], data: BigInt64Array.of(tag) },
      ]);
      await writeStructures(join(folder, "again.extxyz"), [s]);
      expect((await readStructures(join(folder, "again.extxyz")))[0].arrays).toEqual(s.arrays);
    }
    const [s] = await readStructures(write("tags.extxyz", text("-2147483648")));
    expect(s.tags).toEqual(Int32Array.of(-(2 ** 31)));
    await expect(readStructures(write("tags.extxyz", text("9223372036854775808")))).rejects.toThrow(
      /tags\.extxyz: line 3: column "tags" holds "9223372036854775808", more than the 64 bits of a whole number; give the column the type S/,
    );
  });

  it.each([
    ["atoms.extxyz", "x\n\nH 0 0 0\n", /atoms\.extxyz: line 1: "x" stands where the number of atoms/],
    ["cut.extxyz", "2\nenergy=1\nH 0 0 0\n", /cut\.extxyz: line 3: ends where atom 2 of 2/],
    ["huge.extxyz", "99999999999\nenergy=1\nH 0 0 0\n", /huge\.extxyz: line 2: a frame of 99999999999 atoms/],
    ["wide.extxyz", "1\nProperties=species:S:1:pos:R:3:a:R:999999999\nH 0 0 0\n", /more than a file of/],
    ["type.extxyz", "1\nProperties=species:S:1:pos:Q:3\nH 0 0 0\n", /type R, I, S or L/],
    ["twice.extxyz", "1\nProperties=species:S:1:pos:R:3:pos:R:3\nH 0 0 0 0 0 0\n", /"pos" twice/],
    ["word.extxyz", "1\nProperties=species:S:1:pos:R:3\nH 0 zero 0\n", /line 3: column "pos" holds "zero"/],
    ["few.extxyz", "1\nProperties=species:S:1:pos:R:3\nH 0 0\n", /3 words for an atom/],
    ["element.extxyz", "1\nProperties=species:S:1:pos:R:3\nQq 0 0 0\n", /"Qq" as the element of atom 0/],
    [
      "lattice.extxyz",
      '1\nLattice="1 2 3" Properties=species:S:1:pos:R:3\nH 0 0 0\n',
      /Lattice that is not 9 numbers/,
    ],
    [
      "pbc.extxyz",
      '1\npbc="T F" Properties=species:S:1:pos:R:3\nH 0 0 0\n',
      /pbc that is not three truth values/,
    ],
    ["empty.extxyz", "", /empty\.extxyz: holds no structure/],
  ])("refuses %s with one clear sentence", async (name, text, message) => {
    await expect(readStructures(write(name, text))).rejects.toThrow(message);
  });
});
