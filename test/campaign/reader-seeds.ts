import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { loadHdf5 } from "../../src/data/hdf5.js";
import { inspectNpy } from "../../src/data/inspect/npy-report.js";
import { writeLmdbSync } from "../../src/data/lmdb/writer.js";
import { readNpy, writeNpySync } from "../../src/data/npy.js";
import type { Structure } from "../../src/data/structure.js";
import { readStructures, writeStructures } from "../../src/data/structures.js";
import { formatNamed } from "../../src/data/formats/structure-formats.js";
import { withWeights } from "../../src/data/weights/open.js";
import { root } from "../cli/bundle.js";
import { modelSeeds } from "./model-seeds.js";

/** A small good file of a format, and how to read all of a changed one. */
export interface ReaderSeed {
  /** Format, with a number where it has several. */
  readonly name: string;
  readonly kind: "text" | "container" | "weights";
  /** The path that is read: the file, or the folder it stands in. */
  readonly path: string;
  /** The file whose bytes are changed. */
  readonly file: string;
  readonly good: Uint8Array;
  /** What must have been awaited before a file is read. */
  readonly prepare?: () => Promise<unknown>;
  /** Reads every number; gives how many there were. */
  read(): number | Promise<number>;
  /** What is read, frame by frame; where the file holds structures. */
  readonly frames?: () => readonly Structure[];
}

const peers = join(root, "test", "fixtures", "formats", "peers");
const vasp = join(root, "test", "fixtures", "formats", "vasp");
const weights = join(root, "test", "fixtures", "weights");

const cif =
  "data_x\n_cell_length_a 4.1(2)\n_cell_length_b 4\n_cell_length_c 5\n_cell_angle_alpha 90\n_cell_angle_beta 95\n_cell_angle_gamma 90\nloop_\n_symmetry_equiv_pos_as_xyz\n'x, y, z'\n'-x, y+1/2, -z'\nloop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\nNa1 0 0 0.5 1\nCl1 0.25 .1 0.3(1) 1.0\n";

const texts: Readonly<Record<string, readonly [file: string, text: string]>> = {
  extxyz: [
    "x.extxyz",
    '2\nLattice="4 0 0 0.1 5 0 0 0.3 6" Properties=species:S:1:pos:R:3:forces:R:3:tags:I:1:on:L:1 energy=-1.5 name="a b" list=[[1, 2], [3, 4]] pbc="T T F"\nH 0 0 0.5 1 2 3 0 T\nO 1 1 1.25 -1 0 1e-3 1 F\n1\nProperties=species:S:1:pos:R:3\nCu 0 0 0\n',
  ],
  xyz: ["x.xyz", "2\nwater\nO 0 0 0\nH 0.9 0 1.0D-1\n"],
  poscar: [
    "x.vasp",
    "salt\n-64\n1 0 0\n0 1 0\n0.1 0 1\nNa Cl\n1 2\nSelective dynamics\nDirect\n0 0 0 T T F\n.5 .5 .5 F F F\n.25 0 0 T T T\n",
  ],
  cif: ["x.cif", cif],
  sdf: [
    "x.sdf",
    "first\n  prog\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n    0.5000    1.0000   -2.0000 C   0  0\n    0.0000    0.0000    0.0000 Cl  0  0\n  1  2  1  0\nM  END\n> <gap>\n0.25\n\n$$$$\n",
  ],
  "lammps-data": [
    "x.data",
    "title\n\n2 atoms\n2 atom types\n0 5 xlo xhi\n0 4 ylo yhi\n0 6 zlo zhi\n1 0 0 xy xz yz\n\nMasses\n\n1 15.999\n2 1.008\n\nAtoms # atomic\n\n2 2 1 2 3\n1 1 0 0 0.5\n",
  ],
  "lammps-data.1": [
    "full.data",
    "title\n\n2 atoms\n0 5 xlo xhi\n0 4 ylo yhi\n0 6 zlo zhi\n\nAtom Type Labels\n\n1 O\n2 H\n\nAtoms # full\n\n2 1 2 0.5 1 2 3 0 -1 2\n1 1 1 -0.5 0 0 0.5 1 0 0\n\nVelocities\n\n1 0 0 1\n2 0 1 0\n",
  ],
  "lammps-data.2": [
    "molecular.data",
    "title\n\n1 atoms\n0 5 xlo xhi\n0 4 ylo yhi\n0 6 zlo zhi\n\nAtoms\n\n12 7 1 1.5 2.5 3.5 1 0 -1\n",
  ],
  "lammps-dump": [
    "x.dump",
    "ITEM: TIMESTEP\n5\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS xy xz yz pp pp ff\n0 5 1\n0 4 0\n0 6 0\nITEM: ATOMS id element xs ys zs fx fy fz q\n2 O 0.5 0.5 0.5 1 2 3 0.5\n1 Cu 0 0 0.25 0 0 0 -1\n",
  ],
  jsonl: [
    "x.jsonl",
    '{"lattice":[[4,0,0],[0,5,0],[0,0,6]],"sites":[{"element":"Na","fractional_coordinates":[0,0,0.5]}],"id":3}\n{"smi":"CO","pos":[[0,0,0],[1.4,0,0]],"gap":0.5}\n',
  ],
  csv: ["x.csv", `,name,gap,cif\n0,"a, ""b""",1.5,"${cif}"\n`],
  "qm9-xyz": [
    "q.xyz",
    "2\ngdb 7\t1.\t2.\t3.\t0.\t1.\t-0.1\t0.2\t0.3\t35.3641\t0.044749\t-40.47893\t-40.476062\t-40.475117\t-40.498597\t6.469\t\nC\t1.6*^-6\t0.1\t 2.\t-0.5\nH\t-1.*^-6\t0\t0\t0.5\n1.\t2.\nC\tC\nInChI=1\tInChI=1\n",
  ],
};

