import { existsSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { AtomgradError } from "../../tensor/error.js";
import { readDeepmdSystem } from "../deepmd-npy.js";
import { frameTypes, type DeepmdSystem } from "../deepmd-system.js";
import { findDeepmdSystems } from "../deepmd-systems.js";
import { atomicNumberOf } from "../elements.js";
import { refuseComplex } from "../npy-header.js";
import { readNpy, type NpyArray } from "../npy.js";
import { makeStructure, pbcOf, type Field, type Structure } from "../structure.js";
import { writeDeepmdMixed, writeDeepmdNpy } from "./deepmd-write.js";
import { sampleDeepmd } from "./deepmd-sample.js";
import type { FileStart, StructureFormat } from "./format.js";

/** System folders of DeePMD-kit; a folder of such folders is read in the order of their paths. */
export const deepmdNpy: StructureFormat = {
  name: "deepmd-npy",
  extensions: [],
  electronVolts: true,
  sniff: (start) => kindOf(start) === "npy",
  read: (path) => readSystems(path, false),
  describe: (path) => readSystems(path, true),
  sample: (path, count) => sampleDeepmd(systemFolders(path), count),
  write: (path, structures, options) => writeDeepmdNpy(path, structures, options),
};

/** The same with types for every frame (`real_atom_types.npy`). */
export const deepmdMixed: StructureFormat = {
  name: "deepmd-mixed",
  extensions: [],
  electronVolts: true,
  sniff: (start) => kindOf(start) === "mixed",
  read: (path) => readSystems(path, false),
  describe: (path) => readSystems(path, true),
  sample: (path, count) => sampleDeepmd(systemFolders(path), count),
  write: (path, structures, options) => writeDeepmdMixed(path, structures, options),
};

/** Files of a set that are read by name; all others are fields of their own. */
const known = new Set(["coord", "box", "energy", "force", "virial", "real_atom_types"]);

function kindOf({ isFolder, path, entries }: FileStart): "npy" | "mixed" | null {
  if (!isFolder) return null;
  let folder = path;
  let names = entries;
  for (let depth = 0; depth < 4 && !names.includes("type.raw"); depth++) {
    const below = names.find((name) => existsSync(join(folder, name, "type.raw"))) ?? names[0];
    if (below === undefined) return null;
    folder = join(folder, below);
    try {
      names = readdirSync(folder).sort();
    } catch {
      return null;
    }
  }
  if (!names.includes("type.raw")) return null;
  const set = names.find((name) => name.startsWith("set."));
  return set !== undefined && existsSync(join(folder, set, "real_atom_types.npy")) ? "mixed" : "npy";
}

function systemFolders(path: string): readonly string[] {
  return existsSync(join(path, "type.raw")) ? [path] : findDeepmdSystems(path);
}

function* readSystems(path: string, unchecked: boolean): Generator<Structure> {
  for (const folder of systemFolders(path)) yield* readSystem(folder, unchecked);
}

function* readSystem(folder: string, unchecked: boolean): Generator<Structure> {
  const system = readDeepmdSystem(folder, { labels: ["energy", "force", "virial"], unchecked });
  const extras = readExtras(folder, system);
  const { energy, force, virial } = system.labels;
  const keys = [
    "coord",
    "type",
    ...(system.mixed ? ["real_atom_types"] : []),
    ...(system.cells === null ? [] : ["box"]),
  ];
  keys.push(...Object.keys(system.labels), ...extras.map(({ name }) => name));
  for (let frame = 0; frame < system.frameCount; frame++) {
    const types = frameTypes(system, frame);
    const atoms = Array.from(types.keys()).filter((atom) => types[atom] >= 0);
    const names = atoms.map((atom) => system.typeMap?.[types[atom]] ?? `Type_${types[atom]}`);
    const atomicNumbers = Int32Array.from(names, (name) => atomicNumberOf(name) ?? 0);
    const plain = names.every((name, k) => atomicNumbers[k] > 0 && name !== "D" && name !== "T");
    yield makeStructure({
      atomicNumbers,
      species: plain ? null : names,
      positions: pick(system.positions, frame, system.atomCount, atoms, 3),
      cell: system.cells?.slice(9 * frame, 9 * frame + 9) ?? null,
      pbc: pbcOf(system.cells !== null),
      energy: energy?.found[frame] ? energy.data[frame] : null,
      forces: force?.found[frame] ? pick(force.data, frame, system.atomCount, atoms, 3) : null,
      virial: virial?.found[frame] ? virial.data.slice(9 * frame, 9 * frame + 9) : null,
      ...extraFields(extras, frame, system.atomCount, atoms),
      keys,
    });
  }
}

/** The rows of the real atoms of a frame. */
function pick(
  data: Float64Array,
  frame: number,
  count: number,
  atoms: readonly number[],
  width: number,
): Float64Array {
  const part = data.subarray(frame * count * width, (frame + 1) * count * width);
  if (atoms.length === count) return part.slice();
  return Float64Array.from(atoms.flatMap((atom) => [...part.subarray(atom * width, (atom + 1) * width)]));
}

/** A file of a set that DeePMD does not define, or that only some models use, over all sets. */
interface Extra {
  readonly name: string;
  /** [first frame, frames, array] of each set that has it. */
  readonly parts: readonly (readonly [number, number, NpyArray])[];
}

function readExtras(folder: string, system: DeepmdSystem): Extra[] {
  const sets = readdirSync(folder)
    .filter((name) => name.startsWith("set.") && existsSync(join(folder, name, "coord.npy")))
    .sort();
  const parts = new Map<string, [number, number, NpyArray][]>();
  let start = 0;
  sets.forEach((set, k) => {
    const frames = system.setSizes[k];
    for (const file of readdirSync(join(folder, set)).sort()) {
      const name = file.endsWith(".npy") ? file.slice(0, -4) : "";
      if (name === "" || known.has(name)) continue;
      const array = readNpy(join(folder, set, file));
      const label = `${basename(resolve(folder))}/${set}/${file}`;
      refuseComplex(array.dtype, label);
      if (array.data.length % frames !== 0) {
        throw new AtomgradError(
          "SHAPE",
          `${label}: ${array.data.length} numbers cannot be shared out to ${frames} frames`,
        );
      }
      parts.set(name, [...(parts.get(name) ?? []), [start, frames, array]]);
    }
    start += frames;
  });
  return [...parts].map(([name, list]) => ({ name, parts: list }));
}

function extraFields(
  extras: readonly Extra[],
  frame: number,
  count: number,
  atoms: readonly number[],
): Pick<Structure, "info" | "arrays"> {
  const info = new Map<string, Field>();
  const arrays = new Map<string, Field>();
  for (const { name, parts } of extras) {
    const part = parts.find(([start, frames]) => frame >= start && frame < start + frames);
    if (part === undefined) continue;
    const [start, frames, { dtype, data }] = part;
    const width = data.length / frames;
    const kind = dtype === "bool" ? "boolean" : dtype.startsWith("f") ? "real" : "integer";
    const row = data.subarray((frame - start) * width, (frame - start + 1) * width);
    if (/^atom(?:ic)?_|^aparam$/.test(name) && count > 0 && width % count === 0) {
      const each = width / count;
      const items = atoms.flatMap((atom) =>
        Array.from({ length: each }, (_, k) => Number(row[atom * each + k])),
      );
      arrays.set(name, {
        kind,
        shape: each === 1 ? [atoms.length] : [atoms.length, each],
        data: Float64Array.from(items),
      });
    } else info.set(name, { kind, shape: width === 1 ? [] : [width], data: row.slice() });
  }
  return { info, arrays };
}
