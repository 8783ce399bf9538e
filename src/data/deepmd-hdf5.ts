import { AtomgradError } from "../tensor/error.js";
import { type FrameRecord, systemsOfFrames } from "./deepmd-frames.js";
import { labelNames, type DeepmdReadOptions } from "./deepmd-read-options.js";
import { remapTypes } from "./deepmd-npy-types.js";
import { type DeepmdSystem, labelWidth, type LabelName } from "./deepmd-system.js";
import { loadHdf5, splitHdf5Path, withHdf5, type Hdf5Dataset, type Hdf5File } from "./hdf5.js";

/**
 * The systems of an HDF5 file: `x.hdf5#/group` is one, or all below it where the group itself holds no `type.raw`; `x.hdf5` is
 * all of the file. Groups have the datasets of a
 * system folder: `type.raw`, `type_map.raw`, `nopbc`, `set.000/coord.npy`, ... The file is opened in memory, so no path in it
 * leads anywhere.
 *
 * Errors: FILE, FORMAT, SHAPE, NUMERIC, VALUE.
 */
export async function readDeepmdHdf5(path: string, options: DeepmdReadOptions = {}): Promise<DeepmdSystem[]> {
  await loadHdf5();
  return [...deepmdHdf5Systems(path, options)];
}

/** The same, one system after the other, once `loadHdf5` has been awaited. */
export function deepmdHdf5Systems(path: string, options: DeepmdReadOptions = {}): Generator<DeepmdSystem> {
  const [file, group] = splitHdf5Path(path);
  return withHdf5(file, (opened) => new SystemReader(opened, file).systems(group, options));
}

/** A frame with all that its set says of it, also what DeePMD-kit itself does not define. */
export interface Hdf5Frame extends FrameRecord {
  readonly typeMap: readonly string[] | null;
  /** Whether its set has types for every frame. */
  readonly mixed: boolean;
  /** Further datasets of the set by their names without `.npy`: the row of this frame. */
  readonly extras: ReadonlyMap<string, { readonly data: Float64Array; readonly isInteger: boolean }>;
}

/** All frames of the file in their order, types as stored, once `loadHdf5` has been awaited. */
export function deepmdHdf5Frames(path: string): Generator<Hdf5Frame> {
  const [file, group] = splitHdf5Path(path);
  return withHdf5(file, (opened) => new SystemReader(opened, file).allFrames(group));
}

/**
 * How many frames there are, and those whose numbers among all `choose` gives for so many frames of so many atoms together, in
 * order; as `deepmdHdf5Frames`.
 */
export function chosenHdf5Frames(
  path: string,
  choose: (all: number, atoms: number) => readonly number[],
): { readonly frames: number; readonly chosen: Generator<Hdf5Frame> } {
  const [file, group] = splitHdf5Path(path);
  let [frames, atoms] = [0, 0];
  for (const size of withHdf5(file, (opened) => new SystemReader(opened, file).sizes(group))) {
    frames += size.frames;
    atoms += size.frames * size.atoms;
  }
  const numbers = choose(frames, atoms);
  return {
    frames,
    chosen: withHdf5(file, (opened) => new SystemReader(opened, file).allFrames(group, numbers)),
  };
}

/** Datasets of a set that are read by name. */
const knownDatasets: ReadonlySet<string> = new Set([
  ...["coord", "box", "real_atom_types", "atomic_ener", "atomic_pref"],
  ...labelNames,
]);

