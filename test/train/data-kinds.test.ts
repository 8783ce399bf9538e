import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDeepmdSystem } from "../../src/data/deepmd-npy.js";
import { writeDeepmdSystem } from "../../src/data/deepmd-npy-write.js";
import type { DeepmdSystem } from "../../src/data/deepmd-system.js";
import { elementSymbols } from "../../src/data/elements.js";
import { RandomStream } from "../../src/tensor/philox.js";
import type { MetricsRow } from "../../src/train/deepmd/metrics-file.js";
import { trainDeepmd } from "../../src/train/deepmd/run.js";
import { writeHdf5 } from "../data/hdf5-systems.js";

const alloys = resolve(import.meta.dirname, "../../examples/data/nbmotaw/train");
const lmdb = resolve(import.meta.dirname, "../../../shared/data/deepmd-lmdb");
const atten = {
  type: "se_atten",
  sel: 30,
  rcut: 4,
  neuron: [4, 8],
  axis_neuron: 2,
  attn: 4,
  attn_layer: 1,
  seed: 1,
};
const metals = ["Nb", "Mo", "Ta", "W"];
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atomgrad-kinds-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function train(
  systems: unknown,
  typeMap: readonly string[],
  changes: Record<string, unknown> = {},
): Promise<MetricsRow[]> {
  const { descriptor = atten, validation = null, steps = 3, batch = 2, rate = 1e-3 } = changes;
  const path = join(folder, "input.json");
  const input = {
    model: { type_map: typeMap, descriptor, fitting_net: { neuron: [8], seed: 2 } },
    learning_rate: { type: "exp", start_lr: rate, stop_lr: 1e-5 },
    loss: { type: "ener" },
    training: {
      training_data: { systems, batch_size: batch },
      validation_data: validation,
      numb_steps: steps,
      seed: 3,
      disp_freq: 1,
      disp_file: join(folder, "lcurve.out"),
      save_ckpt: join(folder, "model"),
    },
  };
  writeFileSync(path, JSON.stringify(input));
  const rows: MetricsRow[] = [];
  await trainDeepmd(path, {
    output: join(folder, "out.json"),
    skipNeighborStat: typeof (descriptor as { sel: unknown }).sel !== "string",
    onRow: (row) => rows.push(row),
  });
  return rows;
}

describe("nested folders", () => {
  it("train as the list of the systems in them", async () => {
    const names = ["n002", "n016"];
    const nested = ["a/b/first", "a/second"].map((path) => join(folder, "all", path));
    names.forEach((name, k) => cpSync(join(alloys, name), nested[k], { recursive: true }));
    const wanted = await train(nested, metals);
    expect(await train(join(folder, "all"), metals)).toEqual(wanted);
  });
});

