import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeStructure, type Structure } from "../../src/data/structure.js";
import { readStructures, writeStructures } from "../../src/data/structures.js";
import { put, temporaryFolder } from "../data/temporary-folder.js";

const folder = temporaryFolder();
const write = (name: string, text: string): string => put(join(folder, name), text);
const read = async (name: string, text: string): Promise<Structure> =>
  (await readStructures(write(name, text)))[0];

const crystal = makeStructure({
  atomicNumbers: Int32Array.of(29, 8, 29, 1),
  positions: Float64Array.of(0.1, 0.2, 0.3, 1 / 3, -2.5, 7, 1e-9, 3, 2, 0.5, 0.25, 9),
  cell: Float64Array.of(4, 0, 0, 0.5, 5, 0, -0.25, 1 / 7, 6),
  pbc: [true, true, true],
  fixed: Uint8Array.of(1, 0, 0, 1),
});

describe("POSCAR", () => {
  const head = "comment\nSCALE\n2 0 0\n0 3 0\n0 0 4\nO H\n1 1\nCartesian\n0 0 0\n0.5 1 2\n";

  it("keeps atoms, cell and fixed flags to the last bit, a block at each change of species", async () => {
    const path = join(folder, "POSCAR");
    await writeStructures(path, [crystal]);
    expect(readFileSync(path, "utf8").split("\n").slice(5, 9)).toEqual([
      "Cu O Cu H",
      "1 1 1 1",
      "Selective dynamics",
      "Cartesian",
    ]);
    const [back] = await readStructures(path);
    expect([back.atomicNumbers, back.positions, back.cell, back.fixed, back.pbc]).toEqual([
      crystal.atomicNumbers,
      crystal.positions,
      crystal.cell,
      crystal.fixed,
      crystal.pbc,
    ]);
  });

  it("scales cell and Cartesian positions: one number, three, a volume", async () => {
    const twice = await read("twice.vasp", head.replace("SCALE", "2.0"));
    expect([[...twice.cell!], [...twice.positions]]).toEqual([
      [4, 0, 0, 0, 6, 0, 0, 0, 8],
      [0, 0, 0, 1, 2, 4],
    ]);
    const three = await read("three.vasp", head.replace("SCALE", "1 2 3"));
    expect([[...three.cell!], [...three.positions]]).toEqual([
      [2, 0, 0, 0, 6, 0, 0, 0, 12],
      [0, 0, 0, 0.5, 2, 6],
    ]);
    const volume = await read("volume.vasp", head.replace("SCALE", "-192"));
    expect([[...volume.cell!], [...volume.positions]]).toEqual([
      [4, 0, 0, 0, 6, 0, 0, 0, 8],
      [0, 0, 0, 1, 2, 4],
    ]);
  });

  it("reads symbols and numbers that VASP breaks into several lines", async () => {
    const species = `${"Fe Cr ".repeat(10)}\n Fe Ni\n${"1 2 ".repeat(10)}\n 1 1\n`;
    const rows = Array.from({ length: 32 }, (_, k) => `0 0 ${k / 32}\n`).join("");
    const { atomicNumbers } = await read(
      "broken.vasp",
      `t\n1\n2 0 0\n0 2 0\n0 0 2\n${species}Direct\n${rows}`,
    );
    expect([...atomicNumbers]).toEqual([...Array.from({ length: 30 }, (_, k) => (k % 3 ? 24 : 26)), 26, 28]);
  });

  it.each([
    ["a formula in the title", "Cu3Au ordered", "3 1", "", [29, 29, 29, 79]],
    ["formulas in the title", "H2 O1", "2 1", "", [1, 1, 8]],
    ["symbols behind the positions", "made by hand", "1 2", " Na", [11, 11, 11]],
  ])("reads version 4 with %s", async (_, title, counts, label, wanted) => {
    const rows = wanted.map((__, k) => `0 0 ${k / 8}${label}\n`).join("");
    const text = `${title}\n1\n2 0 0\n0 2 0\n0 0 2\n${counts}\nDirect\n${rows}`;
    expect([...(await read("four.vasp", text)).atomicNumbers]).toEqual(wanted);
  });

  it.each(["3 layers", "as built", "some title"])("takes no word of %s for a species", async (title) => {
    const text = `${title}\n1\n2 0 0\n0 2 0\n0 0 2\n1\nDirect\n0 0 0\n`;
    await expect(read("unnamed.vasp", text)).rejects.toThrow(/unnamed\.vasp: .*species have no names/);
  });

  it("reads version 4, direct coordinates, marks behind symbols, partly free atoms", async () => {
    const old = await read(
      "CONTCAR",
      "O H\n1\n2 0 0\n0 2 0\n0 0 2\n1 1\nS\nD\n0.5 0.5 0.5 T T F\n0 0 0.25 F F F\n",
    );
    expect([[...old.atomicNumbers], [...old.positions]]).toEqual([
      [8, 1],
      [1, 1, 1, 0, 0, 0.5],
    ]);
    expect(old.arrays.get("selective_dynamics")!.data).toEqual(Uint8Array.of(1, 1, 0, 0, 0, 0));
    const marked = await read("marked.vasp", head.replace("SCALE", "1").replace("O H", "O_s H/1f2e"));
    expect([...marked.atomicNumbers]).toEqual([8, 1]);
  });

  it.each([
    ["none.vasp", head.replace("SCALE", "0"), /none\.vasp: line 5: the scale 0 cannot be applied/],
    ["element.vasp", head.replace("SCALE", "1").replace("O H", "O Qq"), /"Qq" is no element/],
    [
      "count.vasp",
      head.replace("SCALE", "1").replace("1 1\n", "1 99999999999\n"),
      /100000000000 atoms are announced/,
    ],
    ["cut.vasp", head.replace("SCALE", "1").replace("0.5 1 2\n", ""), /ends where atom 2 of 2/],
  ])("refuses %s", async (name, text, message) => {
    await expect(readStructures(write(name, text))).rejects.toThrow(message);
  });

  it("holds one frame with a cell", async () => {
    const path = join(folder, "several.vasp");
    await expect(writeStructures(path, [crystal, crystal])).rejects.toThrow(/holds one structure/);
    await expect(writeStructures(path, [{ ...crystal, cell: null }])).rejects.toThrow(/no cell/);
  });
});

