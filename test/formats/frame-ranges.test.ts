import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readStructures, writeStructures } from "../../src/data/structures.js";
import type { Structure } from "../../src/data/structure.js";
import { temporaryFolder } from "../data/temporary-folder.js";

const folder = temporaryFolder();
const place = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const frame = (x: number): string => `2\nProperties=species:S:1:pos:R:3 n=${x}\nH ${x} 0 0\nO 0 ${x} 0\n`;
const dump = (x: number): string =>
  `ITEM: TIMESTEP\n${x}\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\nITEM: ATOMS id type x y z\n1 1 ${x} 0 0\n2 1 0 ${x} 0\n`;
const step = (x: number): string => `Direct configuration= ${x + 1}\n0.1 0.2 0.3\n0.${x + 1} 0.5 0.5\n`;
const head = (a: number, hydrogens = 1): string => `t\n1\n${a} 0 0\n0 9 0\n0 0 9\nO H\n1 ${hydrogens}\n`;
const numbers = [0, 1, 2, 3, 4];
const texts = [
  place("x.extxyz", numbers.map(frame).join("")),
  place("blank.xyz", numbers.map((x) => `1\n\nH ${x} 0 0\n\n`).join("\r\n")),
  place("x.dump", numbers.map(dump).join("")),
  place("x.jsonl", numbers.map((x) => `{"elements":["H"],"positions":[[${x},0,0]]}\n`).join("\n")),
  place("XDATCAR", `t\n1\n9 0 0\n0 9 0\n0 0 9\nH O\n1 1\n${numbers.map(step).join("")}`),
  place("same.xdatcar", numbers.map((x) => head(9) + step(x)).join("")),
  place(
    "cells.xdatcar",
    numbers
      .map((x) => head(9 + x) + step(x))
      .join("")
      .replaceAll("\n", "\r\n"),
  ),
  place("some.xdatcar", head(9) + step(0) + step(1) + head(8) + step(2) + step(3) + head(9) + step(4)),
  place("atoms.xdatcar", head(9) + step(0) + head(9, 2) + step(1) + "0 0 0\n" + head(9) + step(2)),
  join("test", "fixtures", "formats", "peers", "run.traj"),
];
const selections = ["0", "2", "-1", "-2", "1:3", "::2", "-2:", ":-1", "::-1", "-1:0:-2", "1:100"];

/** What `--frames` takes of all frames in memory. */
function taken(all: readonly Structure[], selection: string): Structure[] {
  const index = (text: string | undefined): number | null =>
    text === undefined || text === "" ? null : Number(text);
  const [first, stop, step = 1] = selection.split(":").map(index);
  if (!selection.includes(":")) return [all.at(first!)!];
  const numbered = all.map((structure, k) => ({ structure, k }));
  const [n, by] = [all.length, step ?? 1];
  const place = (at: number): number => (at < 0 ? at + n : at);
  const [low, high] =
    by > 0
      ? [first === null ? 0 : place(first), stop === null || stop === undefined ? n : place(stop)]
      : [stop === null || stop === undefined ? 0 : place(stop) + 1, first === null ? n : place(first) + 1];
  const inside = numbered.filter(({ k }) => k >= low && k < high);
  const ordered = by > 0 ? inside : inside.reverse();
  return ordered.filter((_, k) => k % Math.abs(by) === 0).map(({ structure }) => structure);
}

