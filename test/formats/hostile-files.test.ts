import { closeSync, mkdirSync, openSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { inspectFile } from "../../src/data/inspect/inspect.js";
import { encodeNpy } from "../../src/data/npy.js";
import type { Structure } from "../../src/data/structure.js";
import { readStructures } from "../../src/data/structures.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { fuzzReader } from "../campaign/fuzz-reader.js";
import { readerSeeds, type ReaderSeed } from "../campaign/reader-seeds.js";
import { temporaryFolder } from "../data/temporary-folder.js";

const folder = temporaryFolder();
const place = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const npy = (data: Float64Array | Int32Array, shape: number[]): Uint8Array =>
  Buffer.concat(encodeNpy({ shape, data }));
const header = (dict: string): Uint8Array => {
  const text = `${dict}\n`.padStart(118);
  return Buffer.concat([
    Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length, 0),
    Buffer.from(text),
  ]);
};
const z = npy(Int32Array.of(1, 1), [2]);
const huge = header("{'descr': '<f8', 'fortran_order': False, 'shape': (536870912, 2, 3), }");
const objects = header("{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }");
const npz = (entries: Record<string, Uint8Array>): Uint8Array => zipSync(entries, { level: 6 });
const lammps = (atoms: string): string =>
  `title\n\n${atoms} atoms\n1 atom types\n0 5 xlo xhi\n0 4 ylo yhi\n0 6 zlo zhi\n\nAtoms # atomic\n\n1 1 1 2 3\n`;

/** 100 MB without an end of line, behind a good beginning. */
function longLine(name: string, start: string): string {
  const path = join(folder, name);
  const file = openSync(path, "w");
  writeSync(file, start);
  const piece = Buffer.alloc(1 << 20, "1 ");
  for (let k = 0; k < 100; k++) writeSync(file, piece);
  closeSync(file);
  return path;
}

/** A folder that a link inside leads back to, and a link to itself. */
function circles(): [string, string] {
  const set = join(folder, "circle");
  mkdirSync(set);
  symlinkSync(set, join(set, "again"));
  const link = join(folder, "itself.extxyz");
  symlinkSync(link, link);
  return [set, link];
}

const [circle, itself] = circles();
const utf16 = Buffer.concat([
  Uint8Array.of(0xff, 0xfe),
  Buffer.from("1\nProperties=species:S:1:pos:R:3\nH 0 0 0\n", "utf16le"),
]);
const files: [string, string, RegExp][] = [
  ["Python objects in npz", place("objects.npz", npz({ "R.npy": objects, "z.npy": z })), /objects\.npz/],
  ["a header of 24 GB on a tiny npz", place("huge.npz", npz({ "R.npy": huge, "z.npy": z })), /huge\.npz/],
  ["a zip bomb", place("bomb.npz", npz({ "R.npy": Buffer.concat([huge, Buffer.alloc(64 << 20)]), "z.npy": z })), /bomb\.npz/],
  ["an extxyz of a billion atoms", place("atoms.extxyz", "1000000000\nProperties=species:S:1:pos:R:3\nH 0 0 0\n"), /atoms\.extxyz: line \d: .*1000000000 atoms/],
  ["an extxyz of 1e9 columns", place("wide.extxyz", "1\nProperties=species:S:1:pos:R:1000000000\nH 0 0 0\n"), /wide\.extxyz/],
  ["an xyz of a billion atoms", place("atoms.xyz", "1000000000\nx\nH 0 0 0\n"), /atoms\.xyz/],
  ["a POSCAR of a billion atoms", place("x.vasp", "a\n1\n1 0 0\n0 1 0\n0 0 1\nH\n1000000000\nDirect\n0 0 0\n"), /x\.vasp/],
  ["LAMMPS data of a billion atoms", place("x.data", lammps("1000000000")), /x\.data/],
  ["a dump of a billion atoms", place("x.dump", "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1000000000\nITEM: BOX BOUNDS pp pp pp\n0 1\n0 1\n0 1\nITEM: ATOMS id type x y z\n1 1 0 0 0\n"), /x\.dump/],
  ["UTF-16", place("wide16.extxyz", utf16), /wide16\.extxyz: the text is UTF-16/],
  ["a CIF of 200,000 brackets", place("deep.cif", `data_x\n_cell_length_a ${"[".repeat(200_000)}\n_atom_site_label H\n`), /deep\.cif/],
  ["JSON of 100,000 levels", place("deep.jsonl", `{"smi":"C","pos":${"[".repeat(100_000)}\n`), /deep\.jsonl/],
  ["a line of 100 MB", longLine("long.extxyz", "1\n"), /long\.extxyz: line 2 is longer/],
  ["a row of 100 MB", longLine("long.csv", 'name,cif\n"'), /long\.csv/],
  ["a folder that holds itself", circle, /circle/],
  ["a link to itself", itself, /itself\.extxyz: .*circle/],
]; // prettier-ignore