/** Whether a path of `systems` names an HDF5 file. */
export function isHdf5Path(path: string): boolean {
  return /\.(hdf5|h5)(#|$)/.test(path);
}

class SystemReader {
  constructor(
    private readonly file: Hdf5File,
    private readonly path: string,
  ) {}

  private empty(): AtomgradError {
    return new AtomgradError(
      "FORMAT",
      `${this.file.name}: this HDF5 file holds no system of DeePMD-kit (a group with type.raw), no molecules of ANI and no model`,
    );
  }

  *systems(group: string | null, options: DeepmdReadOptions): Generator<DeepmdSystem> {
    for (const one of this.found(group)) yield* this.system(one, options);
  }

  /** Frames of every set, and atoms of each of these. */
  *sizes(group: string | null): Generator<{ readonly frames: number; readonly atoms: number }> {
    for (const one of this.found(group)) {
      const { sets, types } = this.parts(one);
      for (const set of sets) yield { frames: this.countOf(set), atoms: types.length };
    }
  }

  /** All frames, or those with these numbers among all, in order. */
  *allFrames(group: string | null, chosen: readonly number[] | null = null): Generator<Hdf5Frame> {
    let start = 0;
    for (const one of this.found(group)) {
      const { sets, types, names, open } = this.parts(one);
      for (const set of sets) {
        const first = start;
        if (chosen !== null) start += this.countOf(set);
        const rows = chosen?.filter((k) => k >= first && k < start).map((k) => k - first) ?? null;
        if (rows?.length === 0) continue;
        const frames = this.frames(set, types, names, open, {}, rows);
        const extras = this.extras(set, frames.length, rows);
        const mixed = this.file.keys(set).includes("real_atom_types.npy");
        for (const [k, frame] of frames.entries()) {
          const own = new Map(extras.map(([name, values]) => [name, values[k]]));
          yield { ...frame, typeMap: names, mixed, extras: own };
        }
      }
    }
  }

  private found(group: string | null): string[] {
    const named = group ?? "";
    // A group that is not there, or empty, is told by what reads it.
    const search = named === "" || (this.file.isGroup(named) && this.file.keys(named).length > 0);
    const groups = search ? this.groups(named, 0) : [named];
    if (groups.length === 0) throw this.empty();
    return groups;
  }

  private countOf(set: string): number {
    return this.file.dataset(set, "coord.npy")?.shape[0] ?? 0;
  }

  private extras(
    set: string,
    frames: number,
    chosen: readonly number[] | null,
  ): [string, { data: Float64Array; isInteger: boolean }[]][] {
    const names = this.file.keys(set).flatMap((key) => /^(.*)\.npy$/.exec(key)?.[1] ?? []);
    return names
      .filter((name) => !knownDatasets.has(name))
      .map((name) => {
        const dataset = this.file.dataset(set, `${name}.npy`)!;
        const data = rowsOf(dataset, chosen);
        const width = data.length / frames;
        if (!Number.isInteger(width))
          throw this.file.bad(
            set,
            `${name}.npy holds ${data.length} numbers, which ${frames} frames cannot share`,
          );
        const { isInteger } = dataset;
        return [
          name,
          Array.from({ length: frames }, (_, f) => ({
            data: data.slice(f * width, (f + 1) * width),
            isInteger,
          })),
        ];
      });
  }

  private groups(at: string, depth: number): string[] {
    const keys = this.file.keys(at);
    const own = keys.includes("type.raw") ? [at] : [];
    if (depth > 16) return own;
    const inner = keys
      .filter((key) => !key.startsWith("set."))
      .sort()
      .map((key) => (at === "" ? key : `${at}/${key}`))
      .flatMap((path) => (this.file.isGroup(path) ? this.groups(path, depth + 1) : []));
    return [...own, ...inner];
  }

  private system(group: string, options: DeepmdReadOptions): DeepmdSystem[] {
    const label = `${this.file.name}#/${group}`;
    const { sets, types, names, open } = this.parts(group);
    remapTypes(types, names, options, label, (atom) => `${label}/type.raw: atom ${atom}`);
    const frames = sets.flatMap((set) => this.frames(set, types, names, open, options));
    return systemsOfFrames(`${this.path}#/${group}`, label, options.typeMap ?? names, frames);
  }

  /** What all frames of a system share, and its sets. */
  private parts(group: string): { sets: string[]; types: Int32Array; names: string[] | null; open: boolean } {
    const types = Int32Array.from(this.numbers(group, "type.raw") ?? []);
    if (types.length === 0) throw this.file.bad(group, "type.raw is missing or empty");
    const names = this.texts(group, "type_map.raw");
    const keys = this.file.keys(group);
    const sets = keys.filter((key) => key.startsWith("set.")).sort();
    if (sets.length === 0) throw this.file.bad(group, "holds no set.* group with coord.npy");
    return {
      sets: sets.map((set) => (group === "" ? set : `${group}/${set}`)),
      types,
      names,
      open: keys.includes("nopbc"),
    };
  }

  private frames(
    set: string,
    types: Int32Array,
    names: readonly string[] | null,
    open: boolean,
    options: DeepmdReadOptions,
    chosen: readonly number[] | null = null,
  ): FrameRecord[] {
    const atoms = types.length;
    const label = `${this.file.name}#/${set}`;
    const coord = this.numbers(set, "coord.npy", chosen);
    if (coord === null || coord.length === 0 || coord.length % (3 * atoms) !== 0)
      throw this.file.bad(set, `coord.npy is missing or not made of ${atoms} atoms a frame (type.raw)`);
    const count = coord.length / (3 * atoms);
    const rows = (name: string, width: number | null): Float64Array[] | null => {
      const data = this.numbers(set, name, chosen);
      if (data === null) return null;
      const own = width ?? data.length / count;
      if (data.length !== own * count || !Number.isInteger(own))
        throw this.file.bad(
          set,
          `${name} holds ${data.length} numbers; ${count} frames of ${own} are needed`,
        );
      return Array.from({ length: count }, (_, f) => data.subarray(f * own, (f + 1) * own));
    };
    const box = open ? null : rows("box.npy", 9);
    if (!open && box === null)
      throw this.file.bad(set, "box.npy is missing; it is needed for periodic frames");
    const real = rows("real_atom_types.npy", atoms)?.map((row) => Int32Array.from(row));
    real?.forEach((row, f) =>
      remapTypes(row, names, options, label, (atom) => `${label}: frame ${f}, atom ${atom}`),
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

  private numbers(group: string, name: string, chosen: readonly number[] | null = null): Float64Array | null {
    const dataset = this.file.dataset(group, name);
    return dataset === null ? null : rowsOf(dataset, chosen);
  }

  private texts(group: string, name: string): string[] | null {
    const dataset = this.file.dataset(group, name);
    if (dataset === null) return null;
    const texts = dataset.texts();
    if (texts === null) throw this.file.bad(group, `${name} holds no texts`);
    // One text of all names, or a text for each.
    return texts.flatMap((text) => text.split(/\s+/)).filter((text) => text !== "");
  }
}

/** All numbers of a dataset, or those of some of its rows. */
function rowsOf(dataset: Hdf5Dataset, chosen: readonly number[] | null): Float64Array {
  if (chosen === null) return dataset.numbers();
  const rows = chosen.map((k) => dataset.numbers(k, k + 1));
  const all = new Float64Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return all;
}
