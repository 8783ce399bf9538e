import { AseLmdb, aselmdbFiles } from "../records/aselmdb.js";
import { DeepmdLmdb } from "../records/deepmd-lmdb.js";
import { beginsAsLmdb, lmdbDialect } from "../records/dialect.js";
import type { LmdbDialect } from "../records/dialect.js";
import { OcpLmdb } from "../records/ocp-lmdb.js";
import { writeOcpLmdb } from "../records/write-ocp.js";
import type { Structure } from "../structure.js";
import {
  constraintLeftOut,
  type FileStart,
  type ReadNote,
  type StructureFormat,
  type StructureSample,
  type Wanted,
} from "./format.js";
import { spreadOver } from "../sampled-frames.js";

/** A set of records that is held open. */
interface RecordSet {
  readonly length: number;
  structure(index: number): Structure;
  close(): void;
}

/** OC20 and its kin: pickles of PyG `Data` in an LMDB file, or in a folder of them. */
export const ocpLmdb: StructureFormat = {
  name: "ocp-lmdb",
  extensions: [".lmdb"],
  electronVolts: true,
  sniff: (start) => isOfDialect(start, "ocp-lmdb"),
  read: (path) => readAll(() => new OcpLmdb(path)),
  readWanted: (path, wanted) => readWanted(() => new OcpLmdb(path), wanted),
  sample: (path, count) => sampleOf(() => new OcpLmdb(path), count),
  write: (path, structures) => writeOcpLmdb(path, structures),
};

/** fairchem's ASE-LMDB: rows of an ASE database as zlib-packed JSON. */
export const aselmdb: StructureFormat = {
  name: "aselmdb",
  extensions: [".aselmdb"],
  electronVolts: true,
  sniff: (start) => isOfDialect(start, "aselmdb"),
  read: (path, note) => readAll(() => openAse(path, note)),
  readWanted: (path, wanted, note) => readWanted(() => openAse(path, note), wanted),
  sample: (path, count) => sampleOf(() => openAse(path), count),
};

/** DeePMD-kit's LMDB data: MessagePack records in a folder with data.mdb. */
export const deepmdLmdb: StructureFormat = {
  name: "deepmd-lmdb",
  extensions: [],
  electronVolts: true,
  sniff: (start) => isOfDialect(start, "deepmd-lmdb"),
  read: (path) => readAll(() => new DeepmdLmdb(path)),
  readWanted: (path, wanted) => readWanted(() => new DeepmdLmdb(path), wanted),
  sample: (path, count) => sampleOf(() => new DeepmdLmdb(path), count),
};

function isOfDialect(start: FileStart, dialect: LmdbDialect): boolean {
  const mayHold = start.isFolder
    ? start.entries.some((name) => name === "data.mdb" || /\.(?:ase)?lmdb$/.test(name))
    : beginsAsLmdb(start.bytes);
  return mayHold && lmdbDialect(start.path) === dialect;
}

/** The rows of all files of a data set, one after the other. */
function openAse(path: string, note?: ReadNote): RecordSet {
  const files: AseLmdb[] = [];
  const close = (): void => files.forEach((file) => file.close());
  try {
    for (const name of aselmdbFiles(path)) files.push(new AseLmdb(name));
  } catch (error) {
    close();
    throw error;
  }
  const rows = files.flatMap((file) => file.ids.map((id) => [file, id] as const));
  const noted = new Set<string>();
  const onConstraint = (constraint: string, row: string): void => {
    if (noted.has(constraint)) return;
    noted.add(constraint);
    note?.(constraintLeftOut(row, constraint), "left-out");
  };
  const structure = (index: number): Structure => rows[index][0].structure(rows[index][1], onConstraint);
  return { length: rows.length, structure, close };
}

function* readAll(open: () => RecordSet): Generator<Structure> {
  const set = open();
  try {
    for (let index = 0; index < set.length; index++) yield set.structure(index);
  } finally {
    set.close();
  }
}

function* readWanted(open: () => RecordSet, wanted: Wanted): Generator<Structure | null> {
  const set = open();
  try {
    for (let index = 0; index < set.length; index++) yield wanted(index) ? set.structure(index) : null;
  } finally {
    set.close();
  }
}

function sampleOf(open: () => RecordSet, count: number): StructureSample {
  const set = open();
  const { length } = set;
  set.close();
  return { frames: length, structures: { [Symbol.iterator]: () => some(open, spreadOver(length, count)) } };
}

function* some(open: () => RecordSet, indices: readonly number[]): Generator<Structure> {
  const set = open();
  try {
    for (const index of indices) yield set.structure(index);
  } finally {
    set.close();
  }
}
