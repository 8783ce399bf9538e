import { existsSync, readdirSync, statSync } from "node:fs";
import { totalmem } from "node:os";
import { basename, join, resolve } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { checkCells, checkFinite, checkFloat, countFrames } from "./deepmd-npy-check.js";
import { readTypeFiles, remapTypes, type TypeNaming } from "./deepmd-npy-types.js";
import { labelWidth } from "./deepmd-system.js";
import type { DeepmdLabel, DeepmdSystem, LabelName } from "./deepmd-system.js";
import { readNpyFloat64Into, readNpyHeader, readNpyInt32 } from "./npy.js";
import { fileError } from "./read-file.js";

/** How to read a system. */
export interface DeepmdReadOptions extends TypeNaming {
  /** Labels to load; all of them by default. What is not loaded is not checked either. */
  readonly labels?: readonly LabelName[];
  /** Numbers of `fparam` per frame and of `aparam` per atom the model expects: 0 skips the file, absent takes any. */
  readonly fparam?: number;
  readonly aparam?: number;
  /** Take numbers that are not finite and cells without volume as they are, to say where they are. */
  readonly unchecked?: boolean;
}

/** All label names, in file order. */
export const labelNames: readonly LabelName[] = [
  "energy",
  "force",
  "virial",
  "atom_ener",
  "atom_pref",
  "fparam",
  "aparam",
];

interface LabelFile {
  readonly path: string;
  readonly text: string;
  /** Numbers per frame in the file (`atom_pref`: one per atom, three after loading). */
  readonly width: number;
}

interface SetPlan {
  /** Folder for messages: system/set. */
  readonly label: string;
  readonly folder: string;
  readonly frames: number;
  readonly mixed: boolean;
  readonly labels: ReadonlyMap<LabelName, LabelFile>;
}

/**
 * Reads a DeePMD system folder (`deepmd/npy` or `deepmd/npy/mixed`): all `set.*` in name order. Headers of all files
 * are checked against each other before memory is taken, then every number is checked.
 *
 * @throws AtomgradError naming the file and the frame: FILE (missing), SHAPE, DTYPE, FORMAT, NUMERIC (NaN), VALUE
 * (unknown element, cell without volume)
 */
export function readDeepmdSystem(folder: string, options: DeepmdReadOptions = {}): DeepmdSystem {
  const label = basename(resolve(folder));
  checkFolder(folder, label);
  const files = readTypeFiles(folder, label);
  const atoms = files.types.length;
  const periodic = !existsSync(join(folder, "nopbc"));
  const plans = listSets(folder, label).map((set) => planSet(folder, label, set, atoms, periodic, options));
  const mixed = checkMixed(plans, files.names, label);
  const frames = plans.reduce((sum, plan) => sum + plan.frames, 0);
  checkMemory(plans, frames, atoms, label);
  return {
    name: folder,
    typeMap: options.typeMap ?? files.names,
    frameCount: frames,
    atomCount: atoms,
    mixed,
    types: mixed
      ? readMixedTypes(plans, files.names, frames, atoms, label, options)
      : remapped(files, label, options),
    positions: readPositions(plans, atoms, options),
    cells: periodic ? readCells(plans, options) : null,
    labels: readLabels(plans, frames, atoms, options),
    setSizes: plans.map((plan) => plan.frames),
  };
}

function checkFolder(folder: string, label: string): void {
  let isFolder: boolean;
  try {
    isFolder = statSync(folder).isDirectory();
  } catch (error) {
    throw fileError(error, folder, "read", label);
  }
  if (!isFolder)
    throw new AtomgradError("FILE", `${label}: "${folder}" is not a folder; name a DeePMD system folder`);
}

function listSets(folder: string, label: string): string[] {
  const isFolder = (name: string): boolean =>
    statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory() ?? false;
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw fileError(error, folder, "read", label);
  }
  const found = names.filter((name) => name.startsWith("set.") && isFolder(name)).sort();
  if (found.length > 0) return found;
  throw new AtomgradError(
    "FILE",
    `${label}: holds no set.* folder with coord.npy; check that this is a DeePMD system`,
  );
}