const textFormats: ReadonlySet<string> = new Set([...Object.keys(texts), "outcar", "vasprun", "xdatcar"]);

/** Good files of every format that is read, in `folder`. */
export async function readerSeeds(folder: string): Promise<ReaderSeed[]> {
  await loadHdf5();
  const place = (name: string): string => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  };
  const seed = (name: string, path: string, file = path): ReaderSeed => ({
    name,
    kind: textFormats.has(name.replace(/\.\d+$/, "")) ? "text" : "container",
    path,
    file,
    good: Uint8Array.from(readFileSync(file)),
    prepare: async () => formatNamed(name.replace(/\.\d+$/, "")).prepare?.(),
    read: () => readFrames(name.replace(/\.\d+$/, ""), path),
    frames: () => [...formatNamed(name.replace(/\.\d+$/, "")).read!(path)],
  });
  const copied = (name: string, source: string): ReaderSeed => {
    const path = place(`${name}-${source.split("/").at(-1)!}`);
    cpSync(source, path);
    return seed(name, path);
  };
  const seeds = Object.entries(texts).map(([name, [file, text]]) => {
    const path = place(file);
    writeFileSync(path, text);
    return seed(name, path);
  });
  const packed = place("packed.extxyz.gz");
  writeFileSync(packed, Buffer.concat([gzipSync(texts.extxyz[1]), gzipSync(texts.extxyz[1])]));
  seeds.push(seed("extxyz.1", packed));
  for (const name of ["OUTCAR", "vasprun.xml", "XDATCAR"])
    seeds.push(copied(name.replace(".xml", "").toLowerCase(), join(vasp, name)));
  const files: [string, string][] = [
    ["ase-traj", "run.traj"],
    ["ase-traj.1", "fields.traj"],
    ["npz.0", "rmd17.npz"],
    ["npz.1", "dimenet.npz"],
    ["ani-hdf5", "ani.h5"],
    ["deepmd-hdf5", "system.hdf5"],
    ["pyg-pickle", "graphs.pkl"],
    ["pyg-pt.0", "graphs.pt"],
    ["pyg-pt.1", "batch.pt"],
  ];
  for (const [name, file] of files) seeds.push(copied(name, join(peers, file)));
  cpSync(join(peers, "deepmd.lmdb"), place("deepmd.lmdb"), { recursive: true });
  seeds.push(seed("deepmd-lmdb", join(folder, "deepmd.lmdb"), join(folder, "deepmd.lmdb", "data.mdb")));
  const frames = await readStructures(join(peers, "frames.extxyz"));
  await writeStructures(place("is2re.lmdb"), frames.slice(0, 2), { format: "ocp-lmdb" });
  seeds.push(seed("ocp-lmdb", join(folder, "is2re.lmdb")));
  seeds.push(seed("aselmdb", writeAseLmdb(place("rows.aselmdb"))));
  for (const format of ["deepmd-npy", "deepmd-mixed"]) {
    const path = join(folder, format);
    await writeStructures(path, frames, { format });
    const files = filesIn(path);
    seeds.push(...files.map((file, k) => seed(`${format}.${k}`, path, join(path, file))));
  }
  const models = await modelSeeds(folder);
  return [...seeds, ...weightSeeds(folder), ...models, checkpointData(folder), array(folder)];
}