describe("--frames takes the same frames as of a file that is read whole", () => {
  it.each(texts)("%s", async (path) => {
    const all = await readStructures(path);
    for (const selection of selections)
      expect(await readStructures(path, { frames: selection }), selection).toEqual(taken(all, selection));
    await expect(readStructures(path, { frames: all.length })).rejects.toThrow(
      `out of range; the file has ${all.length} frames`,
    );
    await expect(readStructures(path, { frames: -all.length - 1 })).rejects.toThrow(/out of range/);
  });

  it("headers above every step of an XDATCAR, in pieces of any size", async () => {
    const wide = numbers
      .map((x) => `${head(9)}Direct configuration= ${x}\n${"0.1 0.2 0.3\n".repeat(2)}`)
      .join("");
    const count = Math.ceil((5 << 19) / wide.length);
    const path = place("pieces.xdatcar", wide.repeat(count) + head(7) + step(4));
    const all = await readStructures(path);
    expect(all).toHaveLength(5 * count + 1);
    for (const { cell, atomicNumbers } of all.slice(0, -1))
      expect([cell![0], ...atomicNumbers]).toEqual([9, 8, 1]);
    expect(await readStructures(path, { frames: -1 })).toEqual(all.slice(-1));
    expect(all.at(-1)!.cell![0]).toBe(7);
  });

  it("the lattice of an XDATCAR is read for the steps that are wanted", async () => {
    const path = place(
      "wrong.xdatcar",
      head(9) + step(0) + head(9).replace("0 9 0", "0 9") + step(1) + head(8) + step(2),
    );
    await expect(readStructures(path)).rejects.toThrow(
      "wrong.xdatcar: line 14: 3 numbers are expected for a lattice vector",
    );
    const [last] = await readStructures(path, { frames: -1 });
    expect(last.cell![0]).toBe(8);
    const flat = place("flat.xdatcar", head(9) + step(0) + head(9).replace("t\n1\n", "t\n0\n") + step(1));
    await expect(readStructures(flat, { frames: 1 })).rejects.toThrow(
      "flat.xdatcar: line 15: the scale 0 is not positive",
    );
  });

  it("also of records", async () => {
    mkdirSync(join(folder, "records"));
    const path = join(folder, "records", "x.lmdb");
    await writeStructures(path, await readStructures(texts[0]), { format: "ocp-lmdb" });
    const all = await readStructures(path);
    for (const selection of selections)
      expect(await readStructures(path, { frames: selection }), selection).toEqual(taken(all, selection));
  });
});

describe("of frames that are not taken only the number of atoms counts", () => {
  it.each([
    ["extxyz", "damaged.extxyz", frame(0).replace("H 0 0 0", "? nonsense") + frame(1)],
    ["lammps-dump", "damaged.dump", dump(0).replace("1 1 0 0 0", "? nonsense") + dump(1)],
    ["jsonl", "damaged.jsonl", '{"elements": nonsense\n{"elements":["H"],"positions":[[1,0,0]]}\n'],
  ])("what else is damaged in one passes: %s", async (format, name, text) => {
    const path = place(name, text);
    await expect(readStructures(path, { format })).rejects.toThrow(name);
    for (const frames of [1, -1]) expect(await readStructures(path, { format, frames })).toHaveLength(1);
  });

  it.each([
    ["more atoms than announced", "more.extxyz", frame(0).replace(/^2/, "1"), /more\.extxyz: line 4: "O 0 0 0" stands where the number of atoms/],
    ["fewer atoms than announced", "fewer.extxyz", frame(0).replace(/^2/, "3"), /fewer\.extxyz: line 6: "Properties.*" stands where the number of atoms/],
    ["more atoms in a dump", "more.dump", dump(0).replace("ATOMS\n2", "ATOMS\n1"), /more\.dump: line 11: "2 1 0 0 0" stands where an ITEM/],
  ])("%s is an error", async (_, name, text, says) => {
    const path = place(name, text + (name.endsWith("dump") ? dump(1) : frame(1)));
    for (const frames of [1, -1]) await expect(readStructures(path, { frames })).rejects.toThrow(says);
  }); // prettier-ignore

  it("a file that ends within one is an error", async () => {
    const whole = readFileSync(texts[0], "utf8");
    const path = place("cut.extxyz", whole.slice(0, whole.lastIndexOf("O 0")));
    await expect(readStructures(path, { frames: -1 })).rejects.toThrow(/ends where atom 2 of 2 is expected/);
    expect(await readStructures(path, { frames: "0:4" })).toHaveLength(4);
  });

  it("lines that are too long, and their numbers, are told as ever", async () => {
    const path = place("long.extxyz", `${frame(0)}1\n${"a".repeat(2 ** 23 + 1)}\nH 0 0 0\n`);
    await expect(readStructures(path, { frames: 2 })).rejects.toThrow(/long\.extxyz: line 6 is longer/);
  });
});