function planSet(
  folder: string,
  label: string,
  set: string,
  atoms: number,
  periodic: boolean,
  options: DeepmdReadOptions,
): SetPlan {
  const here = join(folder, set);
  const text = `${label}/${set}`;
  const coord = readNpyHeader(join(here, "coord.npy"), `${text}/coord.npy`);
  checkFloat(coord, `${text}/coord.npy`);
  const frames = countFrames(coord, `${text}/coord.npy`, 3 * atoms, `the ${atoms} atoms of type.raw`, null);
  if (frames === 0) throw new AtomgradError("SHAPE", `${text}/coord.npy: holds no frames; remove this set`);
  if (periodic) {
    if (!existsSync(join(here, "box.npy"))) {
      throw new AtomgradError(
        "FILE",
        `${text}/box.npy: no such file; it is needed for periodic frames; for open boundaries put an empty file "nopbc" into ${label}`,
      );
    }
    const box = readNpyHeader(join(here, "box.npy"), `${text}/box.npy`);
    checkFloat(box, `${text}/box.npy`);
    countFrames(box, `${text}/box.npy`, 9, `the ${frames} frames of coord.npy`, frames);
  }
  const labels = new Map<LabelName, LabelFile>();
  for (const name of options.labels ?? labelNames) {
    const file = planLabel(here, text, name, frames, atoms, options);
    if (file !== null) labels.set(name, file);
  }
  return { label: text, folder: here, frames, mixed: existsSync(join(here, "real_atom_types.npy")), labels };
}

function planLabel(
  folder: string,
  text: string,
  name: LabelName,
  frames: number,
  atoms: number,
  options: DeepmdReadOptions,
): LabelFile | null {
  const file = [name, name.replace(/^atom_/, "atomic_")]
    .map((stem) => `${stem}.npy`)
    .find((candidate) => existsSync(join(folder, candidate)));
  const expected = options[name as "fparam" | "aparam"];
  if (file === undefined || expected === 0) return null;
  const label = `${text}/${file}`;
  const header = readNpyHeader(join(folder, file), label);
  checkFloat(header, label);
  const perAtom = name === "aparam" ? atoms : 1;
  const fixed = name === "atom_pref" ? atoms : labelWidth(name, atoms);
  const width =
    fixed ?? (expected !== undefined ? expected * perAtom : Math.max(perAtom, header.count / frames));
  if (!Number.isInteger(width / perAtom)) {
    throw new AtomgradError(
      "SHAPE",
      `${label}: ${header.count} numbers cannot be shared out evenly to ${frames} frames of ${atoms} atoms`,
    );
  }
  const asker =
    fixed === null && expected !== undefined
      ? `${frames} frames and the model's numb_${name} ${expected}`
      : `${frames} frames of ${atoms} atoms`;
  countFrames(header, label, width, asker, frames);
  return { path: join(folder, file), text: label, width };
}

function checkMixed(plans: readonly SetPlan[], names: readonly string[] | null, label: string): boolean {
  const mixed = plans[0].mixed;
  const odd = plans.find((plan) => plan.mixed !== mixed);
  if (odd !== undefined) {
    const without = mixed ? odd : plans[0];
    throw new AtomgradError(
      "FILE",
      `${without.label}/real_atom_types.npy: no such file, but other sets of ${label} have one; give it in every set or in none`,
    );
  }
  if (mixed && names === null) {
    throw new AtomgradError(
      "FILE",
      `${label}/type_map.raw: no such file; mixed types (real_atom_types.npy) need it to name the elements`,
    );
  }
  return mixed;
}

/** A set whose arrays cannot fit this machine is refused with a sentence, not by running out of memory. */
function checkMemory(plans: readonly SetPlan[], frames: number, atoms: number, label: string): void {
  const perFrame =
    3 * atoms +
    9 +
    Math.max(...plans.map((plan) => [...plan.labels.values()].reduce((w, f) => w + f.width, 0)));
  const bytes = 8 * frames * perFrame;
  if (bytes <= totalmem()) return;
  const gigabytes = (value: number): string => (value / 2 ** 30).toFixed(1);
  throw new AtomgradError(
    "FORMAT",
    `${label}: its ${frames} frames need ${gigabytes(bytes)} GiB, this machine has ${gigabytes(totalmem())}; split the system`,
  );
}

function remapped(
  files: { types: Int32Array; names: readonly string[] | null },
  label: string,
  to: TypeNaming,
): Int32Array {
  remapTypes(files.types, files.names, to, label, (entry) => `${label}/type.raw: atom ${entry}`);
  return files.types;
}

