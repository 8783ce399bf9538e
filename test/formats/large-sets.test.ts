import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { inspectFile } from "../../src/data/inspect/inspect.js";
import type { StructureReport } from "../../src/data/inspect/structure-report.js";
import { LmdbFile } from "../../src/data/lmdb/reader.js";
import { writeLmdbSync } from "../../src/data/lmdb/writer.js";
import { encodeNpy } from "../../src/data/npy.js";
import { encodeNpz } from "../../src/data/npz.js";
import { readStructures } from "../../src/data/structures.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import { cell, mol, sites } from "./large-files.js";

const folder = temporaryFolder();
const data = join("examples", "data");

/** Processor time, not the clock: the machine may be busy with other things. The second run is without compilation. */
async function inspectQuickly(path: string): Promise<StructureReport> {
  await inspectFile(path);
  const start = process.cpuUsage();
  const report = await inspectFile(path);
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1e6).toBeLessThan(1);
  return report as StructureReport;
}

/** A text file of at least so many bytes: the same frames again and again, between what stands above and below all. */
function repeated(
  name: string,
  text: string,
  bytes: number,
  above = "",
  below = "",
): { path: string; times: number } {
  const path = join(folder, name);
  const piece = text.repeat(Math.ceil((1 << 22) / text.length));
  const file = openSync(path, "w");
  let written = 0;
  writeSync(file, above);
  while (written < bytes) written += writeSync(file, piece);
  writeSync(file, below);
  closeSync(file);
  return { path, times: written / Buffer.byteLength(text) };
}

/** A fixture of VASP: what stands above its steps, the steps, and what stands below them. */
function parts(
  name: string,
  mark: RegExp,
  isEnd = false,
): { above: string; unit: string; below: string; frames: number } {
  const text = readFileSync(join("test", "fixtures", "formats", "vasp", name), "latin1");
  const places = [...text.matchAll(mark)].map(({ index, 0: found }) => index + (isEnd ? found.length : 0));
  const [first, last] = [places[0], places.at(-1)!];
  return {
    above: text.slice(0, first),
    unit: text.slice(first, last),
    below: text.slice(last),
    frames: places.length - 1,
  };
}

