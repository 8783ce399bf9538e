import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { elementSymbols } from "../../src/data/elements.js";
import { encodeHdf5 } from "../../src/data/hdf5-write.js";
import { writeNpySync } from "../../src/data/npy.js";
import { encodeNpz } from "../../src/data/npz.js";
import { writeSafetensorsSync } from "../../src/data/safetensors.js";
import type { Structure } from "../../src/data/structure.js";
import { readStructures, writeStructures } from "../../src/data/structures.js";
import { cellParameters } from "../../src/geometry/cell-parameters.js";
import { toFractional } from "../../src/geometry/fractional.js";
import { temporaryFolder } from "../data/temporary-folder.js";

/** What peers read from these files: reference/formats/read_written.py. */
interface Frame {
  readonly numbers?: number[];
  readonly names?: string[];
  readonly positions?: number[];
  readonly fractions?: number[];
  readonly cell?: number[];
  readonly lengths?: number[];
  readonly angles?: number[];
  readonly pbc?: boolean[];
  readonly energy?: number[];
  readonly forces?: number[];
  readonly tags?: number[];
}
type Readers = Readonly<Record<string, unknown>> & { readonly sha256: string };

const data = join("examples", "data");
const fixture = join("test", "fixtures", "formats", "written.json");
const kept = process.env.ATOMGRAD_WRITTEN;
const folder = kept ?? temporaryFolder();
const peers = existsSync(fixture)
  ? (JSON.parse(readFileSync(fixture, "utf8")) as { files: Record<string, Readers> }).files
  : {};
const numbers = Float64Array.from({ length: 24 }, (_, k) => Math.sin(k) / 3);
const sets: Record<string, Structure[]> = {};
const hdf5Text = '{"name": "naïve", "list": [1, 2]}';

function digest(path: string): string {
  const files = (at: string): string[] =>
    statSync(at).isDirectory() ? readdirSync(at).flatMap((name) => files(join(at, name))) : [at];
  const hash = createHash("sha256");
  for (const file of files(path).sort()) hash.update(readFileSync(file));
  return hash.digest("hex");
}

beforeAll(async () => {
  if (kept !== undefined) {
    rmSync(kept, { recursive: true, force: true });
    mkdirSync(kept, { recursive: true });
  }
  const crystals = await readStructures(join(data, "mp_20", "mp_20.csv"), { frames: ":4" });
  const ethanol = await readStructures(join(data, "rmd17", "ethanol.extxyz"), { frames: ":2" });
  // The records' graphs are left out: ASE takes arrays per atom and short fields.
  const oc20 = (await readStructures(join(data, "oc20", "is2re.lmdb"), { frames: 0 })).map((one) => ({
    ...one,
    arrays: new Map(),
    info: new Map(),
    energyKey: null,
    forcesKey: null,
  }));
  const hydroxyl = { ...ethanol[1], forces: ethanol[1].forces!.slice(0, 6), positions: ethanol[1].positions.slice(0, 6), atomicNumbers: ethanol[1].atomicNumbers.slice(0, 2) }; // prettier-ignore
  Object.assign(sets, {
    "ethanol.extxyz": ethanol,
    "ethanol.xyz": ethanol,
    "oc20.extxyz": oc20,
    "crystal.vasp": crystals.slice(0, 1),
    "crystal.data": crystals.slice(0, 1),
    "crystals.cif": crystals,
    "crystals.csv": crystals,
    "crystals.jsonl": crystals,
    ethanol,
    mixed: [ethanol[0], hydroxyl],
  });
  for (const [name, structures] of Object.entries(sets)) {
    const format = { ethanol: "deepmd-npy", mixed: "deepmd-mixed", "ethanol.xyz": "xyz" }[name];
    await writeStructures(join(folder, name), structures, { format });
  }
  writeNpySync(join(folder, "array.npy"), { shape: [2, 3, 4], data: numbers });
  const singles = Float32Array.from(numbers);
  const arrays = new Map<string, { shape: number[]; data: Float64Array | Float32Array | Int32Array }>([
    ["f8", { shape: [4, 6], data: numbers }],
    ["f4", { shape: [24], data: singles }],
    ["i4", { shape: [2, 2], data: Int32Array.of(1, -2, 3, 2 ** 31 - 1) }],
  ]);
  writeFileSync(join(folder, "arrays.npz"), encodeNpz(arrays));
  const dtypes = { f8: "F64", f4: "F32", i4: "I32" } as const;
  const named = [...arrays].map(
    ([name, array]) => [name, { ...array, dtype: dtypes[name as keyof typeof dtypes] }] as const,
  );
  writeSafetensorsSync(join(folder, "arrays.safetensors"), named);
  const reals = [["f8", { shape: [4, 6], data: numbers }], ["f4", { shape: [2, 3, 4], data: singles }]] as const; // prettier-ignore
  writeFileSync(join(folder, "arrays.hdf5"), await encodeHdf5(reals, { json: hdf5Text }));
});

