import { looksPerAtom } from "../looks-per-atom.js";
import { atomicNumberOf } from "../elements.js";
import { isHdf5, loadHdf5, splitHdf5Path, withHdf5, type Hdf5Dataset, type Hdf5File } from "../hdf5.js";
import { makeStructure, realField, textField, type Field, type Structure } from "../structure.js";
import type { StructureFormat } from "./format.js";
import { affordable, spreadOver } from "../sampled-frames.js";

/**
 * The HDF5 files of the ANI data sets: groups with `coordinates` [frames, atoms, 3] and `species` (texts) or
 * `atomic_numbers`. ANI-1 has `energies`; ANI-1x and later name energies and forces by their method
 * (`wb97x_dz.energy`, `wb97x_dz.forces`). Hartree and angstrom, as stored.
 */
export const aniHdf5: StructureFormat = {
  name: "ani-hdf5",
  extensions: [".h5", ".hdf5"],
  sniff: ({ path, isFolder, bytes }) => !isFolder && isHdf5(bytes) && holdsMolecules(path),
  prepare: loadHdf5,
  read: (path) => {
    const [file, group] = splitHdf5Path(path);
    return withHdf5(file, (opened) => readGroups(opened, group ?? ""));
  },
  knowsSizes: true,
  sample: (path, count, limits) => {
    const [file, group] = splitHdf5Path(path);
    const sets = [...withHdf5(file, (opened) => moleculeSets(opened, group ?? ""))];
    const seen = sets.reduce((sum, set) => sum + set.frames, 0);
    const atoms = sets.reduce((sum, set) => sum + set.frames * set.atoms, 0);
    const isEstimate = sets.some((set) => set.standsFor > 1);
    const most = isEstimate ? Math.min(count, framesOfEach * sets.length) : count;
    const chosen = spreadOver(seen, affordable(most, seen, atoms, limits));
    return {
      frames: Math.round(sets.reduce((sum, set) => sum + set.standsFor * set.frames, 0)),
      isEstimate,
      structures: withHdf5(file, (opened) => readChosen(opened, sets, chosen)),
    };
  },
};

const maxDepth = 8;
/** Rows that are read at once. */
const blockNumbers = 1 << 20;
const energyNames = ["energies", "energy", "wb97x_dz.energy", "wb97x_tz.energy"];
const forceNames = ["forces", "wb97x_dz.forces"];

/** Whether these are the datasets of a group with molecules. */
export function isMolecule(keys: readonly string[]): boolean {
  return keys.includes("coordinates") && (keys.includes("species") || keys.includes("atomic_numbers"));
}

/** Of more groups than this in one, a sample looks into as many spread over them: each costs a good part of a millisecond. */
const mostLookedInto = 128;
/** Frames that are then read of each, on average: each takes a third of a millisecond. */
const framesOfEach = 2;

/** A group with molecules. */
interface MoleculeGroup {
  readonly group: string;
  readonly keys: readonly string[];
  /** Groups of its kind, of which it alone was looked into: 1 for all of them unless `most` left some out. */
  readonly standsFor: number;
}

/** Groups with molecules, depth first, in the order of their names; at most `most` of those in one group. */
function* molecules(
  file: Hdf5File,
  at: string,
  most = Infinity,
  standsFor = 1,
  depth = 0,
): Generator<MoleculeGroup> {
  const keys = file.keys(at);
  if (isMolecule(keys)) yield { group: at, keys, standsFor };
  else if (depth < maxDepth) {
    const names = naturally(keys);
    const chosen = spreadOver(names.length, most).map((k) => names[k]);
    for (const key of chosen) {
      const inner = at === "" ? key : `${at}/${key}`;
      if (file.isGroup(inner))
        yield* molecules(file, inner, most, (standsFor * names.length) / chosen.length, depth + 1);
    }
  }
}

/** `x-10` comes after `x-9`. */
function naturally(keys: readonly string[]): string[] {
  return [...keys].sort(new Intl.Collator("en", { numeric: true }).compare);
}

function holdsMolecules(path: string): boolean {
  const [file, group] = splitHdf5Path(path);
  for (const { keys } of withHdf5(file, (opened) => molecules(opened, group ?? ""))) return keys.length > 0;
  return false;
}

/** How many molecules a group has, before they are read. */
interface MoleculeSet extends MoleculeGroup {
  readonly frames: number;
  readonly atoms: number;
}

function* moleculeSets(file: Hdf5File, at: string): Generator<MoleculeSet> {
  for (const found of molecules(file, at, mostLookedInto)) {
    const [frames = 0, atoms = 0] = file.dataset(found.group, "coordinates")!.shape;
    yield { ...found, frames, atoms };
  }
}

function* readGroups(file: Hdf5File, at: string): Generator<Structure> {
  for (const { group, keys } of molecules(file, at)) yield* readGroup(file, group, keys);
}

/** The frames whose numbers among all are `chosen`, in order. */
function* readChosen(
  file: Hdf5File,
  sets: readonly MoleculeSet[],
  chosen: readonly number[],
): Generator<Structure> {
  let start = 0;
  let next = 0;
  for (const { group, keys, frames } of sets) {
    const first = start;
    start += frames;
    const inside: number[] = [];
    for (; chosen[next] < start; next++) inside.push(chosen[next] - first);
    if (inside.length > 0) yield* readGroup(file, group, keys, inside);
  }
}

