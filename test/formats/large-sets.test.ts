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
import { describe, expect, it } from "vitest";
import { inspectFile } from "../../src/data/inspect/inspect.js";
import type { StructureReport } from "../../src/data/inspect/structure-report.js";
import { LmdbFile } from "../../src/data/lmdb/reader.js";
import { writeLmdbSync } from "../../src/data/lmdb/writer.js";
import { encodeNpy } from "../../src/data/npy.js";
import { encodeNpz } from "../../src/data/npz.js";
import { temporaryFolder } from "../data/temporary-folder.js";

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

/** A text file of at least so many bytes: the same frames again and again. */
function repeated(name: string, text: string, bytes: number): { path: string; times: number } {
  const path = join(folder, name);
  const piece = text.repeat(Math.ceil((1 << 22) / text.length));
  const file = openSync(path, "w");
  let written = 0;
  while (written < bytes) written += writeSync(file, piece);
  closeSync(file);
  return { path, times: written / text.length };
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

  it("npz: all arrays are read, some frames are looked at", async () => {
    const [frames, atoms] = [50_000, 90];
    const path = join(folder, "large.npz");
    const positions = Float64Array.from({ length: frames * atoms * 3 }, (_, k) => k % 1000);
    const z = new Uint8Array(atoms).fill(6);
    const arrays = new Map<string, { shape: number[]; data: Float64Array | Uint8Array }>([
      ["R", { shape: [frames, atoms, 3], data: positions }],
      ["z", { shape: [atoms], data: z }],
      ["E", { shape: [frames], data: new Float64Array(frames) }],
    ]);
    writeFileSync(path, encodeNpz(arrays));
    expect(await inspectFile(path)).toMatchObject({ format: "npz", frames, sampled: 2000 });
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
    // Frames of fifty atoms: as many as 30,000 atoms.
    expect(report.sampled).toBeGreaterThan(500);
    expect(report.sampled).toBeLessThan(1000);
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