describe("files written here are read by others as they were meant (fixtures/formats/written.json)", () => {
  const readers = Object.entries(peers).flatMap(([file, found]) =>
    Object.keys(found)
      .filter((key) => ["ase", "pymatgen", "deepmd-kit"].includes(key))
      .map((peer) => [file, peer] as const),
  );

  it("the peers' answers are there, for the files that are written today", () => {
    expect(readers.length).toBeGreaterThan(10);
    for (const [name, { sha256 }] of Object.entries(peers))
      expect(digest(join(folder, name)), name).toBe(sha256);
  });

  it.each(readers)("%s, by %s", (file, peer) => {
    const frames = peers[file][peer] as Frame[];
    const written = sets[file];
    expect(frames).toHaveLength(written.length);
    frames.forEach((frame, k) => compare(frame, written[k], file));
  });

  it("arrays, by NumPy, PyTorch and h5py", () => {
    expect(peers["array.npy"]).toMatchObject({ numpy: [...numbers], shape: [2, 3, 4] });
    const wanted = { f8: [...numbers], f4: [...Float32Array.from(numbers)], i4: [1, -2, 3, 2 ** 31 - 1] };
    expect(peers["arrays.npz"].numpy).toEqual(wanted);
    expect(peers["arrays.safetensors"].torch).toEqual(wanted);
    expect(peers["arrays.hdf5"].h5py).toEqual({
      f8: { dtype: "float64", shape: [4, 6], data: wanted.f8 },
      f4: { dtype: "float32", shape: [2, 3, 4], data: wanted.f4 },
    });
    expect(peers["arrays.hdf5"].attributes).toEqual({ json: hdf5Text });
  });
});

/** Text formats with Cartesian coordinates and arrays are exact; through fractional coordinates it is rounding. */
function compare(
  frame: Frame,
  { atomicNumbers, positions, cell, energy, forces, tags, pbc }: Structure,
  file: string,
): void {
  const within = /cif|csv|data|jsonl/.test(file) ? 1e-9 : 1e-14;
  if (frame.numbers !== undefined) expect(frame.numbers).toEqual([...atomicNumbers]);
  if (frame.names !== undefined)
    expect(frame.names).toEqual(Array.from(atomicNumbers, (z) => elementSymbols[z - 1]));
  if (frame.fractions !== undefined) {
    const ours = toFractional(positions, cell!);
    frame.fractions.forEach((value, at) => {
      const off = value - ours[at];
      // Of a CIF pymatgen takes 0.333333 to be meant as 1/3.
      expect(Math.abs(off - Math.round(off))).toBeLessThan(/cif|csv/.test(file) ? 5e-7 : 1e-9);
    });
    const parameters = cellParameters(cell!);
    close(frame.lengths!, parameters.slice(0, 3), 1e-9);
    close(frame.angles!, parameters.slice(3), 1e-7);
  } else close(frame.positions!, positions, within);
  if (frame.cell !== undefined) close(frame.cell, cell!, within);
  if (frame.pbc !== undefined) expect(frame.pbc).toEqual([...pbc]);
  if (frame.energy !== undefined) expect(frame.energy).toEqual([energy]);
  if (frame.forces !== undefined) close(frame.forces, forces!, 0);
  if (frame.tags !== undefined) expect(frame.tags).toEqual([...tags!]);
}

function close(found: readonly number[], wanted: ArrayLike<number>, within: number): void {
  expect(found).toHaveLength(wanted.length);
  found.forEach((value, k) => expect(Math.abs(value - wanted[k])).toBeLessThanOrEqual(within));
}
