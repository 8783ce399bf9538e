import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { writeFilesAtomicSync } from "./atomic-write.js";
import type { FileToWrite } from "./atomic-write.js";
import { labelNames } from "./deepmd-read-options.js";
import type { DeepmdSystem } from "./deepmd-system.js";
import { encodeNpy } from "./npy.js";
import type { NpyData } from "./npy-arrays.js";

/**
 * Writes a system as a DeePMD folder (`deepmd/npy`, or `deepmd/npy/mixed` when it has types per frame): float64
 * arrays, one `set.*` per entry of `setSizes`, `nopbc` for open boundaries. All files appear or none.
 *
 * @throws AtomgradError FILE where the folder already holds a system: its old sets would be mixed with the new ones
 */
export function writeDeepmdSystem(folder: string, system: DeepmdSystem): void {
  if (
    existsSync(folder) &&
    readdirSync(folder).some((name) => name === "type.raw" || name.startsWith("set."))
  ) {
    throw new AtomgradError(
      "FILE",
      `${basename(folder)}: "${folder}" already holds a system; choose a new folder`,
    );
  }
  writeFilesAtomicSync(deepmdSystemFiles(folder, system));
}

/** The files `writeDeepmdSystem` writes. */
export function deepmdSystemFiles(folder: string, system: DeepmdSystem): FileToWrite[] {
  const { atomCount: atoms, mixed, typeMap } = system;
  if (mixed && typeMap === null) {
    throw new AtomgradError(
      "VALUE",
      `${basename(folder)}: a system with types per frame needs a type map to be written`,
    );
  }
  const types = mixed ? new Int32Array(atoms) : system.types;
  const files: FileToWrite[] = [{ path: join(folder, "type.raw"), content: lines(types) }];
  if (typeMap !== null) files.push({ path: join(folder, "type_map.raw"), content: lines(typeMap) });
  if (system.cells === null) files.push({ path: join(folder, "nopbc"), content: "" });
  let start = 0;
  system.setSizes.forEach((size, k) => {
    files.push(...setFiles(join(folder, `set.${String(k).padStart(3, "0")}`), system, start, start + size));
    start += size;
  });
  return files;
}

function setFiles(folder: string, system: DeepmdSystem, start: number, end: number): FileToWrite[] {
  const { atomCount: atoms, cells, labels, mixed, positions, types } = system;
  const file = (name: string, data: NpyData, width: number): FileToWrite => {
    const part = data.subarray(start * width, end * width);
    return { path: join(folder, name), content: encodeNpy({ shape: [end - start, width], data: part }) };
  };
  const files = [file("coord.npy", positions, 3 * atoms)];
  if (cells !== null) files.push(file("box.npy", cells, 9));
  if (mixed) files.push(file("real_atom_types.npy", types, atoms));
  for (const name of labelNames) {
    const label = labels[name];
    if (label === undefined || label.found[start] === 0) continue;
    if (name === "atom_pref") files.push(file("atom_pref.npy", everyThird(label.data), atoms));
    else files.push(file(`${name}.npy`, label.data, label.width));
  }
  return files;
}

/** Prefactors are stored once per atom, and held once per force component. */
function everyThird(data: Float64Array): Float64Array {
  return Float64Array.from({ length: data.length / 3 }, (_, k) => data[3 * k]);
}

function lines(values: Iterable<string | number>): string {
  return [...values, ""].join("\n");
}
