import type * as h5wasm from "h5wasm";
import { basename } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { type FrameRecord, systemsOfFrames } from "./deepmd-frames.js";
import { labelNames, type DeepmdReadOptions } from "./deepmd-npy.js";
import { remapTypes } from "./deepmd-npy-types.js";
import { type DeepmdSystem, labelWidth, type LabelName } from "./deepmd-system.js";
import { readBytes } from "./read-file.js";

const largestFile = 2 ** 31 - 1;
let fileNumber = 0;

/**
 * The systems of an HDF5 file: `x.hdf5#/group` is one, `x.hdf5` all groups that hold `type.raw`. Groups have the datasets of a
 * system folder: `type.raw`, `type_map.raw`, `nopbc`, `set.000/coord.npy`, ... The file is opened in memory, so no path in it
 * leads anywhere.
 *
 * Errors: FILE, FORMAT, SHAPE, NUMERIC, VALUE.
 */
export async function readDeepmdHdf5(path: string, options: DeepmdReadOptions = {}): Promise<DeepmdSystem[]> {
  const [file, group] = splitPath(path);
  const bytes = readBytes(file, largestFile);
  const library = await import("h5wasm");
  const module = await library.ready;
  const inside = `/data-${fileNumber++}.h5`;
  module.FS.writeFile(inside, bytes);
  module.activate_throwing_error_handler();
  try {
    const reader = new Hdf5Reader(library, new library.File(inside, "r"), basename(file), bytes.length);
    return reader.systems(path, group, options);
  } catch (error) {
    if (error instanceof AtomgradError) throw error;
    throw new AtomgradError(
      "FORMAT",
      `${basename(file)}: not a readable HDF5 file; it is damaged or of another kind`,
      {
        cause: error,
      },
    );
  } finally {
    module.deactivate_throwing_error_handler();
    module.FS.unlink(inside);
  }
}