describe("sets of 100 MB and more are sampled", () => {
  it("extxyz: frames from all over the file, their number reckoned to 2 %", async () => {
    const text = readFileSync(join(data, "rmd17", "ethanol.extxyz"), "utf8");
    const { path, times } = repeated("long.extxyz", text, 1.2e8);
    const report = await inspectQuickly(path);
    expect(report).toMatchObject({
      format: "extxyz",
      frames_estimated: true,
      elements: { C: expect.any(Number) as number },
    });
    expect(Math.abs(report.frames / (40 * times) - 1)).toBeLessThan(0.02);
    expect(report.sampled).toBeGreaterThan(1000);
    expect(report.energy).toMatchObject({ unit: "eV" });
    expect(report.suspicious.every(({ code }) => code === "duplicate")).toBe(true);
  });

  it.each([
    ["molecules.xyz", "3\n7\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n", 1, "xyz"],
    [
      "run.lammpstrj",
      "ITEM: TIMESTEP\n5\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS pp pp ff\n0 5\n0 4\n0 6\nITEM: ATOMS id element x y z\n1 O 1 2 3\n",
      1,
      "lammps-dump",
    ],
    ["records.jsonl", '{"smi":"CO","pos":[[0,0,0],[1.4,0,0]],"gap":0.5}\n', 1, "jsonl"],
  ])("%s", async (name, text, frames, format) => {
    const { path, times } = repeated(name, text, 1.01e8);
    const report = await inspectQuickly(path);
    expect([report.format, report.frames_estimated]).toEqual([format, true]);
    expect(Math.abs(report.frames / (frames * times) - 1)).toBeLessThan(0.02);
  });

  const cif = `${cell.replaceAll("90", "91")}${sites}Na 0 0 0\nCl .5 .5 .5\n`;
  const outcar = parts("OUTCAR", /^ *energy {2}without entropy *=.*\n/gm, true);
  const xml = parts("vasprun.xml", /^ *<calculation>/gm);
  const xdatcar = parts("XDATCAR", /^titania/gm);
  const firstStep = /^Direct[^]*?(?=titania)/m.exec(xdatcar.unit)![0];
  const header = xdatcar.unit.slice(0, xdatcar.unit.indexOf("Direct"));
  it.each([
    ["t.csv", "csv", "é,cif\n", `"a, ""b""","# x\n# 1,2\ndata_x\n${cif}"\n`, "", 1],
    ["plain.csv", "csv", "a,b\n", "1,2\n", "", 1],
    ["x.cif", "cif", "", `data_x\n${cif}data_text\n_a b\n`, "", 1],
    ["m.sdf", "sdf", "", `${mol}> <gap>\n0.25\n\n$$$$\n`, "", 1],
    ["OUTCAR", "outcar", outcar.above, outcar.unit, outcar.below, outcar.frames],
    ["vasprun.xml", "vasprun", xml.above, xml.unit, xml.below, xml.frames],
    ["XDATCAR", "xdatcar", "", xdatcar.unit, "", xdatcar.frames],
    ["NVT.XDATCAR", "xdatcar", header, firstStep, "", 1],
  ])("%s", async (name, format, above, unit, below, frames) => {
    const { path, times } = repeated(name, unit, 1.01e8, above, below);
    const report = await inspectQuickly(path);
    const small = join(folder, `small-${name}`);
    writeFileSync(small, above + unit + below);
    const { sampled, atoms, frames: all, suspicious, frames_estimated, ...rest } = report;
    expect(sampled).toBeGreaterThan(100);
    expect(frames_estimated).toBe(true);
    expect(Math.abs(all / (frames * times) - 1)).toBeLessThan(0.02);
    expect(suspicious.every(({ code }) => code === "duplicate")).toBe(true);
    const whole = (await inspectFile(small, {})) as StructureReport;
    expect(rest).toMatchObject({ format, keys: whole.keys, pbc: whole.pbc });
    expect([atoms.min, atoms.max]).toEqual([whole.atoms.min, whole.atoms.max]);
    expect(rest.nearest_distance ?? 0).toBeGreaterThanOrEqual(whole.nearest_distance ?? 0);
  });

  it("ase-traj: frames by their offsets, counted exactly", async () => {
    const bytes = readFileSync(join("test", "fixtures", "formats", "peers", "run.traj"));
    const count = Number(bytes.readBigInt64LE(32));
    const offsets = Number(bytes.readBigInt64LE(40));
    const path = join(folder, "long.traj");
    const [times, gap] = [20_000, 1e8];
    const file = openSync(path, "w");
    const start = Buffer.from(bytes);
    start.writeBigInt64LE(BigInt(count * times), 32);
    start.writeBigInt64LE(BigInt(gap), 40);
    writeSync(file, start);
    const list = Buffer.from(bytes.subarray(offsets, offsets + 8 * count));
    writeSync(file, Buffer.concat(Array.from({ length: times }, () => list)), 0, times * list.length, gap);
    closeSync(file);
    const report = await inspectQuickly(path);
    expect(report).toMatchObject({ format: "ase-traj", frames: count * times, sampled: 2000 });
    expect(report.frames_estimated).toBeUndefined();
  });

  it.each(["csv", "extxyz"])("a packed %s: its first frames, and that it says so", async (format) => {
    const [above, unit] =
      format === "csv"
        ? ["n,cif\n", Array.from({ length: 400 }, (_, k) => `${Math.sin(k)},"data_x\n${cif}"\n`).join("")]
        : ["", readFileSync(join(data, "rmd17", "ethanol.extxyz"), "utf8")];
    const { path, times } = repeated(`packed.${format}`, unit, 1.5e8, above);
    const packed = gzipSync(readFileSync(path), { level: 1 });
    writeFileSync(`${path}.gz`, packed);
    const report = await inspectQuickly(`${path}.gz`);
    expect(report).toMatchObject({ format, frames_estimated: true, sampled_beginning: true });
    expect(Math.abs(report.frames / ((format === "csv" ? 400 : 40) * times) - 1)).toBeLessThan(0.03);
  });

  it("deepmd-npy: 4 GB in one set, counted exactly", async () => {
    const system = join(folder, "water");
    mkdirSync(join(system, "set.000"), { recursive: true });
    writeFileSync(join(system, "type.raw"), "0\n1\n1\n");
    writeFileSync(join(system, "type_map.raw"), "O H\n");
    writeFileSync(join(system, "nopbc"), "");
    const [frames, bytes] = [55_555_555, 72];
    const file = openSync(join(system, "set.000", "coord.npy"), "w");
    const header = Buffer.from(encodeNpy({ shape: [0], data: new Float64Array(0) })[0]).toString("latin1");
    const sized = header.replace("(0,), }         ", `(${frames}, 9), }`);
    expect(sized).toHaveLength(header.length);
    writeSync(file, Buffer.from(sized, "latin1"));
    ftruncateSync(file, header.length + frames * bytes);
    closeSync(file);
    const report = await inspectQuickly(system);
    expect(report).toMatchObject({ format: "deepmd-npy", frames, sampled: 2000, atoms: { min: 3, max: 3 } });
  });

  it("npz: rows are read where they lie, of arrays larger than memory would take at once", async () => {
    const [frames, atoms] = [150_000, 90];
    const path = join(folder, "large.npz");
    const positions = Float32Array.from({ length: frames * atoms * 3 }, (_, k) => k % 1000);
    const arrays = new Map<string, { shape: number[]; data: Float64Array | Float32Array | Uint8Array }>([
      ["R", { shape: [frames, atoms, 3], data: positions }],
      ["z", { shape: [atoms], data: new Uint8Array(atoms).fill(6) }],
      ["E", { shape: [frames], data: Float64Array.from({ length: frames }, (_, k) => -k) }],
    ]);
    writeFileSync(path, encodeNpz(arrays));
    const report = await inspectQuickly(path);
    // 20,000 atoms are looked at.
    expect(report).toMatchObject({ format: "npz", frames, sampled: 222, atoms: { min: atoms, max: atoms } });
    const [frame] = await readStructures(path, { frames: 100_001 });
    expect([frame.energy, ...frame.positions.slice(0, 2)]).toEqual([-100_001, 270, 271]);
  });

  it("ocp-lmdb: records by their keys", async () => {
    const source = new LmdbFile(join(data, "oc20", "is2re.lmdb"));
    const values = [0, 1, 2, 3].map((k) => source.get(String(k))!.slice());
    source.close();
    const path = join(folder, "large.lmdb");
    writeLmdbSync(
      path,
      Array.from({ length: 2400 }, (_, k) => [String(k), values[k % 4]] as const),
    );
    const report = await inspectQuickly(path);
    expect(report).toMatchObject({ format: "ocp-lmdb", frames: 2400 });
    // Frames of fifty atoms: as many as 20,000 atoms.
    expect(report.sampled).toBeGreaterThan(350);
    expect(report.sampled).toBeLessThan(600);
  });

  it("safetensors: 5 GB of weights, of which the header is read", async () => {
    const path = join(folder, "large.safetensors");
    const header = JSON.stringify({
      w: { dtype: "F32", shape: [1_250_000_000], data_offsets: [0, 5_000_000_000] },
    });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const file = openSync(path, "w");
    writeSync(file, Buffer.concat([length, Buffer.from(header)]));
    ftruncateSync(file, 8 + header.length + 5_000_000_000);
    closeSync(file);
    const report = (await inspectQuickly(path)) as unknown as { tensors: unknown };
    expect(report.tensors).toEqual([{ name: "w", shape: [1_250_000_000], dtype: "float32" }]);
  });
});
