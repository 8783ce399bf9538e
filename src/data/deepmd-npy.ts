import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { checkCells, checkFinite, countFrames } from "./deepmd-npy-check.js";
import { checkFolder, checkMemory, checkMixed, listSets, planSet, type SetPlan } from "./deepmd-npy-plan.js";
import { readTypeFiles, remapTypes, type TypeNaming } from "./deepmd-npy-types.js";
import { type DeepmdReadOptions, labelNames } from "./deepmd-read-options.js";
import type { DeepmdLabel, DeepmdSystem, LabelName } from "./deepmd-system.js";
import { readNpy, readNpyFloat64Into, readNpyHeader, readNpyInt32 } from "./npy.js";

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
    readNumbersInto(part, join(plan.folder, file), text);
    check(part, text);
  }
  return out;
}

/** Whole numbers, too, where the plan let them pass. */
function readNumbersInto(target: Float64Array, path: string, text: string): void {
  if (readNpyHeader(path, text).dtype[0] === "f") readNpyFloat64Into(target, path, text);
  else target.set(Float64Array.from(readNpy(path).data as Int32Array, Number));
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
      readNumbersInto(raw, file.path, file.text);
      if (unchecked !== true) checkFinite(raw, fileWidth, atomWidth, file.text);
      if (repeat > 1) for (let k = 0; k < part.length; k++) part[k] = raw[Math.floor(k / repeat)];
      found.fill(1, start, start + plan.frames);
    }
    start += plan.frames;
  }
  return { width, data, found };
}