/** Whether a path of `systems` names an HDF5 file. */
export function isHdf5Path(path: string): boolean {
  return /\.(hdf5|h5)(#|$)/.test(path);
}

function splitPath(path: string): [string, string | undefined] {
  const at = path.indexOf("#");
  return at < 0 ? [path, undefined] : [path.slice(0, at), path.slice(at + 1).replace(/^\/+|\/+$/g, "")];
}

class Hdf5Reader {
  constructor(
    private readonly library: typeof h5wasm,
    private readonly file: h5wasm.File,
    private readonly name: string,
    private readonly size: number,
  ) {}

  systems(path: string, group: string | undefined, options: DeepmdReadOptions): DeepmdSystem[] {
    try {
      const groups = group === undefined ? this.groups(this.file, "", 0) : [group];
      if (groups.length === 0) throw this.bad("", "holds no group with type.raw");
      return groups.flatMap((one) => this.system(path, one, options));
    } finally {
      this.file.close();
    }
  }

  private groups(here: h5wasm.Group, at: string, depth: number): string[] {
    const keys = here.keys();
    const own = keys.includes("type.raw") ? [at] : [];
    if (depth > 16) return own;
    const inner = keys
      .filter((key) => !key.startsWith("set."))
      .sort()
      .flatMap((key) => {
        const item = here.get(key);
        return item instanceof this.library.Group
          ? this.groups(item, at === "" ? key : `${at}/${key}`, depth + 1)
          : [];
      });
    return [...own, ...inner];
  }

  private system(path: string, group: string, options: DeepmdReadOptions): DeepmdSystem[] {
    const label = `${this.name}#/${group}`;
    const types = Int32Array.from(this.numbers(group, "type.raw") ?? []);
    if (types.length === 0) throw this.bad(group, "type.raw is missing or empty");
    const names = this.texts(group, "type_map.raw");
    const folder = this.at(group, "");
    const sets = folder
      .keys()
      .filter((key) => key.startsWith("set."))
      .sort();
    if (sets.length === 0) throw this.bad(group, "holds no set.* group with coord.npy");
    const open = folder.keys().includes("nopbc");
    remapTypes(types, names, options.typeMap ?? null, label, (atom) => `${label}/type.raw: atom ${atom}`);
    const frames = sets.flatMap((set) => this.frames(`${group}/${set}`, types, names, open, options));
    const [first] = path.split("#");
    return systemsOfFrames(`${first}#/${group}`, label, options.typeMap ?? names, frames);
  }

  private frames(
    set: string,
    types: Int32Array,
    names: readonly string[] | null,
    open: boolean,
    options: DeepmdReadOptions,
  ): FrameRecord[] {
    const atoms = types.length;
    const label = `${this.name}#/${set}`;
    const coord = this.numbers(set, "coord.npy");
    if (coord === null || coord.length === 0 || coord.length % (3 * atoms) !== 0)
      throw this.bad(set, `coord.npy is missing or not made of ${atoms} atoms a frame (type.raw)`);
    const count = coord.length / (3 * atoms);
    const rows = (name: string, width: number | null): Float64Array[] | null => {
      const data = this.numbers(set, name);
      if (data === null) return null;
      const own = width ?? data.length / count;
      if (data.length !== own * count || !Number.isInteger(own))
        throw this.bad(set, `${name} holds ${data.length} numbers; ${count} frames of ${own} are needed`);
      return Array.from({ length: count }, (_, f) => data.subarray(f * own, (f + 1) * own));
    };
    const box = open ? null : rows("box.npy", 9);
    if (!open && box === null) throw this.bad(set, "box.npy is missing; it is needed for periodic frames");
    const real = rows("real_atom_types.npy", atoms)?.map((row) => Int32Array.from(row));
    real?.forEach((row, f) =>
      remapTypes(row, names, options.typeMap ?? null, label, (atom) => `${label}: frame ${f}, atom ${atom}`),
    );
    const labels = new Map(labelNames.map((name) => [name, this.label(name, atoms, options, rows)]));
    return Array.from({ length: count }, (_, f) => ({
      types: real?.[f] ?? types,
      positions: coord.subarray(3 * atoms * f, 3 * atoms * (f + 1)),
      cell: box?.[f] ?? null,
      labels: Object.fromEntries(
        [...labels].flatMap(([name, found]) => (found === null ? [] : [[name, found[f]]])),
      ),
    }));
  }

  private label(
    name: LabelName,
    atoms: number,
    options: DeepmdReadOptions,
    rows: (name: string, width: number | null) => Float64Array[] | null,
  ): Float64Array[] | null {
    const asked = name === "fparam" || name === "aparam" ? options[name] : undefined;
    if (asked === 0) return null;
    const given = asked === undefined ? null : asked * (name === "aparam" ? atoms : 1);
    const width = name === "atom_pref" ? atoms : (labelWidth(name, atoms) ?? given);
    const found = rows(`${name}.npy`, width) ?? rows(`${name.replace(/^atom_/, "atomic_")}.npy`, width);
    if (found === null || name !== "atom_pref") return found;
    return found.map((row) => Float64Array.from({ length: 3 * atoms }, (_, k) => row[Math.floor(k / 3)]));
  }

  private at(group: string, name: string): h5wasm.Group {
    const item = group === "" ? this.file : this.file.get(group);
    if (item instanceof this.library.Group) return item;
    throw this.bad(group, `${name === "" ? "the group" : name} is missing`);
  }

  private dataset(group: string, name: string): h5wasm.Dataset | null {
    const folder = this.at(group, name);
    if (!folder.keys().includes(name)) return null;
    const item = folder.get(name);
    if (!(item instanceof this.library.Dataset)) throw this.bad(group, `${name} is no dataset`);
    const { shape, size, chunks } = item.metadata;
    const bytes = (shape ?? []).reduce((a, b) => a * b, 1) * size;
    // Plain datasets cannot be larger than the file; packed ones can, up to what an array may hold.
    if (bytes > (chunks === null ? this.size : largestFile))
      throw this.bad(group, `${name} announces ${bytes} bytes, more than the file can hold`);
    return item;
  }

  private numbers(group: string, name: string): Float64Array | null {
    const value = this.dataset(group, name)?.value;
    if (value === undefined) return null;
    if (typeof value === "number" || typeof value === "bigint") return Float64Array.of(Number(value));
    if (ArrayBuffer.isView(value) || Array.isArray(value))
      return Float64Array.from(value as ArrayLike<number | bigint>, Number);
    throw this.bad(group, `${name} holds no numbers`);
  }

  private texts(group: string, name: string): string[] | null {
    const value = this.dataset(group, name)?.value;
    if (value === undefined) return null;
    if (Array.isArray(value) && value.every((text) => typeof text === "string")) return value;
    if (typeof value === "string") return value.split(/\s+/).filter((text) => text !== "");
    throw this.bad(group, `${name} holds no texts`);
  }

  private bad(group: string, what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.name}#/${group}: ${what}`);
  }
}