describe("files made to do harm end in one clear error", () => {
  it.each(files)("%s", async (_, path, says) => {
    const memory = process.memoryUsage.rss();
    const cpu = process.cpuUsage();
    for (const read of [readStructures, inspectFile]) {
      const error: unknown = await read(path).then(() => null, (thrown: unknown) => thrown); // prettier-ignore
      expect(error, read.name).toBeInstanceOf(AtomgradError);
      const { message } = error as AtomgradError;
      expect(message).toMatch(says);
      expect(message.length).toBeLessThan(1500);
    }
    const { user, system } = process.cpuUsage(cpu);
    expect((user + system) / 1e6).toBeLessThan(5);
    expect((process.memoryUsage.rss() - memory) / 2 ** 20).toBeLessThan(512);
  });
});

describe("files that were cut short are refused", async () => {
  const seeds = (await readerSeeds(temporaryFolder())).filter(({ good }) => good.length > 0);
  /** Every byte of a small file, some places of a larger one. */
  const small = 4096;
  const places = 300;
  it.each(seeds.map((one) => [one.name, one] as const))("%s", async (_, one) => {
    await fuzzReader(one, 1, 1);
    const whole = await one.read();
    const frames = one.frames?.() ?? [];
    const step = one.good.length <= small ? 1 : Math.ceil(one.good.length / places);
    for (let length = 0; length < one.good.length; length += step) {
      writeFileSync(one.file, one.good.subarray(0, length));
      await one.prepare?.();
      const label = `${length} of ${one.good.length} bytes`;
      let numbers = 0;
      let found: readonly Structure[] = [];
      try {
        if (one.frames === undefined) numbers = await one.read();
        else found = one.frames();
      } catch (error) {
        if (!(error instanceof AtomgradError)) throw error;
        continue;
      }
      for (const { positions } of found) numbers += positions.length;
      // A text may end behind a whole frame, a graph of TensorFlow behind a whole node; containers say how long they are.
      if (one.kind === "text" || one.name.startsWith("tf-graph")) expect(numbers).toBeLessThanOrEqual(whole);
      else expect(numbers, label).toBe(whole);
      // The last number or name of a text may have had more letters.
      const sure = one.kind === "text" && isWithinWord(one.good, length) ? found.slice(0, -1) : found;
      for (const [k, frame] of sure.entries()) {
        const isLast = k === found.length - 1;
        const expected = isLast || isList(one) ? known(one, frame, frames[k]) : frames[k];
        if (!isDeepStrictEqual(frame, expected)) expect(frame, `${label}: frame ${k}`).toEqual(expected);
      }
    }
    writeFileSync(one.file, one.good);
  });
});

/** What a file whose end is missing may say of its last frame, given what the whole file says of it. */
function known(one: ReaderSeed, found: Structure, whole: Structure): Structure {
  const { name } = one;
  const atoms = found.atomicNumbers.length;
  // A loop does not say how many rows it has: the first sites are all there are.
  if (name === "cif")
    return {
      ...whole,
      atomicNumbers: whole.atomicNumbers.slice(0, atoms),
      positions: whole.positions.slice(0, 3 * atoms),
    };
  // Nothing says how many data items a record has: the first ones are all there are.
  if (name === "sdf") {
    const items = new Map([...whole.info].filter(([key]) => found.info.has(key)));
    return { ...whole, info: items, keys: ["atoms", ...items.keys()] };
  }
  // Where no style is named, the number of columns tells it, and there is one row.
  if (name === "lammps-data.2") return found;
  // Velocities may follow the atoms or not.
  if (name === "lammps-data.1" && found.arrays.size < whole.arrays.size) {
    const arrays = new Map([...whole.arrays].filter(([key]) => key !== "velocities"));
    return { ...whole, arrays };
  }
  // The last element of a list may be another one then: Cu, C.
  if (isList(one)) return { ...whole, atomicNumbers: found.atomicNumbers, species: found.species };
  return whole;
}

/** Whether the file is a list of elements. */
function isList({ file }: ReaderSeed): boolean {
  return file.endsWith("type_map.raw");
}

/** Whether a text that ends here ends within a word. */
function isWithinWord(text: Uint8Array, at: number): boolean {
  return at > 0 && text[at] > 32 && text[at - 1] > 32;
}
