import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readDeepmdSystem } from "../../src/data/deepmd-npy.js";
import { writeHdf5 } from "../data/hdf5-systems.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import { atomgrad, atomgradOk, useCommandLine } from "./command-line.js";

useCommandLine();
const fixtures = resolve(import.meta.dirname, "../fixtures");
const at = { cwd: join(fixtures, "deepmd/model-commands") };
const alloys = resolve(import.meta.dirname, "../../examples/data/nbmotaw/train");
const folder = temporaryFolder();
const hdf5 = join(folder, "data.hdf5");
const lmdb = join(fixtures, "formats/peers/deepmd.lmdb");

/** Numbers and words of a command's output, the paths of systems left out. */
const withoutPaths = (text: string): string => text.replaceAll(`${alloys}/`, "").replaceAll(`${hdf5}#/`, "");

beforeAll(async () => {
  const [n002, n016] = ["n002", "n016"].map((name) => readDeepmdSystem(join(alloys, name)));
  await writeHdf5(hdf5, { n002, n016 });
});

describe("systems in HDF5 files give what the same folders give", () => {
  it("eval, one group of a file", () => {
    const [a, b] = ["a", "b"].map((name) => join(folder, name));
    atomgradOk(["eval", "-m", "frozen1.dp", "-s", join(alloys, "n016"), "-o", a], at);
    atomgradOk(["eval", "-m", "frozen1.dp", "-s", `${hdf5}#/n016`, "-o", b], at);
    expect(readdirSync(b)).toEqual(readdirSync(a));
    for (const name of readdirSync(a))
      expect(readFileSync(join(b, name)).equals(readFileSync(join(a, name))), name).toBe(true);
  });

  it("eval says so where a file holds several", () => {
    const { status, stderr } = atomgrad(
      ["eval", "-m", "frozen1.dp", "-s", hdf5, "-o", join(folder, "c")],
      at,
    );
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/data\.hdf5: holds 2 systems \(of 2, 16 atoms\)/),
    ]);
  });

  it("test, eval-desc and model-devi, one group of a file", () => {
    const name = "n002";
    const [path, group] = [join(alloys, name), `${hdf5}#/${name}`];
    const tested = (system: string): string => atomgradOk(["test", "-m", "frozen1.dp", "-s", system], at);
    expect(withoutPaths(tested(group))).toBe(withoutPaths(tested(path)));
    const described = (system: string, out: string): Buffer => {
      atomgradOk(["eval-desc", "-m", "frozen1.dp", "-s", system, "-o", join(folder, out)], at);
      return readFileSync(join(folder, out, `${name}.npy`));
    };
    expect(described(group, "group").equals(described(path, "folder"))).toBe(true);
    const deviations = (system: string, out: string): string => {
      const file = join(folder, `${name}-${out}`);
      atomgradOk(["model-devi", "-m", "frozen1.dp", "frozen2.dp", "-s", system, "-o", file], at);
      return readFileSync(file, "utf8");
    };
    expect(withoutPaths(deviations(group, "group"))).toBe(withoutPaths(deviations(path, "folder")));
  });

  it("eval-desc, all groups below the root, as dp finds them", () => {
    const out = join(folder, "root");
    atomgradOk(["eval-desc", "-m", "frozen1.dp", "-s", `${hdf5}#/`, "-o", out], at);
    expect(readdirSync(out)).toEqual(["n002.npy", "n016.npy"]);
  });

  it("inspect names their fields as those of folders", () => {
    const { keys } = JSON.parse(atomgradOk(["inspect", `${hdf5}#/n002`, "--json"])) as { keys: string[] };
    expect(keys).toEqual(["coord", "type", "real_atom_types", "box", "energy", "force"]);
  });

  it("neighbor-stat and change-bias, all of a file", async () => {
    const counted = (system: string): string => atomgradOk(["neighbor-stat", "-s", system, "-r", "4"], at);
    const one = join(folder, "one.hdf5");
    const model = (name: string): string => join(folder, `${name}.dp`);
    const changed = (system: string, out: string): string =>
      atomgradOk(["change-bias", "frozen1.dp", "-s", system, "-o", model(out)], at).split("\n")[0];
    await writeHdf5(one, { n002: readDeepmdSystem(join(alloys, "n002")) });
    expect(counted(one)).toBe(counted(join(alloys, "n002")));
    expect(changed(one, "group")).toBe(changed(join(alloys, "n002"), "folder"));
  });
});

describe("LMDB data of DeePMD-kit", () => {
  it("neighbor-stat gives what the same frames give as folders", () => {
    const folders = join(folder, "from-lmdb");
    atomgradOk(["convert", lmdb, folders, "--to", "deepmd-mixed"]);
    const counted = (system: string): Record<string, string> => {
      const lines = atomgradOk(["neighbor-stat", "-s", system, "-r", "3", "--mixed-type"]).trim().split("\n");
      return Object.fromEntries(lines.map((line) => line.split(": ") as [string, string]));
    };
    const { min_nbor_dist: nearest, max_nbor_size: size } = counted(folders);
    expect(counted(lmdb)).toMatchObject({ min_nbor_dist: nearest, max_nbor_size: size });
  });

  it("a type that the model does not know is an error with its record", () => {
    const { status, stderr } = atomgrad(["test", "-m", "frozen1.dp", "-s", lmdb], at);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/deepmd\.lmdb, record 0: atom \d+ is "\w+"/)]);
  });
});