describe("CIF", () => {
  const block = (sites: string, extra = ""): string =>
    `data_x\n_cell_length_a 4.0(2)\n_cell_length_b 4\n_cell_length_c 6\n_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 120\n${extra}loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\n${sites}`;

  it("keeps distances through P1 at full precision; several blocks are several frames", async () => {
    const path = join(folder, "two.cif");
    await writeStructures(path, [crystal, { ...crystal, atomicNumbers: crystal.atomicNumbers.map(() => 6) }]);
    const back = await readStructures(path);
    expect(back.map(({ atomicNumbers }) => [...atomicNumbers])).toEqual([
      [29, 8, 29, 1],
      [6, 6, 6, 6],
    ]);
    back[0].positions.forEach((x, k) => expect(x).toBeCloseTo(crystal.positions[k], 12));
    back[0].cell!.forEach((x, k) => expect(x).toBeCloseTo(crystal.cell![k], 12));
  });

  it("puts a along +x and b in the xy plane", async () => {
    const s = await read("plain.cif", block("Na1 0.5 0 0.25(3) 1\n"));
    [4, 0, 0, -2, 2 * Math.sqrt(3), 0, 0, 0, 6].forEach((x, k) => expect(s.cell![k]).toBeCloseTo(x, 14));
    expect([...s.atomicNumbers, ...s.positions]).toEqual([11, 2, 0, 1.5]);
  });

  it("applies symmetry operations and counts special positions once", async () => {
    const operations = "loop_\n_space_group_symop_operation_xyz\n'x,y,z'\n'-x, -y, -z'\n'x+1/2, y, -z+0.5'\n";
    const s = await read("symmetry.cif", block("Na1 0 0 0 1\nCl1 0.1 0.2 0.3 .\n", operations));
    expect([...s.atomicNumbers]).toEqual([11, 11, 17, 17, 17]);
  });

  it.each([
    ["partial.cif", block("Na1 0 0 0 0.5\n"), /partial\.cif: site Na1 has the occupancy 0\.5/],
    [
      "group.cif",
      block("Na1 0 0 0 1\n", "_symmetry_space_group_name_H-M 'F m -3 m'\n"),
      /no symmetry operations are listed/,
    ],
    ["rows.cif", block("Na1 0 0 0\n"), /no whole number of rows/],
    ["angle.cif", block("Na1 0 0 0 1\n").replace("gamma 120", "gamma 190"), /no cell has the lengths/],
    ["open.cif", `data_x\n_a\n;text\n`, /has no end|no block/],
    ["atoms.cif", "data_x\n_cell_length_a 4\n", /no block of this CIF lists atoms/],
  ])("refuses %s", async (name, text, message) => {
    await expect(readStructures(write(name, text))).rejects.toThrow(message);
  });
});

