import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { encodeNpy, parseNpy } from "../../src/data/npy.js";
import type { NpyData } from "../../src/data/npy-arrays.js";
import { root } from "../cli/bundle.js";

/** The files of a data set by their paths in its folder, and what `systems` names of it. */
export interface FolderSeed {
  readonly name: string;
  readonly kind: "folder" | "hdf5" | "lmdb";
  readonly path: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Frames kept of real systems. */
const fewFrames = 3;

/** Real systems of DeePMD-kit, cut to a few frames: plain, open, mixed, in HDF5 and LMDB. */
export function folderSeeds(): FolderSeed[] {
  const alloys = join(root, "examples", "data", "nbmotaw", "train");
  const shared = join(root, "..", "shared", "data");
  const peers = join(root, "test", "fixtures", "formats", "peers");
  const seeds = [
    folder("alloys", join(alloys, "n002")),
    folder("alloys", join(alloys, "n008")),
    file("hdf5", join(peers, "system.hdf5")),
    file("lmdb", join(peers, "deepmd.lmdb")),
  ];
  const { files } = seeds[0];
  seeds.push({
    name: "plain",
    kind: "folder",
    path: "plain",
    files: renamed(plain(files), "alloys", "plain"),
  });
  const further: [string, string][] = [
    ["water", join(shared, "deepmd-water", "data_1")],
    ["molecules", join(shared, "deepmd-mixed-qm9prop", "data_0")],
  ];
  for (const [name, path] of further) if (existsSync(path)) seeds.push(folder(name, path));
  return seeds;
}

function file(kind: "hdf5" | "lmdb", source: string): FolderSeed {
  const path = kind === "hdf5" ? "data.hdf5" : "data.lmdb";
  return { name: kind, kind, path, files: readAll(source, path) };
}

function folder(name: string, source: string): FolderSeed {
  const files = new Map(readAll(source, name));
  for (const [path, bytes] of files) if (path.endsWith(".npy")) files.set(path, firstRows(bytes, path));
  files.delete(`${name}/groups.txt`);
  return { name, kind: "folder", path: name, files };
}

function readAll(source: string, path: string): Map<string, Uint8Array> {
  if (!statSync(source).isDirectory()) return new Map([[path, Uint8Array.from(readFileSync(source))]]);
  return new Map(readdirSync(source).flatMap((name) => [...readAll(join(source, name), `${path}/${name}`)]));
}

function firstRows(bytes: Uint8Array, path: string): Uint8Array {
  const { shape, data } = parseNpy(bytes, path);
  const [frames, ...rest] = shape;
  const kept = Math.min(fewFrames, frames);
  return npyBytes([kept, ...rest], data.subarray(0, (data.length / frames) * kept));
}

/** A system whose frames share their types: the first frame of a mixed one, twice. */
function plain(files: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  const out = new Map<string, Uint8Array>();
  for (const [path, bytes] of files) {
    if (!path.endsWith(".npy")) {
      out.set(path, bytes);
      continue;
    }
    const { shape, data } = parseNpy(bytes, path);
    const row = data.subarray(0, data.length / shape[0]);
    if (path.endsWith("real_atom_types.npy"))
      out.set("alloys/type.raw", new TextEncoder().encode([...row].join("\n")));
    else out.set(path, npyBytes([1, ...shape.slice(1)], row));
  }
  return out;
}

function renamed(files: ReadonlyMap<string, Uint8Array>, from: string, to: string): Map<string, Uint8Array> {
  return new Map([...files].map(([path, bytes]) => [path.replace(from, to), bytes]));
}

/** An npy file. */
export function npyBytes(shape: readonly number[], data: NpyData): Uint8Array {
  return new Uint8Array(Buffer.concat(encodeNpy({ shape, data })));
}
