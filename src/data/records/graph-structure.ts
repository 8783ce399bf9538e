import { AtomgradError } from "../../tensor/error.js";
import { looksPerAtom } from "../looks-per-atom.js";
import { PickleFloat } from "../pickle/index.js";
import type { PickleValue } from "../pickle/index.js";
import { StridedArray } from "../strided-array.js";
import { makeStructure, pbcOf, tagsOf } from "../structure.js";
import type { Field, PbcFlags, Structure } from "../structure.js";
import { fieldOf } from "./fields.js";
import type { PygRecord } from "./pyg.js";

/** Attributes that describe the frame or its edges, however many atoms there are. */
const frameAttributes: ReadonlySet<string> = new Set([
  ...[
    "sid",
    "fid",
    "id",
    "total_frames",
    "natoms",
    "neighbors",
    "nads",
    "y",
    "y_init",
    "y_relaxed",
    "energy",
  ],
  ...["edge_index", "edge_attr", "cell_offsets", "distances", "edge_distance_vec", "stress", "virial"],
]);
/** The attribute that names all arrays of a record which are not per atom, however many atoms there are. */
export const frameFields = "atomgrad_frame_fields";

/** Attributes that become parts of the structure, not fields. */
const structureAttributes: ReadonlySet<string> = new Set([
  "pos",
  "cell",
  "atomic_numbers",
  "pbc",
  "tags",
  "fixed",
  frameFields,
]);
const maxAtomicNumber = 118;

const sources = new WeakMap<Structure, PygRecord>();

/** The record a structure was read from, so that it can be written again as it was. */
export function sourceRecord(structure: Structure): PygRecord | undefined {
  return sources.get(structure);
}

/**
 * The structure of a record in the layout of OCP: positions in angstrom, energies in eV. `energy`, else `y`, else
 * `y_init` is the energy; `forces`, else `force` the forces. A cell makes the structure periodic unless `pbc` says else.
 *
 * @param name names file and record in messages
 * @throws AtomgradError FORMAT or SHAPE, naming the attribute
 */
export function graphStructure(record: PygRecord, name: string): Structure {
  const reader = new RecordReader(record, name);
  const positions = reader.perAtom("pos", 3)!;
  const atoms = positions.length / 3;
  const atomicNumbers = reader.atomicNumbers(atoms);
  reader.checkCounts(atoms);
  const cell = reader.cell();
  const energyKey = ["energy", "y", "y_init"].find((key) => reader.scalar(key) !== null) ?? null;
  const forcesKey = ["forces", "force"].find((key) => record.has(key)) ?? null;
  const numbered = reader.perAtom("tags", 1);
  const tags = numbered === null ? null : tagsOf(numbered);
  const fixed = reader.perAtom("fixed", 1);
  const matrices = { stress: reader.matrix("stress"), virial: reader.matrix("virial") };
  const ofFrame = reader.texts(frameFields);
  const arrays = new Map<string, Field>();
  const info = new Map<string, Field>();
  for (const [key, value] of record) {
    if (structureAttributes.has(key) || key === "energy" || key === "forces") continue;
    if ((key === "stress" || key === "virial") && matrices[key] !== null) continue;
    const field = fieldOf(value);
    if (field === null) continue;
    const isPerAtom =
      ofFrame === null
        ? looksPerAtom(key, field.shape, atoms) && !frameAttributes.has(key)
        : field.shape[0] === atoms && !ofFrame.has(key);
    (isPerAtom ? arrays : info).set(key, field);
  }
  const wideTags = numbered !== null && tags === null ? fieldOf(record.get("tags")!) : null;
  if (wideTags !== null) arrays.set("tags", wideTags);
  const structure = makeStructure({
    atomicNumbers,
    positions,
    cell,
    pbc: reader.pbc(cell !== null),
    energy: energyKey === null ? null : reader.scalar(energyKey),
    forces: forcesKey === null ? null : reader.perAtom(forcesKey, 3),
    ...matrices,
    tags,
    fixed: fixed === null ? null : Uint8Array.from(fixed, (value) => Number(value !== 0)),
    arrays,
    info,
    energyKey: energyKey === "energy" ? null : energyKey,
    forcesKey: forcesKey === "forces" ? null : forcesKey,
    keys: [...record.keys()].filter((key) => key !== frameFields),
  });
  sources.set(structure, record);
  return structure;
}

class RecordReader {
  constructor(
    private readonly record: PygRecord,
    private readonly name: string,
  ) {}