describe("LAMMPS data", () => {
  const head =
    "title\n\n3 atoms\n2 atom types\n\n0 4 xlo xhi\n-1 4 ylo yhi\n0 6 zlo zhi\n0.5 0.25 -0.5 xy xz yz\n\n";

  const atoms = (style: string, rest: string, second = "1"): string =>
    `${head}Atoms # ${style}\n\n1 1 ${rest}\n2 ${second} ${rest}\n3 1 ${rest}\n`;

  it("reads magnetic structures, named spin or, by dpdata, atomic", async () => {
    for (const style of ["spin", "atomic"]) {
      const [frame] = await readStructures(write("spin.lmp", atoms(style, "0 0 0 0.6 0.8 0 5")));
      const fields = ["spx", "spy", "spz", "sp"].map((name) => frame.arrays.get(name)!.data[2]);
      expect([...fields, frame.arrays.has("image")]).toEqual([0.6, 0.8, 0, 5, false]);
    }
  });

  it("keeps atoms and cell to the last bit where the cell stands as LAMMPS wants it", async () => {
    const path = join(folder, "crystal.data");
    await writeStructures(path, [crystal]);
    const [back] = await readStructures(path);
    expect([back.atomicNumbers, back.positions, back.cell]).toEqual([
      crystal.atomicNumbers,
      crystal.positions,
      crystal.cell,
    ]);
  });

  it("sorts by id, finds elements by remark or mass, and the style by its remark or its columns", async () => {
    const masses = "Masses\n\n1 15.9994\n2 63.5 # Cu\n\n";
    const full = await read(
      "full.data",
      `${head}${masses}Atoms # full\n\n3 1 2 0.5 1 1 1 0 0 -1\n1 1 1 -1.0 2 2 2 0 0 0\n2 2 2 0.5 3 3 3 0 0 0\n`,
    );
    expect([[...full.atomicNumbers], [...full.positions]]).toEqual([
      [8, 29, 29],
      [2, 2, 2, 3, 3, 3, 1, 1, 1],
    ]);
    expect([...full.cell!]).toEqual([4, 0, 0, 0.5, 5, 0, 0.25, -0.5, 6]);
    expect(full.arrays.get("charge")!.data).toEqual(Float64Array.of(-1, 0.5, 0.5));
    expect(full.arrays.get("image")!.data).toEqual(Int32Array.of(0, 0, 0, 0, 0, 0, 0, 0, -1));
    const charge = await read(
      "charge.lmp",
      `${head}Atoms\n\n1 1 -1.5 2 2 2\n2 2 0.5 3 3 3\n3 2 1 0 0 0\n\nVelocities\n\n1 1 0 0\n2 0 1 0\n3 0 0 1\n`,
    );
    expect(charge.species).toEqual(["Type_1", "Type_2", "Type_2"]);
    expect(charge.arrays.get("velocities")!.shape).toEqual([3, 3]);
  });

  it.each([
    ["few.data", `${head}Atoms # atomic\n\n1 1 0 0 0\n`, /announces 3 atoms, the section Atoms holds 1/],
    ["style.data", `${head}Atoms # wavy\n\n1 1 0 0 0\n2 1 0 0 0\n3 1 0 0 0\n`, /atom style "wavy"/],
    ["double.data", `${head}Atoms # atomic\n\n1 1 0 0 0\n1 1 0 0 0\n3 1 0 0 0\n`, /two atoms have the id 1/],
    ["box.data", `t\n\n1 atoms\n0 1 xlo xhi\n\nAtoms # atomic\n\n1 1 0 0 0\n`, /gives no box/],
    ["image.data", atoms("atomic", "0 0 0 0.6 0 0"), /holds 0.6 in column 6, where an image flag/],
    ["nan.data", atoms("atomic", "0 0 0 0 nan 0"), /holds NaN in column 7, where an image flag/],
    ["far.data", atoms("atomic", "0 0 0 0 0 1e300"), /holds 1e\+300 in column 8, where an image flag/],
    ["molecule.data", atoms("molecular", "1 0 0 0", "1.5"), /holds 1.5 in column 2, .* molecule/],
    ["type.data", atoms("atomic", "0 0 0", "1.5"), /holds 1.5 in column 2, where the type/],
    ["wide.data", atoms("atomic", "0 0 0 7"), /style atomic have 5 columns, or 8 .* has 6/],
    ["id.data", `${head}Atoms # atomic\n\n1 1 0 0 0\nnan 1 0 0 0\n3 1 0 0 0\n`, /holds NaN in column 1/],
  ])("refuses %s", async (name, text, message) => {
    await expect(readStructures(write(name, text))).rejects.toThrow(message);
  });
});