/** The files of a folder, sorted. */
function filesIn(folder: string): string[] {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  return found.map((one) => relative(folder, join(one.parentPath, one.name))).sort();
}

/** The numbers of a checkpoint of TensorFlow, whose index is good. */
function checkpointData(folder: string): ReaderSeed {
  const path = join(folder, "checkpoint-data", "ckpt.index");
  cpSync(join(weights, "bundle"), dirname(path), { recursive: true });
  const file = path.replace(".index", ".data-00000-of-00001");
  const good = Uint8Array.from(readFileSync(file));
  return { name: "tf-checkpoint-data", kind: "weights", path, file, good, read: () => weightBytes(path) };
}

/** An array by itself. */
function array(folder: string): ReaderSeed {
  const path = join(folder, "array.npy");
  writeNpySync(path, { shape: [3, 4], data: Float32Array.from({ length: 12 }, (_, k) => k / 3) });
  const good = Uint8Array.from(readFileSync(path));
  const read = (): number => {
    const { data } = readNpy(path);
    inspectNpy(path, { hash: true });
    return data.length;
  };
  return { name: "npy", kind: "container", path, file: path, good, read };
}

function weightBytes(path: string): number {
  return withWeights(path, ({ tensors }) =>
    tensors.reduce((sum, { array }) => sum + (array?.bytes().length ?? 0), 0),
  );
}

function readFrames(format: string, path: string): number {
  let numbers = 0;
  for (const { positions } of formatNamed(format).read!(path)) numbers += positions.length;
  return numbers;
}

function writeAseLmdb(path: string): string {
  const row = {
    numbers: [8, 1],
    positions: [[0, 0, 0], [0, 0, 1]], // prettier-ignore
    cell: [[5, 0, 0], [0, 5, 0], [0, 0, 5]], // prettier-ignore
    pbc: [true, true, true],
    energy: -1.5,
    forces: [[0, 0, 1], [0, 0, -1]], // prettier-ignore
    constraints: [{ name: "FixAtoms", kwargs: { indices: [0] } }],
    data: { sid: "a" },
  };
  const packed = (value: unknown): Uint8Array => deflateSync(JSON.stringify(value));
  writeLmdbSync(path, [
    ["1", packed(row)],
    ["2", packed(row)],
    ["nextid", packed(3)],
    ["deleted_ids", packed([])],
    ["metadata", packed({})],
  ]);
  return path;
}

const weightFiles: readonly (readonly [string, string])[] = [
  ["torch.0", "zip.pt"],
  ["torch.1", "legacy.pt"],
  ["torchscript", "script.pt"],
  ["safetensors", "model.safetensors"],
  ["npz-weights", "packed.npz"],
  ["numpy-pickle", "numpy5.pkl"],
  ["tf-graph", "graph.pb"],
  ["tf-graph-text", "listed.pbtxt"],
  ["tf-checkpoint", "ckpt.index"],
];

function weightSeeds(folder: string): ReaderSeed[] {
  return weightFiles.map(([name, file]) => {
    const path = join(folder, `weights-${name}`, file);
    mkdirSync(dirname(path), { recursive: true });
    const source = file === "ckpt.index" ? join(weights, "bundle", file) : join(weights, file);
    cpSync(source, path);
    if (file === "ckpt.index")
      cpSync(
        source.replace(".index", ".data-00000-of-00001"),
        path.replace(".index", ".data-00000-of-00001"),
      );
    const read = (): number => weightBytes(path);
    return { name, kind: "weights", path, file: path, good: Uint8Array.from(readFileSync(path)), read };
  });
}
