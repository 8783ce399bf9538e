import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { inspectFile } from "../../src/data/inspect/inspect.js";
import { Cell } from "../../src/geometry/cell.js";
import { nearestPair } from "../../src/geometry/nearest-pair.js";
import type { StructureReport } from "../../src/data/inspect/structure-report.js";
import { readStructures, writeStructures } from "../../src/data/structures.js";
import { put, temporaryFolder } from "../data/temporary-folder.js";

const shared = "../shared/data";
const held = existsSync(shared);
const folder = temporaryFolder();
const write = (name: string, text: string | Uint8Array): string => put(join(folder, name), text);
const report = async (path: string): Promise<StructureReport> => (await inspectFile(path)) as StructureReport;

/** Frames, atoms in all and format, as the READMEs of the data tell them and as counted by ASE. */
const counts: readonly (readonly [string, string, number, number])[] = [
  ["qm9-100/qm9_100.extxyz", "extxyz", 80, 820],
  ["qm9-3000/qm9.extxyz", "extxyz", 2400, 43660],
  ["rmd17-ethanol/rmd17_ethanol.extxyz", "extxyz", 1590, 14310],
  ["rmd17-aspirin/rmd17_aspirin_meV.extxyz", "extxyz", 800, 16800],
  ["md17-ethanol/md17_ethanol_kcal.extxyz", "extxyz", 1600, 14400],
  ["botnet-molecules/3bpa_300K.extxyz", "extxyz", 400, 10800],
  ["botnet-molecules/acac_300K_test.extxyz", "extxyz", 520, 7800],
  ["metals-extxyz/cu_snap.extxyz", "extxyz", 235, 24413],
  ["metals-extxyz/mlearn_si.extxyz", "extxyz", 191, 11818],
  ["oc20-is2re/systems.extxyz", "extxyz", 16, 1254],
  ["oc20-relaxations/relaxation_frames.extxyz", "extxyz", 240, 19530],
  ["oc20-relaxations/traj/random1000156.traj", "ase-traj", 36, 1764],
  ["ani1-s01/ani1_CH4.npz", "npz", 4320, 21600],
  ["deepmd-water", "deepmd-npy", 320, 61440],
  ["deepmd-mixed-qm9prop", "deepmd-mixed", 192, 4224],
  ["alloy-nbmotaw/n054", "deepmd-mixed", 736, 39744],
  ["carbon_24/val.csv.gz", "csv", 1626, 15048],
  ["perov_5/test.csv.gz", "csv", 3028, 15140],
  ["mp_20/train_847.csv.gz", "csv", 678, 7350],
  ["unigenx-examples/mp20_10.jsonl", "jsonl", 9, 60],
  ["unigenx-examples/drugs_10.jsonl", "jsonl", 8, 205],
  ["unigenx-examples/protein_md_2.jsonl", "jsonl", 2, 101],
];

describe.skipIf(!held)("inspect on the shared data (skipped where ../shared/data is missing)", () => {
  it.each(counts)("%s", async (path, format, frames, atoms) => {
    const found = await report(join(shared, path));
    expect([found.format, found.frames, found.atoms.total]).toEqual([format, frames, atoms]);
    expect(found.suspicious.filter(({ code }) => code !== "duplicate")).toEqual([]);
    expect(found.nearest_distance).toBeGreaterThan(0.3);
  });

  it.each([
    ["rmd17-ethanol/rmd17_ethanol.extxyz", "eV", -4209.62],
    ["rmd17-aspirin/rmd17_aspirin_meV.extxyz", "meV", -17617735],
    ["md17-ethanol/md17_ethanol_kcal.extxyz", "kcal/mol", -97195.77],
    ["ani1-s01/ani1_NH3.npz", "hartree", -56.5108],
    ["metals-extxyz/mlearn_mo.extxyz", "eV", -494.4],
  ])("tells the unit of %s", async (path, unit, mean) => {
    const { energy } = await report(join(shared, path));
    expect(energy!.unit).toBe(unit);
    expect(Math.abs((energy!.mean as number) / mean - 1)).toBeLessThan(0.2);
  });

  it("gives the crystals of mp_20 the same cells and sites as the generator's records", async () => {
    const records = await readStructures(join(shared, "unigenx-examples/mp20_10.jsonl"));
    const rows = await readStructures(join(shared, "mp_20/test.csv.gz"), { frames: ":200" });
    const id = (s: (typeof rows)[number]): unknown => s.info.get("material_id")!.data[0];
    const pairs = records.map((record) => [record, rows.find((row) => id(row) === id(record))] as const);
    expect(pairs.filter(([, row]) => row !== undefined).length).toBeGreaterThan(5);
    let same = 0;
    for (const [record, row] of pairs) {
      if (row === undefined) continue;
      // The row of one of them (mp-1002572) is the older, magnetic cell: twice the crystal.
      const times = row.atomicNumbers.length / record.atomicNumbers.length;
      const repeated = Array.from({ length: times }, () => [...record.atomicNumbers]).flat();
      expect([...row.atomicNumbers].sort()).toEqual(repeated.sort());
      const volume = (s: typeof row): number => new Cell(s.cell, true).volume;
      expect(volume(row) / (times * volume(record))).toBeCloseTo(1, times === 1 ? 4 : 2);
      if (times > 1) continue;
      const nearest = (s: typeof row): number => nearestPair(s.positions, s.cell, s.pbc)!.distance;
      expect(nearest(row)).toBeCloseTo(nearest(record), 4);
      same++;
    }
    expect(same).toBeGreaterThan(5);
  });
});

