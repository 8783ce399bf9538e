import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { type FrameRecord, systemsOfFrames } from "./deepmd-frames.js";
import { typeMapNameOf, type TypeNaming } from "./deepmd-npy-types.js";
import type { DeepmdReadOptions } from "./deepmd-read-options.js";
import type { DeepmdSystem, LabelName } from "./deepmd-system.js";
import { elementSymbols } from "./elements.js";
import { DeepmdLmdb } from "./records/deepmd-lmdb.js";
import type { Field, Structure } from "./structure.js";

/** DeePMD-kit's LMDB data are folders ending in `.lmdb` or holding `data.mdb`. */
export function isLmdbPath(path: string): boolean {
  return /\.lmdb\/?$/.test(path) || existsSync(join(path, "data.mdb"));
}

/**
 * The systems of DeePMD-kit's LMDB data (`x.lmdb`): frames of the same number of atoms and labels together. Types are
 * renumbered by name to the model's.
 *
 * Errors: FILE, FORMAT, NUMERIC, and VALUE for types the model does not know.
 */
export function readDeepmdLmdb(path: string, options: DeepmdReadOptions = {}): DeepmdSystem[] {
  const label = basename(path);
  const file = new DeepmdLmdb(path);
  try {
    const names = [...(options.typeMap ?? [])];
    const frames = Array.from({ length: file.length }, (_, index): FrameRecord => {
      const structure = file.structure(index);
      const types = numbered(structure, names, options, `${label}, record ${index}`);
      const { cell, positions } = structure;
      return { types, positions, cell, labels: labelsOf(structure, options, `${label}, record ${index}`) };
    });
    if (frames.length === 0) throw new AtomgradError("FORMAT", `${label}: holds no frames`);
    return systemsOfFrames(path, label, names, frames);
  } finally {
    file.close();
  }
}

/** Type numbers of a frame's atoms; unknown names are added to `names` where no type map is given. */
function numbered(
  { atomicNumbers, species }: Structure,
  names: string[],
  to: TypeNaming,
  where: string,
): Int32Array {
  return Int32Array.from(atomicNumbers, (number, atom) => {
    if (number < 0) return -1;
    const name = species?.[atom] ?? elementSymbols[number - 1];
    const type = names.indexOf(name);
    if (type >= 0) return type;
    if (to.typeMap === undefined) return names.push(name) - 1;
    throw new AtomgradError(
      "VALUE",
      `${where}: atom ${atom} is "${name}", which is not in ${typeMapNameOf(to)} (${names.join(" ")}); add it there`,
    );
  });
}

function labelsOf(
  structure: Structure,
  { aparam, fparam }: DeepmdReadOptions,
  where: string,
): Partial<Record<LabelName, Float64Array>> {
  const { energy, forces, virial, arrays, info } = structure;
  const atoms = structure.atomicNumbers.length;
  const field = (name: string, width: number | undefined): Float64Array | undefined => {
    const found = arrays.get(name) ?? info.get(name) ?? arrays.get(name.replace(/^atom_/, "atomic_"));
    if (found === undefined || width === 0) return undefined;
    const data = numbers(found);
    if (data !== null && (width === undefined || data.length === width)) return data;
    throw new AtomgradError(
      "SHAPE",
      `${where}: ${name} holds ${data?.length ?? 0} numbers; ${width ?? "numbers"} are needed`,
    );
  };
  const pref = field("atom_pref", atoms);
  const all: Partial<Record<LabelName, Float64Array | null | undefined>> = {
    energy: energy === null ? null : Float64Array.of(energy),
    force: forces,
    virial,
    atom_ener: field("atom_ener", atoms),
    atom_pref: pref && Float64Array.from({ length: 3 * atoms }, (_, k) => pref[Math.floor(k / 3)]),
    fparam: field("fparam", fparam),
    aparam: field("aparam", aparam === undefined ? undefined : aparam * atoms),
  };
  return Object.fromEntries(Object.entries(all).filter(([, data]) => data instanceof Float64Array));
}

function numbers({ data }: Field): Float64Array | null {
  return Array.isArray(data) ? null : Float64Array.from(data as ArrayLike<number | bigint>, Number);
}