  /** An attribute of `width` numbers per atom, shape [K] or [K, width]; null when the record lacks it. */
  perAtom(key: string, width: number): Float64Array | null {
    const value = this.record.get(key);
    if (value === undefined && key !== "pos") return null;
    if (!(value instanceof StridedArray)) throw this.bad(key, `is ${kindOf(value)}; an array is needed`);
    const { shape } = value;
    const fits =
      width === 1 ? shape.length === 1 || shape[1] === 1 : shape.length === 2 && shape[1] === width;
    if (!fits || shape.length > 2) {
      throw this.bad(
        key,
        `has shape [${shape.join(", ")}]; [natoms${width === 1 ? "" : `, ${width}`}] is needed`,
      );
    }
    return value.float64();
  }

  atomicNumbers(atoms: number): Int32Array {
    const values = this.perAtom("atomic_numbers", 1);
    if (values === null) throw this.bad("atomic_numbers", "is missing; OCP's records have it");
    return Int32Array.from(values, (value, k) => {
      if (Number.isInteger(value) && value >= 0 && value <= maxAtomicNumber) return value;
      throw this.bad("atomic_numbers", `of atom ${k} is ${value}; 1 to ${maxAtomicNumber} are possible`);
    }).subarray(0, this.sameCount("atomic_numbers", values.length, atoms));
  }

  /** Every attribute per atom, and the edges, must fit the positions. */
  checkCounts(atoms: number): void {
    const natoms = this.scalar("natoms");
    if (natoms !== null && natoms !== atoms)
      throw this.bad("natoms", `is ${natoms}, pos holds ${atoms} atoms`);
    for (const key of ["tags", "fixed", "force", "forces", "pos_relaxed"]) {
      const value = this.record.get(key);
      if (value instanceof StridedArray && value.shape.length > 0) this.sameCount(key, value.shape[0], atoms);
    }
    const edges = this.record.get("edge_index");
    if (!(edges instanceof StridedArray) || edges.shape.length !== 2 || edges.shape[0] !== 2) return;
    for (const index of edges.float64())
      if (!(index >= 0 && index < atoms))
        throw this.bad("edge_index", `names atom ${index}, there are ${atoms}`);
  }

  /** [1, 3, 3] as OCP stores it (the leading 1 is a batch axis: cell[0] is the whole matrix), or [3, 3]. */
  cell(): Float64Array | null {
    const value = this.record.get("cell");
    if (value === undefined) return null;
    const shape = value instanceof StridedArray ? value.shape.join(",") : "";
    if (!(value instanceof StridedArray) || !["1,3,3", "3,3"].includes(shape)) {
      throw this.bad("cell", `has shape [${shape}]; [1, 3, 3] or [3, 3] is needed, rows are lattice vectors`);
    }
    return value.float64();
  }

  /** Real numbers [1, 3, 3], as they are written here; null for anything else. */
  matrix(key: string): Float64Array | null {
    const value = this.record.get(key);
    const fits =
      value instanceof StridedArray && value.shape.join() === "1,3,3" && /^float(?:32|64)$/.test(value.dtype);
    return fits ? value.float64() : null;
  }

  /** A list of texts; null where there is none. */
  texts(key: string): ReadonlySet<unknown> | null {
    const value = this.record.get(key);
    return Array.isArray(value) ? new Set<unknown>(value) : null;
  }

  pbc(hasCell: boolean): PbcFlags {
    const value = this.record.get("pbc");
    if (value instanceof StridedArray && value.count === 3) {
      const flags = value.float64();
      return [flags[0] !== 0, flags[1] !== 0, flags[2] !== 0];
    }
    return pbcOf(value === undefined || value === null ? hasCell : scalarOf(value) !== 0);
  }

  scalar(key: string): number | null {
    const value = this.record.get(key);
    return value === undefined ? null : scalarOf(value);
  }

  private sameCount(key: string, count: number, atoms: number): number {
    if (count === atoms) return count;
    throw this.bad(key, `holds ${count} atoms, pos holds ${atoms}`);
  }

  private bad(key: string, what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.name}: ${key} ${what}`);
  }
}

function kindOf(value: PickleValue | undefined): string {
  return value === undefined ? "missing" : "no array";
}

/** A number, or an array of one. */
function scalarOf(value: PickleValue): number | null {
  if (value instanceof PickleFloat) return value.value;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean")
    return Number(value);
  return value instanceof StridedArray && value.count === 1 ? value.float64()[0] : null;
}
