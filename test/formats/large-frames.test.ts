import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { box, cell, dump, lammps, largeFiles, mb, sites, timesOf } from "./large-files.js";

const { folder, place, inspect } = largeFiles("large-frames-test");

describe("one frame as large as the file takes a small multiple of it", () => {
  // Lines as short as they can be: nowhere are the numbers of a text as dense.
  it.each([
    ["x.cif", 20 * mb, () => `data_x\n${cell}${sites}`, "H 0 0 0\n"],
    ["x.dump", 20 * mb, (n: number) => dump(n), "1 1 0 0 0\n"],
    ["x.vasp", 15 * mb, (n: number) => `t\n1\n${box}H\n${n}\nDirect\n`, "0 0 0\n"],
    ["x.xdatcar", 15 * mb, (n: number) => `t\n1\n${box}H\n${n}\nDirect configuration= 1\n`, "0 0 0\n"],
    ["x.xyz", 15 * mb, (n: number) => `${n}\nt\n`, "H 0 0 0\n"],
    ["x.extxyz", 15 * mb, (n: number) => `${n}\nProperties=species:S:1:pos:R:3\n`, "H 0 0 0\n"],
    ["x.sdf", 15 * mb, () => "m\n p\n\n  0  0  0  0  0  0  0  0  0  0999 V3000\nM  V30 BEGIN ATOM\n", "1 C 0 0 0\n", "M  END\n"],
  ] as const)("%s", (name, bytes, start, unit, end?: string) => {
    const atoms = timesOf(bytes, unit);
    const [{ outcome }] = inspect(place(name, bytes, start(atoms), unit, end));
    expect(outcome).toEqual({ frames: 1, atoms });
  }); // prettier-ignore

  it("x.data", () => {
    const atoms = 1_500_000;
    const path = join(folder, "x.data");
    const file = openSync(path, "w");
    writeSync(file, lammps(atoms));
    for (let id = 0; id < atoms; id += 100_000)
      writeSync(file, Array.from({ length: 100_000 }, (_, k) => `${id + k} 1 0 0 0\n`).join(""));
    closeSync(file);
    expect(inspect(path)[0].outcome).toEqual({ frames: 1, atoms });
  });
});
