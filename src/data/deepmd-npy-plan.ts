import { existsSync, readdirSync, statSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { checkFloat, checkReal, countFrames } from "./deepmd-npy-check.js";
import { type DeepmdReadOptions, labelNames } from "./deepmd-read-options.js";
import { type LabelName, labelWidth } from "./deepmd-system.js";
import { readNpyHeader } from "./npy.js";
import { fileError } from "./read-file.js";

/** A file of labels in a set. */
export interface LabelFile {
  readonly path: string;
  readonly text: string;
  /** Numbers per frame in the file (`atom_pref`: one per atom, three after loading). */
  readonly width: number;
}

/** What the headers of a set say of it. */
export interface SetPlan {
  /** Folder for messages: system/set. */
  readonly label: string;
  readonly folder: string;
  readonly frames: number;
  readonly mixed: boolean;
  readonly labels: ReadonlyMap<LabelName, LabelFile>;
}

/** Errors: FILE for what is no folder. */
export function checkFolder(folder: string, label: string): void {
  let isFolder: boolean;
  try {
    isFolder = statSync(folder).isDirectory();
  } catch (error) {
    throw fileError(error, folder, "read", label);
  }
  if (!isFolder)
    throw new AtomgradError("FILE", `${label}: "${folder}" is not a folder; name a DeePMD system folder`);
}

/** The `set.*` folders of a system in name order. Errors: FILE where there are none. */
export function listSets(folder: string, label: string): string[] {
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

/**
 * Reads the headers of a set and checks them against each other. @param atoms of `type.raw`
 *
 * Errors: FILE, SHAPE, DTYPE, FORMAT.
 */
export function planSet(
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
    checkReal(box, `${text}/box.npy`);
    countFrames(box, `${text}/box.npy`, 9, `the ${frames} frames of coord.npy`, frames);
  }
  const labels = new Map<LabelName, LabelFile>();
  for (const name of options.labels ?? labelNames) {
    const file = planLabel(here, text, name, frames, atoms, options);
    if (file !== null) labels.set(name, file);
  }
  return { label: text, folder: here, frames, mixed: existsSync(join(here, "real_atom_types.npy")), labels };
}

const mayBeWhole: ReadonlySet<LabelName> = new Set(["fparam", "aparam", "atom_pref"]);

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
  if (mayBeWhole.has(name)) checkReal(header, label);
  else checkFloat(header, label);
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

/** Whether the types change from frame to frame, in all sets or in none. Errors: FILE. */
export function checkMixed(
  plans: readonly SetPlan[],
  names: readonly string[] | null,
  label: string,
): boolean {
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
export function checkMemory(plans: readonly SetPlan[], frames: number, atoms: number, label: string): void {
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
