import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { bundle, root } from "../cli/bundle.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import type { Inspected } from "./inspect-process.js";

export const mb = 1e6;

export interface LargeFiles {
  /** Where the files lie. */
  readonly folder: string;
  /** A file of `start`, then `unit` so often that it has so many bytes, then `end`. */
  readonly place: (name: string, bytes: number, start: string, unit: string, end?: string) => string;
  /** What became of the files in a process of their own, which may take 512 MiB, and 5 s of each. */
  readonly inspect: (...paths: string[]) => Inspected[];
}

/** For one test file, whose name it takes. */
export function largeFiles(name: string): LargeFiles {
  const folder = temporaryFolder();
  const built = join(root, "build", name);
  let program = "";
  beforeAll(async () => {
    program = await bundle("test/formats/inspect-process.ts", join(built, "inspect.mjs"));
  });
  afterAll(() => rmSync(built, { recursive: true, force: true }));
  return {
    folder,
    place: (file, bytes, start, unit, end = "") => {
      const path = join(folder, file);
      write(path, bytes, start, unit, end);
      return path;
    },
    inspect: (...paths) => inspectApart(program, paths),
  };
}

function write(path: string, bytes: number, start: string, unit: string, end: string): void {
  const file = openSync(path, "w");
  const many = Math.floor((1 << 20) / unit.length);
  const piece = Buffer.from(unit.repeat(many));
  writeSync(file, start);
  let left = timesOf(bytes, unit);
  for (; left >= many; left -= many) writeSync(file, piece);
  writeSync(file, unit.repeat(left) + end);
  closeSync(file);
}

export function timesOf(bytes: number, unit: string): number {
  return Math.floor(bytes / unit.length);
}

function inspectApart(program: string, paths: readonly string[]): Inspected[] {
  const text = execFileSync(process.execPath, [program, ...paths], { encoding: "utf8", timeout: 100_000 });
  const found = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Inspected);
  for (const [k, { seconds, mib }] of found.entries()) {
    expect(seconds, `${paths[k]}: seconds`).toBeLessThan(5);
    expect(mib, `${paths[k]}: MiB`).toBeLessThan(512);
  }
  return found;
}

export const cell = [["length", "a"], ["length", "b"], ["length", "c"], ["angle", "alpha"], ["angle", "beta"], ["angle", "gamma"]]
  .map(([what, name]) => `_cell_${what}_${name} 90\n`).join(""); // prettier-ignore
export const sites = "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n";
export const box = "9 0 0\n0 9 0\n0 0 9\n";
export const dump = (atoms: number | string): string =>
  `ITEM: TIMESTEP\n5\nITEM: NUMBER OF ATOMS\n${atoms}\nITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\nITEM: ATOMS id type x y z\n`;
export const lammps = (atoms: number): string =>
  `t\n\n${atoms} atoms\n0 9 xlo xhi\n0 9 ylo yhi\n0 9 zlo zhi\n\nMasses\n\n1 1.008\n\nAtoms # atomic\n\n`;
export const xml = '<?xml version="1.0"?>\n<modeling>\n';
export const mol =
  "m\n p\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n    0.0000    0.0000    0.0000 C   0  0\nM  END\n";
