import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inspectFile } from "../../src/data/inspect/inspect.js";
import { encodeNpy, writeNpySync } from "../../src/data/npy.js";
import { readStructures, writeStructures } from "../../src/data/structures.js";
import { withWeights } from "../../src/data/weights/open.js";
import { errorOf } from "../data/expect-error.js";
import { put, temporaryFolder } from "../data/temporary-folder.js";

const folder = temporaryFolder();

describe("an array by itself", () => {
  it("is told about: type, shape, order, values, hash", async () => {
    const path = join(folder, "x.npy");
    writeNpySync(path, { shape: [2, 2], data: Float64Array.of(1, NaN, -3, 8) });
    const report = await inspectFile(path, { hash: true });
    expect(report).toMatchObject({
      format: "npy",
      tensors: [
        { name: "x", shape: [2, 2], dtype: "float64", sha256: expect.stringMatching(/^\w{64}$/) as string },
      ],
      order: "C",
      byte_order: "little",
      values: { min: -3, max: 8, mean: 2, count: 3 },
      non_finite: 1,
    });
    expect(report).not.toHaveProperty("sampled");
  });

  it("is sampled where it is large, and says so", async () => {
    const path = join(folder, "large.npy");
    writeNpySync(path, { shape: [5_000_000], data: new Int8Array(5_000_000).fill(7) });
    expect(await inspectFile(path)).toMatchObject({
      sampled: 4_194_304,
      byte_order: null,
      values: { min: 7, mean: 7 },
    });
  });

  it("of Python objects, or with more announced than it holds, is refused with its cause", async () => {
    const [head] = encodeNpy({ shape: [3], data: new Float64Array(3) });
    const text = Buffer.from(head).toString("latin1");
    const objects = put(join(folder, "objects.npy"), Buffer.from(text.replace("'<f8'", "'|O' "), "latin1"));
    await expect(inspectFile(objects)).rejects.toThrow(/^objects\.npy: dtype object/);
    await expect(inspectFile(put(join(folder, "cut.npy"), head))).rejects.toThrow(/^cut\.npy: shape \(3\)/);
  });
});