/** Frames that are read at once: [first, end]. */
function blocksOf(frames: number, atoms: number): [number, number][] {
  const block = Math.max(1, Math.floor(blockNumbers / Math.max(1, 3 * atoms)));
  return Array.from({ length: Math.ceil(frames / block) }, (_, k) => [
    k * block,
    Math.min(frames, (k + 1) * block),
  ]);
}

function* readGroup(
  file: Hdf5File,
  group: string,
  keys: readonly string[],
  chosen?: readonly number[],
): Generator<Structure> {
  const { atomicNumbers, names } = readSpecies(file, group, keys);
  const atoms = atomicNumbers.length;
  const coordinates = file.dataset(group, "coordinates")!;
  const [frames, rows, width] = coordinates.shape;
  if (coordinates.shape.length !== 3 || rows !== atoms || width !== 3)
    throw file.bad(group, `coordinates [${coordinates.shape.join(", ")}] do not fit ${atoms} atoms`);
  const used = new Set(["coordinates", "species", "atomic_numbers"]);
  const shared = new Map<string, Field>();
  const perFrame: [string, Hdf5Dataset][] = [];
  for (const name of keys) {
    const dataset = used.has(name) ? null : file.dataset(group, name);
    if (dataset === null) continue;
    const texts = dataset.texts();
    if (texts !== null) shared.set(name, textField(texts.join("")));
    else if (dataset.shape[0] === frames) perFrame.push([name, dataset]);
  }
  const found = perFrame.map(([name]) => name);
  const energyKey = energyNames.find((name) => found.includes(name)) ?? null;
  const forcesKey = forceNames.find((name) => found.includes(name)) ?? null;
  const blocks = chosen?.map((frame): [number, number] => [frame, frame + 1]) ?? blocksOf(frames, atoms);
  for (const [start, end] of blocks) {
    const positions = coordinates.numbers(start, end);
    const read = perFrame.map(([name, dataset]) => [name, dataset, dataset.numbers(start, end)] as const);
    for (let f = 0; f < end - start; f++) {
      const fields = frameFields(read, f, atoms);
      const energy = fields.info.get(energyKey ?? "")?.data[0] ?? null;
      const forces = fields.arrays.get(forcesKey ?? "")?.data ?? null;
      if (energyKey !== null && isOwn(energyKey)) fields.info.delete(energyKey);
      if (forcesKey === "forces") fields.arrays.delete(forcesKey);
      yield makeStructure({
        atomicNumbers,
        species: names,
        positions: positions.slice(3 * atoms * f, 3 * atoms * (f + 1)),
        energy: energy as number | null,
        forces: forces as Float64Array | null,
        energyKey: energyKey === null || isOwn(energyKey) ? null : energyKey,
        forcesKey: forcesKey === "forces" ? null : forcesKey,
        info: new Map([...fields.info, ...shared]),
        arrays: fields.arrays,
        keys,
      });
    }
  }
}

/** Names that mean the energy itself. */
function isOwn(name: string): boolean {
  return name === "energy" || name === "energies";
}

function frameFields(
  read: readonly (readonly [string, Hdf5Dataset, Float64Array])[],
  frame: number,
  atoms: number,
): { info: Map<string, Field>; arrays: Map<string, Field> } {
  const info = new Map<string, Field>();
  const arrays = new Map<string, Field>();
  for (const [name, { shape, isInteger }, data] of read) {
    const inner = shape.slice(1);
    const width = inner.reduce((a, b) => a * b, 1);
    const row = data.slice(frame * width, (frame + 1) * width);
    if (width === 1)
      info.set(name, inner.length === 0 && !isInteger ? realField(row[0]) : single(row, isInteger));
    else
      (looksPerAtom(name, inner, atoms) ? arrays : info).set(name, {
        kind: isInteger ? "integer" : "real",
        shape: inner,
        data: row,
      });
  }
  return { info, arrays };
}

function single(data: Float64Array, isInteger: boolean): Field {
  return { kind: isInteger ? "integer" : "real", shape: [], data };
}

function readSpecies(
  file: Hdf5File,
  group: string,
  keys: readonly string[],
): { atomicNumbers: Int32Array; names: readonly string[] | null } {
  if (keys.includes("atomic_numbers")) {
    const numbers = Int32Array.from(file.dataset(group, "atomic_numbers")!.numbers());
    if (numbers.every((z) => z > 0 && z <= 118)) return { atomicNumbers: numbers, names: null };
    throw file.bad(group, "atomic_numbers holds one that is not in 1 to 118");
  }
  const names = file.dataset(group, "species")!.texts();
  if (names === null) throw file.bad(group, "species holds no texts");
  const atomicNumbers = Int32Array.from(names, (name) => atomicNumberOf(name.trim()) ?? 0);
  if (!atomicNumbers.includes(0)) return { atomicNumbers, names: null };
  throw file.bad(
    group,
    `species names ${JSON.stringify(names[atomicNumbers.indexOf(0)].slice(0, 20))}, no element`,
  );
}
