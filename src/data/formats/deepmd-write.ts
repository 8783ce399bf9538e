import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { AtomgradError } from "../../tensor/error.js";
import { writeFilesAtomicSync, type FileToWrite } from "../atomic-write.js";
import { deepmdSystemFiles } from "../deepmd-npy-write.js";
import type { DeepmdLabel, DeepmdSystem, LabelName } from "../deepmd-system.js";
import { determinant } from "../../geometry/matrix3.js";
import { encodeNpy } from "../npy.js";
import type { Field, Structure } from "../structure.js";
import { virialOf } from "../virial.js";
import type { WriteOptions } from "./format.js";
import { speciesName } from "./species.js";

/**
 * Writes structures as `deepmd/npy`: one system where all have the same atoms in the same order, else one folder per
 * sequence of atoms, named by its formula. float64, `type_map.raw`, `nopbc` for open boundaries, atoms in their order.
 */
export function writeDeepmdNpy(path: string, structures: Iterable<Structure>, options: WriteOptions): void {
  const all = [...structures];
  const groups = new Map<string, Structure[]>();
  for (const structure of all) {
    const names = Array.from(structure.atomicNumbers, (_, k) => speciesName(structure, k));
    const key = `${isPeriodic(structure)} ${names.join(" ")}`;
    groups.set(key, [...(groups.get(key) ?? []), structure]);
  }
  const typeMap = typeMapOf(all, options);
  const lists = [...groups.values()];
  if (lists.length === 1) return writeSystems(path, [[path, lists[0]]], typeMap, false, options.onNote);
  const taken = new Map<string, number>();
  const named = lists.map((list): [string, Structure[]] => {
    const formula = formulaOf(list[0]);
    const count = taken.get(formula) ?? 0;
    taken.set(formula, count + 1);
    return [join(path, count === 0 ? formula : `${formula}.${count}`), list];
  });
  writeSystems(path, named, typeMap, false, options.onNote);
}

/** Writes structures as one `deepmd/npy/mixed` system in their order; smaller ones are filled up with virtual atoms (-1). */
export function writeDeepmdMixed(path: string, structures: Iterable<Structure>, options: WriteOptions): void {
  const all = [...structures];
  const odd = all.findIndex((structure) => isPeriodic(structure) !== isPeriodic(all[0]));
  if (odd >= 0)
    throw new AtomgradError(
      "VALUE",
      `${basename(path)}: frame ${odd} ${isPeriodic(all[odd]) ? "is" : "is not"} periodic, unlike frame 0; a system holds one kind, pick with --frames`,
    );
  writeSystems(path, [[path, all]], typeMapOf(all, options), true, options.onNote);
}

function writeSystems(
  path: string,
  systems: readonly (readonly [string, Structure[]])[],
  typeMap: string[],
  mixed: boolean,
  onNote: WriteOptions["onNote"],
): void {
  refuseSystems(path);
  const files: FileToWrite[] = [];
  for (const [folder, structures] of systems) {
    files.push(...deepmdSystemFiles(folder, systemOf(folder, structures, typeMap, mixed)));
    files.push(...extraFiles(folder, structures));
  }
  writeFilesAtomicSync(files);
  const all = systems.flatMap(([, structures]) => structures);
  noteLeftOut(path, all, files, onNote);
}

function isPeriodic({ pbc, cell }: Structure): boolean {
  const [a, b, c] = pbc;
  if (a === b && b === c && (!a || cell !== null)) return a;
  throw new AtomgradError(
    "VALUE",
    `deepmd: a structure is periodic in some directions only (or has no cell), DeePMD knows all or none; set pbc to "T T T" or "F F F"`,
  );
}

/** The given names, or those of the atoms in the order in which they appear. */
function typeMapOf(structures: readonly Structure[], { typeMap }: WriteOptions): string[] {
  const found = new Set<string>();
  for (const structure of structures)
    structure.atomicNumbers.forEach((_, atom) => found.add(speciesName(structure, atom)));
  if (typeMap === undefined) return [...found];
  const missing = [...found].find((name) => !typeMap.includes(name));
  if (missing === undefined) return [...typeMap];
  throw new AtomgradError(
    "CONFIG",
    `--type-map ${typeMap.join(",")}: the element ${missing} of the data is not in it; add it`,
  );
}