describe("what cannot be read rightly is refused", () => {
  const cell = ["length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"]
    .map((name) => `_cell_${name} 90\n`)
    .join("");
  const sites =
    "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nNa 0 0 0\n";

  const dump = "ITEM: TIMESTEP\n5\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\n";
  const lammps = (rows: string): string =>
    `t\n\n2 atoms\n0 5 xlo xhi\n0 4 ylo yhi\n0 6 zlo zhi\n\nAtoms # atomic\n\n1 1 0 0 0\n2 1 1 1 1${rows}`;
  const mol = "m\n p\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n    0.0000    0.0000    0.0000 C   0  0\n";
  const xdatcar = "t\n1\n9 0 0\n0 9 0\n0 0 9\nH\n1\n";
  it.each([
    ["head.dump", `${dump}ITEM: ATOMS id type x y z\n1 1 0 0 0\n${dump}`, /^head\.dump: line 18: ends where the atoms of a frame/],
    ["vector.xdatcar", `${xdatcar}Direct configuration= 1\n0 0 0\nt\n1\n9 0 0\n`, /^vector\.xdatcar: line 12: ends where a lattice vector is/],
    ["counts.xdatcar", `${xdatcar}Direct configuration= 1\n0 0 0\n${xdatcar.slice(0, -2)}`, /^counts\.xdatcar: line 15: ends where the numbers of atoms/],
    ["head.xdatcar", `${xdatcar}Direct configuration= 1\n0 0 0\n${xdatcar}`, /^head\.xdatcar: line 16: ends where a configuration/],
    ["rows.data", lammps(" 0 0\n"), /^rows\.data: line 11: 7 columns in a row of the section Atoms, whose first row has 5/],
    ["velocities.data", lammps("\n\nVelocities\n\n1 0 0 0\n"), /^velocities\.data: line 15: the section Velocities holds 1 rows for 2 atoms/],
    ["end.sdf", mol, /^end\.sdf: line 5: ends where M {2}END is expected/],
    ["next.sdf", `${mol}$$$$\n`, /^next\.sdf: line 6: "\$\$\$\$" stands where "M {2}END" is expected/],
    ["item.sdf", `${mol}M  END\n> <gap>\n0.2`, /^item\.sdf: line 8: ends within the data item "gap"/],
    ["empty.cif", `data_x\n${cell}${sites.replace("Na 0 0 0\n", "")}`, /^empty\.cif: its list of atoms \(_atom_site_\) is empty/],
  ])("%s", async (name, text, says) => {
    await expect(readStructures(put(join(folder, name), text))).rejects.toThrow(says);
  }); // prettier-ignore

  it.each([
    "_space_group_name_Hall '-F 4 2 3'",
    "_symmetry_space_group_name_Hall '-F 4 2 3'",
    "_symmetry_space_group_name_H-M 'F m -3 m'",
    "_space_group_IT_number 225",
  ])("a CIF with %s and no operations", async (line) => {
    const path = put(join(folder, "group.cif"), `data_x\n${cell}${line}\n${sites}`);
    await expect(readStructures(path)).rejects.toThrow(
      /^group\.cif: the space group is .* no symmetry operations/,
    );
    put(path, `data_x\n${cell}_space_group_name_Hall 'P 1'\n${sites}`);
    expect(await readStructures(path)).toHaveLength(1);
  });

  it("a table with two columns of one name, or without a row", async () => {
    const twice = put(join(folder, "twice.csv"), "a,a\n1,2\n");
    await expect(inspectFile(twice)).rejects.toThrow(
      /^twice\.csv: line 1: the header names the column "a" twice/,
    );
    const empty = put(join(folder, "empty.csv"), "a,b\n");
    await expect(inspectFile(empty)).rejects.toThrow(/^empty\.csv: holds no frame/);
  });

  it("a safetensors file with two tensors of one name", () => {
    const entry = '"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}';
    const header = `{${entry},${entry}}`;
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const path = put(join(folder, "twice.safetensors"), Buffer.concat([length, Buffer.from(`${header}x`)]));
    expect(errorOf(() => withWeights(path, ({ tensors }) => tensors)).message).toMatch(
      /"w" stands in its header twice/,
    );
  });
});

describe("remarks behind the species of a POSCAR", () => {
  it("are no species", async () => {
    const text = "salt\n1\n4 0 0\n0 4 0\n0 0 4\nNa Cl ! sp\n1 1 # two\nDirect\n0 0 0\n.5 .5 .5\n";
    const [frame] = await readStructures(put(join(folder, "POSCAR"), text));
    expect([...frame.atomicNumbers]).toEqual([11, 17]);
  });
});

describe("systems of DeePMD-kit", () => {
  it("are not written beside others", async () => {
    const atoms = ["H", "He"].map((name) => `1\n\n${name} 0 0 0\n`).join("");
    const frames = await readStructures(put(join(folder, "atoms.xyz"), atoms));
    const path = join(folder, "many");
    mkdirSync(join(path, "other"), { recursive: true });
    await writeStructures(path, frames, { format: "deepmd-npy" });
    const before = readdirSync(path);
    await expect(writeStructures(path, frames, { format: "deepmd-npy" })).rejects.toThrow(
      /already holds a system/,
    );
    expect(readdirSync(path)).toEqual(before);
    await expect(writeStructures(path, frames.slice(0, 1), { format: "deepmd-npy" })).rejects.toThrow(
      /already holds/,
    );
    expect(existsSync(join(path, "type.raw"))).toBe(false);
  });

  it("say which fields they have no place for", async () => {
    const text = [1, 2.5]
      .map((a) => `1\nProperties=species:S:1:pos:R:3 a=${a} <R2>=3.5 name=x\nH 0 0 0\n`)
      .join("");
    const frames = await readStructures(put(join(folder, "fields.extxyz"), text));
    const notes: string[] = [];
    const path = join(folder, "fields");
    await writeStructures(path, frames, { format: "deepmd-npy", onNote: (note) => notes.push(note) });
    expect(existsSync(join(path, "set.000", "a.npy"))).toBe(true);
    expect(notes).toEqual([expect.stringMatching(/^fields: .*left out: <R2>, name$/)]);
  });
});
