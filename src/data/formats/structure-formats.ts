import { AtomgradError } from "../../tensor/error.js";
import { aniHdf5 } from "./ani-hdf5.js";
import { aseTraj } from "./ase-traj.js";
import { cif } from "./cif.js";
import { csv } from "./csv.js";
import { deepmdHdf5 } from "./deepmd-hdf5.js";
import { deepmdMixed, deepmdNpy } from "./deepmd.js";
import { extxyz } from "./extxyz.js";
import type { StructureFormat } from "./format.js";
import { aselmdb, deepmdLmdb, ocpLmdb } from "./lmdb.js";
import { pygPickle, pygPt } from "./pyg.js";
import { jsonLines } from "./json-lines.js";
import { lammpsData } from "./lammps-data.js";
import { lammpsDump } from "./lammps-dump.js";
import { npz } from "./npz.js";
import { outcar } from "./outcar.js";
import { poscar } from "./poscar.js";
import { qm9Xyz } from "./qm9-xyz.js";
import { sdf } from "./sdf.js";
import { vasprun } from "./vasprun.js";
import { xdatcar } from "./xdatcar.js";
import { xyz } from "./xyz.js";

/** All structure formats. Where the name and the content of a file fit several, the first of them is taken. */
export const structureFormats: readonly StructureFormat[] = [
  extxyz,
  qm9Xyz,
  xyz,
  ocpLmdb,
  aselmdb,
  deepmdLmdb,
  pygPickle,
  pygPt,
  outcar,
  vasprun,
  xdatcar,
  poscar,
  cif,
  sdf,
  lammpsData,
  lammpsDump,
  aseTraj,
  jsonLines,
  csv,
  npz,
  deepmdNpy,
  deepmdMixed,
  deepmdHdf5,
  aniHdf5,
];

/** The format of a name given by a user. Errors: CONFIG with the names there are. */
export function formatNamed(name: string): StructureFormat {
  const found = structureFormats.find((format) => format.name === name.toLowerCase());
  if (found !== undefined) return found;
  const names = structureFormats.map((format) => format.name).join(", ");
  throw new AtomgradError(
    "CONFIG",
    `${JSON.stringify(name.slice(0, 40))} is not a structure format; known: ${names}`,
  );
}