function formulaOf(structure: Structure): string {
  const counts = new Map<string, number>();
  structure.atomicNumbers.forEach((_, atom) => {
    const name = speciesName(structure, atom);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  return [...counts].map(([name, count]) => name.replace(/[^\w-]/g, "_") + count).join("");
}

function systemOf(
  folder: string,
  structures: readonly Structure[],
  typeMap: string[],
  mixed: boolean,
): DeepmdSystem {
  const frames = structures.length;
  const atoms = Math.max(...structures.map(({ atomicNumbers }) => atomicNumbers.length));
  if (atoms === 0)
    throw new AtomgradError("VALUE", `${basename(folder)}: structures without atoms cannot be written`);
  const types = new Int32Array((mixed ? frames : 1) * atoms).fill(-1);
  const typeOf = new Map(typeMap.map((name, k) => [name, k]));
  structures
    .slice(0, mixed ? frames : 1)
    .forEach((structure, f) =>
      structure.atomicNumbers.forEach(
        (_, k) => (types[f * atoms + k] = typeOf.get(speciesName(structure, k))!),
      ),
    );
  const perFrame = (width: number, of: (s: Structure) => ArrayLike<number>): Float64Array => {
    const out = new Float64Array(frames * width);
    structures.forEach((structure, f) => out.set(of(structure), f * width));
    return out;
  };
  const periodic = isPeriodic(structures[0]);
  if (periodic) checkCells(structures, folder);
  const labels: Partial<Record<LabelName, DeepmdLabel>> = {};
  const add = (name: LabelName, width: number, of: (s: Structure) => ArrayLike<number> | null): void => {
    const held = structures.filter((s) => of(s) !== null).length;
    if (held === 0) return;
    if (held < frames)
      throw new AtomgradError(
        "VALUE",
        `${basename(folder)}: ${held} of ${frames} structures have ${name}; a system needs it in all or none, pick with --frames`,
      );
    labels[name] = { width, data: perFrame(width, (s) => of(s)!), found: new Uint8Array(frames).fill(1) };
  };
  add("energy", 1, ({ energy }) => (energy === null ? null : [energy]));
  add("force", 3 * atoms, ({ forces }) => forces);
  add("virial", 9, virialOf);
  return {
    name: folder,
    typeMap,
    frameCount: frames,
    atomCount: atoms,
    mixed,
    types,
    positions: perFrame(3 * atoms, ({ positions }) => positions),
    cells: periodic ? perFrame(9, ({ cell }) => cell!) : null,
    labels,
    setSizes: [frames],
  };
}

function checkCells(structures: readonly Structure[], folder: string): void {
  const flat = structures.findIndex(({ cell }) => Math.abs(determinant(cell!)) < 1e-12);
  if (flat >= 0)
    throw new AtomgradError("VALUE", `${basename(folder)}: frame ${flat} has a cell without volume`);
}

/** A real number may stand in a file as a whole one. */
function isNumber(kind: Field["kind"]): boolean {
  return kind === "real" || kind === "integer";
}

/** Says which fields of the structures have no place in the files. */
function noteLeftOut(
  path: string,
  structures: readonly Structure[],
  files: readonly FileToWrite[],
  note: WriteOptions["onNote"],
): void {
  const written = new Set(files.map((file) => basename(file.path, ".npy")));
  const left = new Set<string>();
  for (const { info, arrays, energyKey } of structures)
    for (const name of [...info.keys(), ...arrays.keys()])
      if (!written.has(name) && name !== energyKey) left.add(name);
  if (left.size === 0) return;
  const shown = [...left].slice(0, 12).map((name) => name.slice(0, 40));
  note?.(
    `${basename(path)}: systems of DeePMD-kit hold numbers that every frame has, under names of letters and digits; left out: ${shown.join(", ")}${left.size > shown.length ? ", ..." : ""}`,
  );
}

/** Whether a folder is a system, whole or in part. */
function isSystem(folder: string): boolean {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return false;
  return readdirSync(folder).some((name) => name === "type.raw" || name.startsWith("set."));
}

/** Systems of earlier would be read together with those written now. Errors: FILE. */
function refuseSystems(path: string): void {
  const inside = existsSync(path) && !isSystem(path) ? readdirSync(path).map((name) => join(path, name)) : [];
  const found = [path, ...inside].find(isSystem);
  if (found !== undefined)
    throw new AtomgradError(
      "FILE",
      `${basename(path)}: "${found}" already holds a system; choose a new folder`,
    );
}

/** Numbers per frame that all structures have, in one shape: files of their own, as property models read them. */
function extraFiles(folder: string, structures: readonly Structure[]): FileToWrite[] {
  const files: FileToWrite[] = [];
  const [first] = structures;
  for (const [name, { kind, shape }] of first.info) {
    if (!/^[A-Za-z]\w*$/.test(name) || !isNumber(kind)) continue;
    if (
      /^(?:coord|box|energy|force|virial|real_atom_types|type|virials?)$/.test(name) ||
      name === first.energyKey
    )
      continue;
    const same = structures.every(({ info }) => {
      const field = info.get(name);
      return field !== undefined && isNumber(field.kind) && field.shape.join() === shape.join();
    });
    if (!same) continue;
    const rows = structures.map(({ info }) =>
      Array.from(info.get(name)!.data as ArrayLike<number | bigint>, Number),
    );
    const data = Float64Array.from(rows.flat());
    files.push({
      path: join(folder, "set.000", `${name}.npy`),
      content: encodeNpy({ shape: [rows.length, rows[0].length], data }),
    });
  }
  return files;
}
