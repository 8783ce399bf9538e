import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { inspectFile } from "../../src/data/inspect/inspect.js";
import type { StructureReport } from "../../src/data/inspect/structure-report.js";
import { inspectDeepmdModel } from "../../src/models/inspect-weights.js";

const shared = join("..", "shared", "data");
const held = existsSync(join(shared, "MANIFEST.json"));

/** Frames as the README of each set counts them. */
const counts: Readonly<Record<string, number>> = {
  "alloy-nbmotaw/n002": 326 - 65,
  "alloy-nbmotaw/n008": 244 - 49,
  "alloy-nbmotaw/n016": 3158,
  "alloy-nbmotaw/n054": 736,
  "alloy-nbmotaw/n128": 13,
  "ani1-s01/ani1_CH4.npz": 4320,
  "ani1-s01/ani1_NH3.npz": 2880,
  "ani1-s01/ani1_OH2.npz": 1440,
  "ani1-s01/ani_gdb_s01_part.h5": 8640,
  "aselmdb-sample/oc20_relaxed.aselmdb": 24,
  "botnet-molecules/3bpa_300K.extxyz": 400,
  "botnet-molecules/acac_300K.extxyz": 400,
  "botnet-molecules/acac_300K_test.extxyz": 520,
  "carbon_24/test.csv.gz": 1624,
  "carbon_24/val.csv.gz": 1626,
  "deepmd-lmdb/water_training.lmdb": 64,
  "deepmd-lmdb/water_validation.lmdb": 18,
  "deepmd-mixed-qm9prop/data_0": 64,
  "deepmd-mixed-qm9prop/data_1": 64,
  "deepmd-mixed-qm9prop/data_2": 64,
  "deepmd-water/data_0": 64,
  "deepmd-water/data_1": 128,
  "deepmd-water/data_2": 64,
  "deepmd-water/data_3": 64,
  "md17-ethanol/md17_ethanol_kcal.extxyz": 1600,
  "metals-extxyz/cu_snap.extxyz": 235,
  "metals-extxyz/mlearn_ge.extxyz": 202,
  "metals-extxyz/mlearn_li.extxyz": 216,
  "metals-extxyz/mlearn_mo.extxyz": 174,
  "metals-extxyz/mlearn_ni_test.extxyz": 25,
  "metals-extxyz/mlearn_si.extxyz": 191,
  "mp_20/test.csv.gz": 7237,
  "mp_20/train_847.csv.gz": 678,
  "mp_20/val.csv.gz": 7238,
  "oc20-is2re/batch_3.pt": 3,
  "oc20-is2re/data.lmdb": 16,
  "oc20-is2re/systems.extxyz": 16,
  "oc20-relaxations/relaxation_frames.extxyz": 240,
  "oc20-s2ef/data.0000.lmdb": 16,
  "oc20-s2ef/frames.extxyz": 16,
  "ocp-lmdb-new-pyg/cuco_16k.lmdb": 81,
  "ocp-lmdb-new-pyg/train_53_freelist.lmdb": 53,
  "ocp-lmdb-new-pyg/train_68.lmdb": 68,
  "perov_5/test.csv.gz": 3028,
  "perov_5/val.csv.gz": 3030,
  "pyg-pickles/ani1x_pickle16_train.pkl": 16,
  "pyg-pickles/ani1x_pickle16_val.pkl": 16,
  "pyg-pickles/oc22_pickle16_train.pkl": 16,
  "pyg-pickles/oc22_pickle16_val.pkl": 16,
  "pyg-pickles/trans1x_pickle16_val.pkl": 16,
  "qm9-100/qm9_100.extxyz": 80,
  "qm9-3000/electronic_energy.csv": 2349,
  "qm9-3000/properties.csv": 2400,
  "qm9-3000/qm9.extxyz": 2400,
  "rmd17-aspirin/rmd17_aspirin_meV.extxyz": 800,
  "rmd17-ethanol/rmd17_ethanol.extxyz": 1590,
  "unigenx-examples/drugs_10.jsonl": 8,
  "unigenx-examples/mp20_10.jsonl": 9,
  "unigenx-examples/protein_md_2.jsonl": 2,
};

/** Weight files with their numbers of arrays, as torch, h5py, PyYAML and TensorFlow count them (test/fixtures/weights/shared.json). */
const weights = /^weights-.*\.(?:pb|pbtxt|dp|pth|pkl|npz|yaml)$/;
/** Answers and texts beside the data, which are no data sets. */
const texts = /README\.md$|MANIFEST\.json$|expected\.json$|groups\.txt$|\.json$|\/(?:inputs|ref|systems)\//;

/** Everything that is a data set of its own: files, and folders of DeePMD systems and LMDB. */
function dataSets(folder: string): string[] {
  if (!held) return [];
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      if (!statSync(path).isDirectory()) return [path];
      const inner = readdirSync(path);
      return inner.includes("type.raw") || inner.includes("data.mdb") ? [path] : dataSets(path);
    });
}

const sets = dataSets(shared).map((path) => relative(shared, path));
const structures = sets.filter((path) => !texts.test(path) && !weights.test(path));

describe.skipIf(!held)("every set of the shared data (skipped where ../shared/data is missing)", () => {
  it.each(structures)("%s", async (path) => {
    const report = (await inspectFile(join(shared, path))) as StructureReport;
    expect(report.frames).toBeGreaterThan(0);
    if (!path.endsWith(".traj")) expect(report.frames).toBe(counts[path]);
    expect(report.suspicious.filter(({ code }) => code === "non-finite" || code === "zero-cell")).toEqual([]);
    expect(report.keys.length).toBeGreaterThan(1);
    expect(report.keys).toEqual(expect.arrayContaining(Object.keys(report.properties)));
  });

  it("none that the README counts is missing", () => {
    expect(Object.keys(counts).filter((path) => !structures.includes(path))).toEqual([]);
  });

  it.each(sets.filter((path) => weights.test(path)))("%s", async (path) => {
    const report = (await inspectFile(join(shared, path), { readers: [inspectDeepmdModel] })) as {
      tensors: { name: string }[];
    };
    expect(report.tensors.length).toBeGreaterThan(0);
    expect(new Set(report.tensors.map(({ name }) => name)).size).toBe(report.tensors.length);
  });

  it("its files are those of the manifest", () => {
    const manifest = JSON.parse(readFileSync(join(shared, "MANIFEST.json"), "utf8")) as unknown;
    const entries = listed(manifest).filter(([path]) => structures.includes(path));
    expect(entries.length).toBeGreaterThan(40);
    for (const [path, sha256] of entries)
      expect(
        createHash("sha256")
          .update(readFileSync(join(shared, path)))
          .digest("hex"),
      ).toBe(sha256);
  });
});

/** Paths with their SHA-256, wherever the manifest keeps them. */
function listed(value: unknown, found: [string, string][] = []): [string, string][] {
  if (typeof value !== "object" || value === null) return found;
  for (const [key, inner] of Object.entries(value)) {
    const sha256 = (inner as { sha256?: unknown } | null)?.sha256;
    const path = (inner as { path?: unknown } | null)?.path;
    if (typeof sha256 === "string") found.push([typeof path === "string" ? path : key, sha256]);
    else listed(inner, found);
  }
  return found;
}