describe("suspicious frames", () => {
  const frame = (lattice: string, second: string, energy = "1.0"): string =>
    `2\nLattice="${lattice}" Properties=species:S:1:pos:R:3:forces:R:3 energy=${energy} pbc="T T T"\nH 0 0 0 0 0 0\nH ${second} 0 0 3 4 0\n`;

  it("are found, and only these", async () => {
    const good = "4 0 0 0 4 0 0 0 4";
    const frames = [
      frame(good, "1"),
      frame(good, "3.7"),
      frame("4 0 0 0 4 0 4 4 0", "1.5"),
      frame(good, "nan"),
      frame(good, "2", "inf"),
      frame(good, "1"),
    ];
    const found = await report(write("bad.extxyz", frames.join("")));
    expect(found.suspicious.map(({ frame: at, code }) => [at, code])).toEqual([
      [1, "overlap"],
      [2, "zero-cell"],
      [3, "non-finite"],
      [4, "non-finite"],
      [5, "duplicate"],
    ]);
    expect(found.nearest_distance).toBeCloseTo(0.3, 12);
    expect(found.forces).toEqual({ max_norm: 5, rms: Math.sqrt(25 / 6) });
    expect(found.energy).toEqual({ min: 1, max: 1, mean: 1, count: 5, unit: "eV" });
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });
});