describe("DeePMD systems", () => {
  it("keep positions, cells, labels and the order of atoms", async () => {
    const labelled = {
      ...crystal,
      fixed: null,
      energy: -3.5,
      forces: Float64Array.from(crystal.positions, (x) => -x),
      virial: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9),
    };
    const path = join(folder, "system");
    await writeStructures(path, [labelled, { ...labelled, energy: -4 }], {
      format: "deepmd-npy",
      typeMap: ["H", "O", "Cu"],
    });
    expect(readFileSync(join(path, "type.raw"), "utf8")).toBe("2\n1\n2\n0\n");
    const back = await readStructures(path);
    expect(back.map(({ energy }) => energy)).toEqual([-3.5, -4]);
    expect({ ...back[0], keys: [] }).toEqual({ ...labelled, keys: [] });
    await expect(writeStructures(path, [labelled], { format: "deepmd-npy" })).rejects.toThrow(
      /already holds a system/,
    );
  });

  it("fills smaller frames of the mixed layout up and leaves the filling out again", async () => {
    const molecule = makeStructure({
      atomicNumbers: Int32Array.of(8, 1),
      positions: Float64Array.of(0, 0, 0, 0, 0, 1),
      energy: 1,
      info: new Map([["gap", { kind: "real", shape: [], data: Float64Array.of(0.5) }]]),
    });
    const atom = { ...molecule, atomicNumbers: Int32Array.of(6), positions: Float64Array.of(1, 2, 3) };
    const path = join(folder, "mixed");
    await writeStructures(path, [molecule, atom], { format: "deepmd-mixed" });
    const back = await readStructures(path);
    expect(
      back.map(({ atomicNumbers, positions, pbc, info }) => [
        [...atomicNumbers],
        [...positions],
        pbc[0],
        info.get("gap")!.data[0],
      ]),
    ).toEqual([
      [[8, 1], [0, 0, 0, 0, 0, 1], false, 0.5],
      [[6], [1, 2, 3], false, 0.5],
    ]);
  });

  it("makes a folder for each sequence of atoms", async () => {
    const path = join(folder, "groups");
    const one = makeStructure({ atomicNumbers: Int32Array.of(8, 1), positions: new Float64Array(6) });
    await writeStructures(path, [one, { ...one, atomicNumbers: Int32Array.of(1, 8) }, one], {
      format: "deepmd-npy",
    });
    expect((await readStructures(path)).map(({ atomicNumbers }) => [...atomicNumbers].join())).toEqual([
      "1,8",
      "8,1",
      "8,1",
    ]);
  });
});