function readMixedTypes(
  plans: readonly SetPlan[],
  names: readonly string[] | null,
  frames: number,
  atoms: number,
  label: string,
  options: DeepmdReadOptions,
): Int32Array {
  const types = new Int32Array(frames * atoms);
  let start = 0;
  for (const plan of plans) {
    const text = `${plan.label}/real_atom_types.npy`;
    const path = join(plan.folder, "real_atom_types.npy");
    countFrames(
      readNpyHeader(path, text),
      text,
      atoms,
      `${plan.frames} frames of ${atoms} atoms`,
      plan.frames,
    );
    const { data } = readNpyInt32(path, text);
    const place = (entry: number): string =>
      `${text}: frame ${Math.floor(entry / atoms)}, atom ${entry % atoms}`;
    remapTypes(data, names, options, label, place);
    types.set(data, start * atoms);
    start += plan.frames;
  }
  return types;
}

/** One npy file of every set, one after the other: [frames, width]; `check` is given the numbers of a set and their file. */
function readSets(
  plans: readonly SetPlan[],
  file: string,
  width: number,
  check: (part: Float64Array, text: string) => void,
): Float64Array {
  const out = new Float64Array(plans.reduce((sum, plan) => sum + plan.frames, 0) * width);
  let start = 0;
  for (const plan of plans) {
    const part = out.subarray(start, (start += plan.frames * width));
    const text = `${plan.label}/${file}`;
    readNpyFloat64Into(part, join(plan.folder, file), text);
    check(part, text);
  }
  return out;
}

function readPositions(
  plans: readonly SetPlan[],
  atoms: number,
  { unchecked }: DeepmdReadOptions,
): Float64Array {
  return readSets(plans, "coord.npy", 3 * atoms, (part, text) => {
    if (unchecked !== true) checkFinite(part, 3 * atoms, 3, text);
  });
}

function readCells(plans: readonly SetPlan[], { unchecked }: DeepmdReadOptions): Float64Array {
  return readSets(plans, "box.npy", 9, (part, text) => {
    if (unchecked === true) return;
    checkFinite(part, 9, 0, text);
    checkCells(part, text);
  });
}

function readLabels(
  plans: readonly SetPlan[],
  frames: number,
  atoms: number,
  options: DeepmdReadOptions,
): Partial<Record<LabelName, DeepmdLabel>> {
  const labels: Partial<Record<LabelName, DeepmdLabel>> = {};
  for (const name of labelNames) {
    const files = plans.map((plan) => plan.labels.get(name));
    const first = files.find((file) => file !== undefined);
    if (first === undefined) continue;
    const odd = files.find((file) => file !== undefined && file.width !== first.width);
    if (odd !== undefined) {
      throw new AtomgradError(
        "SHAPE",
        `${odd.text}: ${odd.width} numbers a frame, but ${first.text} has ${first.width}; give every set the same`,
      );
    }
    labels[name] = readLabel(name, plans, first.width, frames, atoms, options);
  }
  return labels;
}

function readLabel(
  name: LabelName,
  plans: readonly SetPlan[],
  fileWidth: number,
  frames: number,
  atoms: number,
  { unchecked }: DeepmdReadOptions,
): DeepmdLabel {
  const repeat = name === "atom_pref" ? 3 : 1;
  const width = fileWidth * repeat;
  const data = new Float64Array(frames * width);
  const found = new Uint8Array(frames);
  const atomWidth =
    name === "force"
      ? 3
      : name === "atom_ener" || name === "atom_pref"
        ? 1
        : name === "aparam"
          ? width / atoms
          : 0;
  let start = 0;
  for (const plan of plans) {
    const file = plan.labels.get(name);
    if (file !== undefined) {
      const part = data.subarray(start * width, (start + plan.frames) * width);
      const raw = repeat === 1 ? part : new Float64Array(plan.frames * fileWidth);
      readNpyFloat64Into(raw, file.path, file.text);
      if (unchecked !== true) checkFinite(raw, fileWidth, atomWidth, file.text);
      if (repeat > 1) for (let k = 0; k < part.length; k++) part[k] = raw[Math.floor(k / repeat)];
      found.fill(1, start, start + plan.frames);
    }
    start += plan.frames;
  }
  return { width, data, found };
}
