import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readNpy, readNpyFloat64Into, writeNpySync } from "../../src/data/npy.js";
import { LmdbFile } from "../../src/data/lmdb/reader.js";
import { writeLmdbSync } from "../../src/data/lmdb/writer.js";
import { formatNamed } from "../../src/data/formats/structure-formats.js";
import { StridedArray } from "../../src/data/strided-array.js";
import { OcpLmdb } from "../../src/data/records/ocp-lmdb.js";
import type { Bench, Workload } from "../bench.js";
import { uniform } from "./uniform.js";

const data = join("examples", "data");

/** A workload over a file that is made for it; the peer reads the same file. */
function overFile(
  name: string,
  make: (path: string) => void,
  read: (path: string) => number,
  peer: { peer: string; reader: string; count: string; floorBytes: number },
): Workload {
  const folder = mkdtempSync(join(tmpdir(), "atomgrad-bench-"));
  const path = join(folder, name);
  try {
    make(path);
    const count = read(path);
    return {
      run: () => read(path),
      work: { [peer.count]: count },
      floor: { bytes: peer.floorBytes },
      peers: [{ peer: peer.peer, program: "read_files.py", args: [peer.reader], request: { path } }],
      difference: ({ count: theirs }) => Math.abs(count - Number(theirs)),
      close: () => rmSync(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** 1,000 frames of ethanol with forces: the shipped ones again and again. */
const extxyz: Bench = {
  name: "read/extxyz-9000-atoms",
  dtype: "f64",
  threads: 1,
  open: () => {
    const text = readFileSync(join(data, "rmd17", "ethanol.extxyz"), "utf8").repeat(25);
    const read = (path: string): number => {
      let atoms = 0;
      for (const { atomicNumbers } of formatNamed("extxyz").read!(path)) atoms += atomicNumbers.length;
      return atoms;
    };
    return Promise.resolve(
      overFile("ethanol.extxyz", (path) => writeFileSync(path, text), read, {
        peer: "ase",
        reader: "extxyz",
        count: "atoms",
        floorBytes: text.length,
      }),
    );
  },
};

/** 128 MB of float64: into fresh memory, into memory that is there (the file's pages are copied once), or mapped. */
function npy(
  name: string,
  /** Makes what reads the file. */
  reading: () => (path: string) => number,
  { reader, floorBytes } = { reader: "npy", floorBytes: 2 * 8 * (1 << 24) },
): Bench {
  return {
    name,
    dtype: "f64",
    threads: 1,
    open: () => {
      const data = uniform(1 << 24, 3);
      return Promise.resolve(
        overFile("values.npy", (path) => writeNpySync(path, { shape: [1 << 12, 1 << 12], data }), reading(), {
          peer: "numpy",
          reader,
          count: "numbers",
          floorBytes,
        }),
      );
    },
  };
}

const npyFresh = npy("read/npy-128mb", () => (path) => readNpy(path).data.length);

/** Into an array that an earlier read brought; huge pages hold it, as they hold arrays of numpy. */
const npyInto = npy("read/npy-128mb-into", () => {
  let target: Float64Array | undefined;
  return (path) => {
    target ??= readNpy(path).data as Float64Array;
    readNpyFloat64Into(target, path);
    return target.length;
  };
});

/** Mapped, and one number of each page taken: a cache line of each. */
const npyMapped = npy(
  "read/npy-128mb-mapped",
  () => (path) => {
    const data = readNpy(path, { mmapMode: "c" }).data as Float64Array;
    let sum = 0;
    for (let k = 0; k < data.length; k += 512) sum += data[k];
    return Number.isNaN(sum) ? 0 : data.length;
  },
  { reader: "npy-mapped", floorBytes: 64 * 2 ** 15 },
);

/** The values of the shipped records of OC20. */
function oc20Values(): Uint8Array[] {
  const source = new LmdbFile(join(data, "oc20", "is2re.lmdb"));
  const values = [0, 1, 2, 3].map((k) => source.get(String(k))!.slice());
  source.close();
  return values;
}

/** 400 records of OC20 out of LMDB and pickle, every tensor of them as numbers. */
const records: Bench = {
  name: "read/ocp-lmdb-400",
  dtype: "f32",
  threads: 1,
  open: () => {
    const values = oc20Values();
    const make = (path: string): void =>
      writeLmdbSync(
        path,
        Array.from({ length: 400 }, (_, k) => [String(k), values[k % 4]] as const),
      );
    const read = (path: string): number => {
      const set = new OcpLmdb(path);
      let atoms = 0;
      for (let k = 0; k < set.length; k++)
        for (const [key, value] of set.record(k)) {
          if (value instanceof StridedArray) value.numbers();
          if (key === "natoms") atoms += Number(value);
        }
      set.close();
      return atoms;
    };
    const floorBytes = 100 * values.reduce((sum, value) => sum + value.length, 0);
    return Promise.resolve(
      overFile("records.lmdb", make, read, {
        peer: "torch_geometric",
        reader: "ocp",
        count: "atoms",
        floorBytes,
      }),
    );
  },
};

/** Opening a set as large as OC20's IS2RE and finding a hundred records in it. */
const index: Bench = {
  name: "read/ocp-lmdb-index-460k",
  dtype: "f32",
  threads: 1,
  open: () => {
    const value = Uint8Array.from(oc20Values()[0].subarray(0, 300));
    const count = 460_328;
    const make = (path: string): void =>
      writeLmdbSync(
        path,
        Array.from({ length: count }, (_, k) => [String(k), value] as const),
      );
    const read = (path: string): number => {
      const set = new OcpLmdb(path);
      const file = new LmdbFile(path);
      for (let k = 0; k < 100; k++) file.find(String(Math.floor((k * set.length) / 100)));
      file.close();
      set.close();
      return set.length;
    };
    return Promise.resolve(
      overFile("index.lmdb", make, read, {
        peer: "lmdb",
        reader: "index",
        count: "records",
        // The pages on the way to each of the hundred records.
        floorBytes: 100 * 4 * 4096,
      }),
    );
  },
};

export const formatRows: readonly Bench[] = [extxyz, npyFresh, npyInto, npyMapped, records, index];
