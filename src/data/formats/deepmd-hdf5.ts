import { chosenHdf5Frames, deepmdHdf5Frames, type Hdf5Frame } from "../deepmd-hdf5.js";
import { atomicNumberOf } from "../elements.js";
import { isHdf5, loadHdf5, splitHdf5Path, withHdf5 } from "../hdf5.js";
import { makeStructure, pbcOf, type Field, type Structure } from "../structure.js";
import { affordable, spreadOver } from "../sampled-frames.js";
import { isMolecule } from "./ani-hdf5.js";
import type { StructureFormat } from "./format.js";

/** Systems of DeePMD-kit in an HDF5 file, group by group; `x.hdf5#/group` is one of them. */
export const deepmdHdf5: StructureFormat = {
  name: "deepmd-hdf5",
  extensions: [".hdf5", ".h5"],
  electronVolts: true,
  sniff: ({ path, isFolder, bytes }) => !isFolder && isHdf5(bytes) && holdsSystems(path),
  prepare: loadHdf5,
  read: readSystems,
  knowsSizes: true,
  sample: (path, count, limits) => {
    const { frames, chosen } = chosenHdf5Frames(path, (all, atoms) =>
      spreadOver(all, affordable(count, all, atoms, limits)),
    );
    return { frames, structures: [...chosen].map(structureOf) };
  },
};

/** Whether a group of the file, or the one that is named, holds a system; searched a few levels deep. */
function holdsSystems(path: string): boolean {
  const [file, group] = splitHdf5Path(path);
  const search = function* (opened: Parameters<Parameters<typeof withHdf5>[1]>[0]): Generator<boolean> {
    let level = [group ?? ""];
    for (let depth = 0; depth < 6 && level.length > 0; depth++) {
      const below: string[] = [];
      for (const at of level.slice(0, 200)) {
        const keys = opened.keys(at);
        if (keys.includes("type.raw")) yield true;
        // Hundreds of molecules stand beside each other, and no system among them.
        if (isMolecule(keys)) yield false;
        const inner = keys.slice(0, 200).map((key) => (at === "" ? key : `${at}/${key}`));
        below.push(...inner.filter((key) => opened.isGroup(key)));
      }
      level = below;
    }
  };
  for (const found of withHdf5(file, search)) return found;
  return false;
}

function* readSystems(path: string): Generator<Structure> {
  for (const frame of deepmdHdf5Frames(path)) yield structureOf(frame);
}

function structureOf({ types, positions, cell, labels, typeMap, mixed, extras }: Hdf5Frame): Structure {
  const count = types.length;
  const atoms = Array.from(types.keys()).filter((atom) => types[atom] >= 0);
  const names = atoms.map((atom) => typeMap?.[types[atom]] ?? `Type_${types[atom]}`);
  const atomicNumbers = Int32Array.from(names, (name) => atomicNumberOf(name) ?? 0);
  const plain = names.every((name, k) => atomicNumbers[k] > 0 && name !== "D" && name !== "T");
  const rows = (data: Float64Array, width: number): Float64Array =>
    atoms.length === count
      ? data.slice()
      : Float64Array.from(atoms.flatMap((atom) => [...data.subarray(atom * width, (atom + 1) * width)]));
  const info = new Map<string, Field>();
  const arrays = new Map<string, Field>();
  const { energy, force, virial, ...others } = labels;
  const named = Object.entries(others).map(
    ([name, data]) => [name, { data: data, isInteger: false }] as const,
  );
  for (const [name, { data, isInteger }] of [...named, ...extras]) {
    const kind = isInteger ? "integer" : "real";
    const width = data.length / count;
    if (/^atom(?:ic)?_|^aparam$/.test(name) && Number.isInteger(width))
      arrays.set(name, {
        kind,
        shape: width === 1 ? [atoms.length] : [atoms.length, width],
        data: rows(data, width),
      });
    else info.set(name, { kind, shape: data.length === 1 ? [] : [data.length], data });
  }
  return makeStructure({
    atomicNumbers,
    species: plain ? null : names,
    positions: rows(positions, 3),
    cell: cell?.slice() ?? null,
    pbc: pbcOf(cell !== null),
    energy: energy?.[0] ?? null,
    forces: force === undefined ? null : rows(force, 3),
    virial: virial?.slice() ?? null,
    info,
    arrays,
    keys: [
      ...["coord", "type"],
      ...(mixed ? ["real_atom_types"] : []),
      ...(cell === null ? [] : ["box"]),
      ...Object.keys(labels),
      ...extras.keys(),
    ],
  });
}
