import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { isStatisticsFolder, openStatistics } from "../../src/data/statistics-store.js";
import { readModelSync } from "../../src/models/deepmd/model-file.js";
import { trainDeepmd } from "../../src/train/deepmd/run.js";
import { temporaryFolder } from "../data/temporary-folder.js";

const root = resolve(import.meta.dirname, "../..");
const fixtures = join(root, "test/fixtures/deepmd/stat-file");
const scratch = temporaryFolder();

type Kind = "hdf5" | "folder";
type Numbers = Readonly<Record<string, number[]>>;
interface Input {
  model: { type_map: string[]; descriptor: { type: string } };
  training: { training_data: { systems: string[] } };
}
const figures = JSON.parse(readFileSync(join(fixtures, "figures.json"), "utf8")) as Record<
  Kind,
  Record<"peer" | "ours", Numbers>
> & { inputs: Record<Kind, Input> };
const kinds: [Kind, string][] = [
  ["hdf5", ".hdf5"],
  ["folder", ""],
];

/** One step of a fixture's training in a folder of its own; what it said, and the statistics of its model. */
async function train(
  kind: Kind,
  name: string,
  statFile: string,
  changes: object = {},
): Promise<{ said: string[]; numbers: Numbers }> {
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  const input = structuredClone(figures.inputs[kind]);
  input.training.training_data.systems = input.training.training_data.systems.map((path) => join(root, path));
  Object.assign(input.training, {
    stat_file: statFile,
    disp_file: join(folder, "lcurve.out"),
    save_ckpt: join(folder, "model"),
    ...changes,
  });
  const path = join(folder, "input.json");
  writeFileSync(path, JSON.stringify(input));
  const said: string[] = [];
  const { model } = await trainDeepmd(path, {
    output: join(folder, "out.json"),
    skipNeighborStat: true,
    onMessage: (text) => said.push(text),
  });
  const { weights } = readModelSync(model);
  const block = input.model.descriptor.type === "se_e2_a" ? "descriptor.sea" : "descriptor.se_atten";
  const names: Record<string, string> = {
    davg: `${block}.mean`,
    dstd: `${block}.stddev`,
    bias: "out_bias",
    deviation: "out_std",
  };
  for (const key of ["fparam_avg", "fparam_inv_std", "aparam_avg", "aparam_inv_std"])
    names[key] = `fitting_net.${key}`;
  const found = Object.entries(names).flatMap(([key, weight]) => {
    const data = weights.get(weight)?.data;
    return data === undefined ? [] : [[key, [...data]] as [string, number[]]];
  });
  return { said, numbers: Object.fromEntries(found) };
}

function expectNumbers(found: Numbers, wanted: Numbers, tolerance: number): void {
  expect(Object.keys(found).sort()).toEqual(Object.keys(wanted).sort());
  for (const [name, values] of Object.entries(wanted))
    values.forEach((x, k) =>
      expect(Math.abs(found[name][k] - x), name).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(x))),
    );
}

/** The files below a folder, or one file. */
function filesOf(path: string): string[] {
  if (!isStatisticsFolder(path)) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

describe("training.stat_file (fixtures/deepmd/stat-file)", () => {
  it.each(kinds)(
    "%s: statistics kept by DeePMD-kit give its numbers, and stay as they are",
    async (kind, ending) => {
      const path = join(scratch, `kept-${kind}${ending}`);
      cpSync(join(fixtures, `peer${ending}`), path, { recursive: true });
      const before = filesOf(path).map((file) => readFileSync(file));
      for (const mode of ["read", "update"]) {
        const { numbers, said } = await train(kind, `read-${kind}`, path, { stat_file_mode: mode });
        expect(said).toContain(`training.stat_file: statistics are taken from ${path}`);
        expectNumbers(numbers, figures[kind].peer, 0);
      }
      expect(filesOf(path).map((file) => readFileSync(file))).toEqual(before);
    },
  );

  it.each(kinds)(
    "%s: what is kept here, DeePMD-kit would have kept, and it has read it",
    async (kind, ending) => {
      const path = join(scratch, `new-${kind}`, `statistics${ending}`);
      const { numbers, said } = await train(kind, `written-${kind}`, path);
      expect(said).toContain(`training.stat_file: statistics are computed and kept in ${path}`);
      expectNumbers(numbers, figures[kind].peer, 1e-10);
      const written = filesOf(path).map((file) => readFileSync(file));
      expect(written).toEqual(filesOf(join(fixtures, `ours${ending}`)).map((file) => readFileSync(file)));
      expectNumbers(figures[kind].ours, numbers, 0);
      const again = await train(kind, `written-${kind}`, path);
      expectNumbers(again.numbers, numbers, 0);
    },
  );

  it("what is missing is computed and added, the rest stays", async () => {
    const path = join(scratch, "part-kept");
    cpSync(join(fixtures, "peer"), path, { recursive: true });
    const group = join(path, "Nb Mo Ta W");
    for (const name of ["fparam", "std_atom_energy"]) rmSync(join(group, name));
    const other = join(scratch, "part.hdf5");
    cpSync(join(fixtures, "peer.hdf5"), other);
    const { said } = await train("folder", "part", path);
    expect(said.join()).toMatch(
      /a part of the statistics is taken from it, the others are computed and kept in/,
    );
    expect(existsSync(join(group, "std_atom_energy"))).toBe(true);
    // Another model's statistics in the same HDF5 file.
    await train("folder", "part-hdf5", other);
    const [store, peer] = [await openStatistics(other), await openStatistics(join(fixtures, "peer.hdf5"))];
    const key = "Nb Mo Ta W/5ca65c5ea82c155df91692b91dd4d89f68b61333/a_0";
    expect(store.numbers(key)).toEqual(peer.numbers(key));
    expect(store.has("Nb Mo Ta W/d856951b0ca1822d8130163059835f0878a35229/a_0")).toBe(true);
    expect(store.has("Nb Mo Ta W/observed_type")).toBe(true);
  });

  it("wrong files are errors of one sentence, and nothing is written", async () => {
    const nothing = join(scratch, "nothing.hdf5");
    await expect(train("hdf5", "e1", nothing, { stat_file_mode: "read" })).rejects.toThrow(
      /input\.json: training\.stat_file: ".*nothing\.hdf5" does not exist, and stat_file_mode is "read"; set it to "update"/,
    );
    expect(existsSync(nothing)).toBe(false);
    await expect(
      train("folder", "e2", join(fixtures, "peer.hdf5"), { stat_file_mode: "read" }),
    ).rejects.toThrow(/peer\.hdf5 has no "Nb Mo Ta W\/d856951\w+\/r_0", and stat_file_mode is "read"/);
    const damaged = join(scratch, "damaged.hdf5");
    writeFileSync(damaged, "text");
    await expect(train("hdf5", "e3", damaged)).rejects.toThrow(/damaged\.hdf5: not a readable HDF5 file/);
    expect(readFileSync(damaged, "utf8")).toBe("text");
    const misfit = join(scratch, "misfit");
    cpSync(join(fixtures, "peer"), misfit, { recursive: true });
    cpSync(join(misfit, "Nb Mo Ta W/aparam"), join(misfit, "Nb Mo Ta W/bias_atom_energy"));
    await expect(train("folder", "e4", misfit)).rejects.toThrow(
      /bias_atom_energy holds 3 numbers; 4, one for each type, are needed/,
    );
    for (const name of ["e1", "e2", "e3", "e4"])
      expect(existsSync(join(scratch, name, "out.json"))).toBe(false);
  });
});