describe("HDF5 systems", () => {
  it("train as the same folders do, by group or all of a file", async () => {
    const folders = ["n002", "n016"].map((name) => join(alloys, name));
    const [a, b] = folders.map((path) => readDeepmdSystem(path));
    const path = join(folder, "data.hdf5");
    await writeHdf5(path, { a, b });
    const wanted = await train(folders, metals);
    expect(await train([`${path}#/a`, `${path}#/b`], metals)).toEqual(wanted);
    expect(await train(path, metals)).toEqual(wanted);
  });

  it("says what is wrong", async () => {
    const path = join(folder, "data.hdf5");
    await writeHdf5(path, { a: readDeepmdSystem(join(alloys, "n002")) });
    await expect(train([`${path}#/b`], metals)).rejects.toThrow(/data\.hdf5/);
    await expect(train(path, ["Nb", "Mo"])).rejects.toThrow(/data\.hdf5#\/a.*"(Ta|W)"/);
    writeFileSync(path, "no HDF5 at all");
    await expect(train(path, metals)).rejects.toThrow(/data\.hdf5: not a readable HDF5 file/);
    await expect(train(join(folder, "absent.hdf5"), metals)).rejects.toThrow(/absent\.hdf5/);
  });
});

describe.skipIf(!existsSync(lmdb))("LMDB data [needs ../shared/data/deepmd-lmdb]", () => {
  const water = join(lmdb, "water_training.lmdb");

  it.each([
    ["se_atten", { ...atten, sel: 40 }],
    ["se_e2_a", { type: "se_e2_a", sel: [14, 28], rcut: 4, neuron: [4, 8], axis_neuron: 2, seed: 1 }],
  ])("train %s, with validation data of their own", async (_name, descriptor) => {
    const validation = { systems: join(lmdb, "water_validation.lmdb"), batch_size: 1, numb_btch: 2 };
    const rows = await train(water, ["O", "H"], { descriptor, validation, batch: 1, steps: 2 });
    expect(rows).toHaveLength(2);
    for (const { training, validation: held } of rows)
      for (const errors of [training, held!]) {
        expect(errors.rmse_e).toBeLessThan(2);
        expect(errors.rmse_f).toBeLessThan(3);
      }
  });

  it("a type the model does not know is an error", async () => {
    await expect(train(water, ["O"])).rejects.toThrow(/water_training\.lmdb, record 0: atom \d+ is "H"/);
  });
});

describe("folders", () => {
  it("one path stands for all systems below it; several validation systems are averaged", async () => {
    const validation = {
      systems: [join(alloys, "n008"), join(alloys, "n016")],
      numb_btch: 3,
      batch_size: "auto:16",
    };
    const rows = await train(alloys, metals, { validation, descriptor: { ...atten, sel: "auto" } });
    expect(rows).toHaveLength(3);
    for (const { validation: held } of rows) expect(Number.isFinite(held!.rmse_f)).toBe(true);
  });

  it.each([
    ["se_atten", { ...atten, sel: 20 }],
    [
      "se_e2_a",
      {
        type: "se_e2_a",
        sel: new Array(56).fill(2),
        rcut: 4,
        neuron: [2, 4],
        axis_neuron: 2,
        type_one_side: true,
        seed: 1,
      },
    ],
  ])("56 elements train with %s", async (_name, descriptor) => {
    const symbols = elementSymbols.slice(0, 56);
    writeDeepmdSystem(join(folder, "many"), manyElements(symbols));
    const rows = await train([join(folder, "many")], symbols, {
      descriptor,
      steps: 40,
      batch: 8,
      rate: 0.01,
    });
    const mean = (part: MetricsRow[]): number =>
      part.reduce((sum, row) => sum + row.training.rmse, 0) / part.length;
    expect(mean(rows.slice(-5))).toBeLessThan(0.9 * mean(rows.slice(0, 5)));
  });
});

/** Frames of 14 atoms of ever other elements, with forces that pull neighbours to a distance. */
function manyElements(typeMap: readonly string[]): DeepmdSystem {
  const random = new RandomStream(7, 1);
  const [frames, atoms] = [16, 14];
  const positions = new Float64Array(frames * atoms * 3);
  const cells = new Float64Array(frames * 9);
  const energy = new Float64Array(frames);
  const types = Int32Array.from({ length: frames * atoms }, (_, k) => (5 * k) % typeMap.length);
  for (let f = 0; f < frames; f++) {
    cells.set([7, 0, 0, 0, 7, 0, 0, 0, 7], 9 * f);
    for (let i = 0; i < atoms; i++)
      for (let k = 0; k < 3; k++)
        positions[3 * (f * atoms + i) + k] = 2.4 * (Math.floor(i / [1, 3, 9][k]) % 3) + 0.2 * random.normal();
    energy[f] = types.subarray(f * atoms, (f + 1) * atoms).reduce((sum, t) => sum - 2 - 0.01 * t, 0);
  }
  const force = Float64Array.from(positions, (_, k) => 0.5 * Math.sin(3 * positions[k]));
  const found = new Uint8Array(frames).fill(1);
  return {
    name: "many",
    typeMap,
    frameCount: frames,
    atomCount: atoms,
    mixed: true,
    types,
    positions,
    cells,
    labels: { energy: { width: 1, data: energy, found }, force: { width: 3 * atoms, data: force, found } },
    setSizes: [frames],
  };
}