describe("JSON Lines", () => {
  it("keep crystals and molecules to the last bit", async () => {
    const text = `3\nLattice="4 0 0 0.1 5 0 0 0.3 6" Properties=species:S:1:pos:R:3:q:R:1 name=x band_gap=0.5 n=3\nNa 0.1 0.2 0.3 1\nCl 1 2 3 -1\nO 0 0 1e-17 0.5\n`;
    const crystals = await readStructures(
      write("crystal.extxyz", text.replace("n=3", 'n=3 dipole="1 2 0.5"')),
    );
    const molecules = await readStructures(
      write("molecule.extxyz", text.replace(/Lattice="[^"]*"/, 'pbc="F F F"')),
    );
    const path = join(folder, "both.jsonl");
    await writeStructures(path, [...crystals, ...molecules]);
    const back = await readStructures(path);
    for (const [k, s] of [...crystals, ...molecules].entries()) {
      expect([back[k].positions, back[k].cell, back[k].pbc, back[k].atomicNumbers]).toEqual([
        s.positions,
        s.cell,
        s.pbc,
        s.atomicNumbers,
      ]);
      expect(back[k].info).toEqual(s.info);
      expect(back[k].arrays).toEqual(s.arrays);
    }
  });

  it.each([
    ["broken.jsonl", "{not json", /line 1: no JSON/],
    ["nan.jsonl", '{"elements":["H"],"positions":[[NaN,0,0]]}', /no JSON/],
    ["sites.jsonl", '{"sites":[]}', /needs "lattice"/],
    ["names.jsonl", '{"pos":[[0,0,0]],"smi":"CC"}', /2 atoms are named/],
    ["rows.jsonl", '{"pos":[[0,0]],"smi":"C"}', /is not 1 rows of three numbers/],
    [
      "deep.jsonl",
      `{"elements":["H"],"positions":[[0,0,0]],"x":${"[".repeat(50000)}${"]".repeat(50000)}}`,
      /deep|no JSON/,
    ],
  ])("refuse %s", async (name, text, message) => {
    await expect(readStructures(write(name, text))).rejects.toThrow(message);
  });
});

describe("arrays of the frame and arrays per atom", () => {
  // Three atoms and vectors of three, two atoms and a stress: shapes do not tell these apart.
  const three = `3\nLattice="4 0 0 0 5 0 0 0 6" Properties=species:S:1:pos:R:3:q:R:1:dipole:R:3:quadrupole:I:1 vec="1.5 2.5 3.5" dip=[[1, 2], [3, 4], [5, 6]] name=x stress="1 2 3 4 5 6 7 8 9" virial="9 8 7 6 5 4 3 2 1" pbc="T T T"\nH 0 0 0 1 1 2 3 7\nO 1 1 1 2 4 5 6 8\nH 2 2 2 3 7 8 9 9\n`;
  const two = `2\nLattice="4 0 0 0 5 0 0 0 6" Properties=species:S:1:pos:R:3:q:R:2 total_dipole="1.5 2" pair="3 4" stress="1 2 3 4 5 6 7 8 9" pbc="T T T"\nH 0 0 0 1 2\nO 1 1 1 3 4\n`;

  it.each(["jsonl", "ocp-lmdb"])("stay what they are through %s", async (format) => {
    const frames = await readStructures(write("shapes.extxyz", three + two));
    const path = join(folder, `shapes.${format}`);
    await writeStructures(path, frames, { format });
    const back = await readStructures(path, { format });
    for (const [k, { arrays, info, stress, virial }] of frames.entries()) {
      expect([...back[k].arrays.keys()].sort()).toEqual([...arrays.keys()].sort());
      for (const [name, field] of arrays) expect([name, back[k].arrays.get(name)]).toEqual([name, field]);
      for (const [name, { data, shape }] of info) {
        const found = back[k].info.get(name)!;
        expect([name, found.shape, [...found.data]]).toEqual([name, shape, [...data]]);
      }
      expect([back[k].stress, back[k].virial]).toEqual([stress, virial]);
    }
    await writeStructures(join(folder, "shapes-again.extxyz"), back);
    expect(readFileSync(join(folder, "shapes-again.extxyz"), "utf8")).not.toMatch(/(?:vec|dip|stress|pair):/);
  });

  it("are never guessed where the name says what they are", async () => {
    const record = `{"elements":["H","O","H"],"positions":[[0,0,0],[1,1,1],[2,2,2]],"stress":[[1,0,0],[0,2,0],[0,0,3]],"dipole":[1,2,3.5],"charges":[1,2,3.5]}`;
    const [s] = await readStructures(write("known.jsonl", record));
    expect([[...s.stress!], [...s.info.keys()], [...s.arrays.keys()]]).toEqual([
      [1, 0, 0, 0, 2, 0, 0, 0, 3],
      ["dipole"],
      ["charges"],
    ]);
  });
});

describe("JSON Lines of others", () => {
  it("give numbers their meaning whatever their size, and none to what is no tag and no flag", async () => {
    const record = `{"elements":["H"],"positions":[[0,0,0]],"forces":[[3000000000,0,0.0]],"tags":[0.5],"fixed":[2]}`;
    const [whole] = await readStructures(write("forces.jsonl", record.replace("0.0]", "0]")));
    expect([...whole.forces!]).toEqual([3e9, 0, 0]);
    expect([whole.tags, whole.fixed]).toEqual([null, null]);
    expect([whole.arrays.get("tags")!.data[0], whole.arrays.get("fixed")!.data[0]]).toEqual([0.5, 2]);
  });
});

describe("CSV with CIF", () => {
  const cif =
    "data_x\n_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 4\n_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\nloop_\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nNa 0 0 0.5\n";
  const table = `,name,gap,cif,__proto__\n0,"a, ""b""\nc",1.5,"${cif}",7\n1,,nan,"${cif.replace("Na", "Cl")}",8`;

  it("reads quotes, commas, ends of lines in cells, several gzip members, CRLF", async () => {
    const half = table.indexOf("1.5");
    const packed = Buffer.concat([gzipSync(table.slice(0, half)), gzipSync(table.slice(half))]);
    for (const path of [
      write("t.csv", table),
      write("crlf.csv", table.replaceAll("\n", "\r\n")),
      write("t.csv.gz", packed),
    ]) {
      const rows = await readStructures(path);
      expect(rows.map(({ atomicNumbers }) => [...atomicNumbers])).toEqual([[11], [17]]);
      expect(rows[0].info.get("name")!.data).toEqual(['a, "b"\nc']);
      expect(rows[0].info.get("__proto__")!.data).toEqual(Int32Array.of(7));
      expect([...rows[0].positions]).toEqual([0, 0, 2]);
    }
    expect((await report(write("u.csv", table))).properties).toHaveProperty("gap", {
      min: 1.5,
      max: 1.5,
      mean: 1.5,
      count: 1,
    });
  });

  it.each([
    ["none.csv", "a,b\n1,2\n", /no column "cif"/],
    ["open.csv", table.slice(0, 60), /row that begins at line 2 has no end/],
    ["cells.csv", `a,cif\n1,2,3\n`, /row 1 has 3 cells, the header 2/],
    ["site.csv", table.replace("Na 0 0 0.5", "Na 0 0"), /row 1/],
  ])("refuses %s", async (name, text, message) => {
    await expect(readStructures(write(name, text), { format: "csv" })).rejects.toThrow(message);
  });

  it("refuses gzip that was cut", async () => {
    const packed = gzipSync(table);
    await expect(
      readStructures(write("cut.csv.gz", packed.subarray(0, packed.length - 9)), { format: "csv" }),
    ).rejects.toThrow(/cut\.csv\.gz: the gzip data are damaged/);
  });
});

describe("molecule files", () => {
  it("reads the forms of QM9: Mathematica's powers, the archive's lines", async () => {
    const text =
      "2\ngdb 7\t1.\t2.\t3.\t0.\t1.\t-0.1\t0.2\t0.3\t35.3641\t0.044749\t-40.47893\t-40.476062\t-40.475117\t-40.498597\t6.469\t\nC\t1.6*^-6\t0.1\t 2.\t-0.5\nH\t-1.*^-6\t0\t0\t0.5\n1.\t2.\nC\tC\nInChI=1\tInChI=1\n";
    const both = await readStructures(write("dsgdb9nsd_000007.xyz", text + text));
    expect(both.length).toBe(2);
    expect([...both[0].positions]).toEqual([1.6e-6, 0.1, 2, -1e-6, 0, 0]);
    expect([both[0].info.get("U0")!.data[0], both[0].info.get("index")!.data[0]]).toEqual([-40.47893, 7]);
    expect((await report(write("q.xyz", text))).format).toBe("qm9-xyz");
  });

  it("reads molfiles with data items, names and none", async () => {
    const mol = (name: string, item: string): string =>
      `${name}\n  prog\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n    0.5000    1.0000   -2.0000 C   0  0\n    0.0000    0.0000    0.0000 Cl  0  0\n  1  2  1  0\nM  END\n> <gap>\n${item}\n\n$$$$\n`;
    const set = await readStructures(write("two.sdf", mol("first", "0.25") + mol("", "text\nmore")));
    expect(set.map(({ atomicNumbers }) => [...atomicNumbers])).toEqual([
      [6, 17],
      [6, 17],
    ]);
    expect([...set[0].positions]).toEqual([0.5, 1, -2, 0, 0, 0]);
    expect([
      set[0].info.get("gap")!.data[0],
      set[0].info.get("name")!.data[0],
      set[1].info.get("gap")!.data[0],
    ]).toEqual([0.25, "first", "text\nmore"]);
  });

  it("turns the units that dumps and data files of LAMMPS say into eV and angstrom", async () => {
    const dump = (units: string): string =>
      `ITEM: UNITS\n${units}\nITEM: TIMESTEP\n5\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS xy xz yz pp pp pp\n0 5 0.5\n0 4 0\n0 6 0\nITEM: ATOMS id element x y z fx fy fz vx vy vz q mass\n1 O 1 2 3 10 0 -1 2 0 0 1 16\n`;
    // Of https://docs.lammps.org/units.html: length, force, velocity, charge, mass.
    const factors: readonly (readonly [string, readonly number[]])[] = [
      ["metal", [1, 1, 1, 1, 1]],
      ["real", [1, 0.0433641, 1000, 1, 1]],
      ["electron", [0.5291772, 51.422067, 512.396, 1, 1]],
      ["si", [1e10, 6.2415091e8, 0.01, 6.2415091e18, 6.0221408e26]],
      ["cgs", [1e8, 6241.5091, 1e-4, 2.0819434e9, 6.0221408e23]],
      ["micro", [1e4, 0.62415091, 0.01, 6.2415091e6, 6.0221408e11]],
      ["nano", [10, 6.2415091e-4, 0.01, 1, 602214.08]],
    ];
    for (const [units, [length, force, velocity, charge, mass]] of factors) {
      const text = dump(units);
      // The units stand above the first of all frames only.
      const frames = await readStructures(write("units.dump", text + text.slice(text.indexOf("ITEM: T"))));
      for (const { positions, cell, forces, arrays } of frames) {
        const found = [positions[0], cell![0], cell![3], forces![0], arrays.get("velocities")!.data[0], arrays.get("q")!.data[0], arrays.get("mass")!.data[0]]; // prettier-ignore
        const wanted = [length, 4.5 * length, 0.5 * length, 10 * force, 2 * velocity, charge, 16 * mass];
        found.forEach((value, k) => expect(Number(value) / wanted[k]).toBeCloseTo(1, 5));
      }
    }
    await expect(readStructures(write("lj.dump", dump("lj")))).rejects.toThrow(
      /lj\.dump: line 2: the units "lj" cannot be turned into eV and angstrom; known: metal, real/,
    );
    const data = `LAMMPS data file via write_data, version 2 Aug 2023, timestep = 0, units = real\n\n1 atoms\n0 5 xlo xhi\n0 4 ylo yhi\n0 6 zlo zhi\n\nAtoms # charge\n\n1 1 0.5 1 2 3\n\nVelocities\n\n1 2 0 0\n`;
    const [real] = await readStructures(write("real.data", data));
    expect([real.positions[0], real.arrays.get("velocities")!.data[0]]).toEqual([1, 2000]);
    await expect(readStructures(write("lj.data", data.replace("real", "lj")))).rejects.toThrow(/"lj"/);
  });

  it("reads dumps of LAMMPS: scaled and skewed boxes, sorted by id", async () => {
    const text =
      "ITEM: TIMESTEP\n5\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS xy xz yz pp pp ff\n0 5 1\n0 4 0\n0 6 0\nITEM: ATOMS id element xs ys zs fx fy fz q\n2 O 0.5 0.5 0.5 1 2 3 0.5\n1 Cu 0 0 0.25 0 0 0 -1\n";
    const [s] = await readStructures(write("x.dump", text));
    expect([[...s.atomicNumbers], [...s.cell!], [...s.positions], s.pbc]).toEqual([
      [29, 8],
      [4, 0, 0, 1, 4, 0, 0, 0, 6],
      [0, 0, 1.5, 2.5, 2, 3],
      [true, true, false],
    ]);
    expect([[...s.forces!], s.info.get("timestep")!.data[0], s.arrays.get("q")!.data]).toEqual([
      [0, 0, 0, 1, 2, 3],
      5,
      Float64Array.of(-1, 0.5),
    ]);
  });
});

it.skipIf(!held)(
  "trajectories of ASE say what their frames in extended XYZ say (skipped where ../shared/data is missing)",
  async () => {
    const frames = await readStructures(join(shared, "oc20-relaxations/traj/random1000156.traj"));
    const text = await readStructures(join(shared, "oc20-relaxations/relaxation_frames.extxyz"));
    const same = text.filter((s) => s.info.get("system")!.data[0] === "random1000156");
    expect(same.length).toBe(10);
    for (const s of same) {
      const frame = frames[Number(s.info.get("frame")!.data[0])];
      expect([frame.energy, frame.fixed, frame.atomicNumbers]).toEqual([s.energy, s.fixed, s.atomicNumbers]);
      s.positions.forEach((x, k) => expect(Math.abs(x - frame.positions[k])).toBeLessThan(1e-8));
      s.forces!.forEach((x, k) => expect(Math.abs(x - frame.forces![k])).toBeLessThan(1e-8));
    }
    expect(readFileSync(join(shared, "oc20-relaxations/README.md"), "utf8")).toContain("total DFT energy");
  },
);
