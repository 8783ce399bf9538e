import type { NpyData } from "./npy-arrays.js";

/** What the values of a field are; `json` holds texts of JSON values. */
export type FieldKind = "real" | "integer" | "boolean" | "text" | "json";

/** One named value or array: numbers, truth values (0 or 1) or texts, in C order. A single value has shape []. */
export interface Field {
  readonly kind: FieldKind;
  readonly shape: readonly number[];
  readonly data: NpyData | readonly string[];
}

export type PbcFlags = readonly [boolean, boolean, boolean];

/**
 * One frame of a structure file: N atoms with all the file says about them. Units: angstrom, eV, eV/angstrom where the
 * format defines them, else as stored.
 */
export interface Structure {
  /** [N]; 0: not an element (its name stands in `species`). Virtual atoms of padded frames are left out. */
  readonly atomicNumbers: Int32Array;
  /** [N] names as the file spells them, where they are not the symbols of the elements; else null. */
  readonly species: readonly string[] | null;
  /** [N, 3] as stored, never wrapped into the cell. */
  readonly positions: Float64Array;
  /** [3, 3] rows are lattice vectors; null: none given. */
  readonly cell: Float64Array | null;
  readonly pbc: PbcFlags;
  readonly energy: number | null;
  /** [N, 3], -dE/dr. */
  readonly forces: Float64Array | null;
  /** [9] sum of r_a F_b, index 3a+b: -dE/d(strain). */
  readonly virial: Float64Array | null;
  /** [9] -virial / volume: positive under tension. */
  readonly stress: Float64Array | null;
  /** [N] OC20: 0 sub-surface, 1 surface, 2 adsorbate. */
  readonly tags: Int32Array | null;
  /** [N] 1: this atom does not move. */
  readonly fixed: Uint8Array | null;
  /** Further fields per atom, shape [N, ...], by the file's names. */
  readonly arrays: ReadonlyMap<string, Field>;
  /** Further fields per frame by the file's names. */
  readonly info: ReadonlyMap<string, Field>;
  /**
   * Set where the energy was taken from a field of another name (`y` of OCP): that field stands in `info` too, and
   * writers of named fields write it instead of `energy`. Likewise `forcesKey` for a field in `arrays`.
   */
  readonly energyKey: string | null;
  readonly forcesKey: string | null;
  /** Names of the stored fields as the file spells them. */
  readonly keys: readonly string[];
}

/** A structure from what is known; everything else is absent. */
export function makeStructure(
  known: Pick<Structure, "atomicNumbers" | "positions"> & Partial<Structure>,
): Structure {
  return {
    atomicNumbers: known.atomicNumbers,
    species: known.species ?? null,
    positions: known.positions,
    cell: known.cell ?? null,
    pbc: known.pbc ?? [false, false, false],
    energy: known.energy ?? null,
    forces: known.forces ?? null,
    virial: known.virial ?? null,
    stress: known.stress ?? null,
    tags: known.tags ?? null,
    fixed: known.fixed ?? null,
    arrays: known.arrays ?? new Map(),
    info: known.info ?? new Map(),
    energyKey: known.energyKey ?? null,
    forcesKey: known.forcesKey ?? null,
    keys: known.keys ?? [],
  };
}

/** Number of values of a field of this shape. */
export function valueCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function realField(value: number): Field {
  return { kind: "real", shape: [], data: Float64Array.of(value) };
}

/** Whole numbers beyond 2^31 are kept in 64 bits; those no float64 can tell apart as reals. */
export function integerField(value: number): Field {
  return { kind: "integer", shape: [], data: integers([value]) };
}

export function textField(value: string): Field {
  return { kind: "text", shape: [], data: [value] };
}

export function booleanField(value: boolean): Field {
  return { kind: "boolean", shape: [], data: Uint8Array.of(Number(value)) };
}

/** The narrowest of int32 and int64 that holds all of these whole numbers. */
export function integers(values: ArrayLike<number>): Int32Array | BigInt64Array {
  const narrow = Int32Array.from(values);
  if (narrow.every((value, k) => value === values[k])) return narrow;
  return BigInt64Array.from(Array.from(values), BigInt);
}

/** Tags as structures hold them; null where one is no whole number of 32 bits: they are a further field then. */
export function tagsOf(values: ArrayLike<number | bigint>): Int32Array | null {
  const tags = Int32Array.from(values, Number);
  return tags.every((tag, k) => tag === Number(values[k])) ? tags : null;
}

/** The value of a single number, null for anything else. */
export function scalarOf(field: Field | undefined): number | null {
  if (field === undefined || field.shape.length > 0 || (field.kind !== "real" && field.kind !== "integer"))
    return null;
  return Number(field.data[0]);
}

/** Names of the further fields, per frame and per atom, and of virial and stress, that hold NaN or infinity. */
export function nonFiniteFields({ info, arrays, virial, stress, energyKey, forcesKey }: Structure): string[] {
  const found: string[] = [];
  const finite = (values: Float64Array | Float32Array): boolean => {
    for (let k = 0; k < values.length; k++) if (!Number.isFinite(values[k])) return false;
    return true;
  };
  if (virial !== null && !finite(virial)) found.push("virial");
  if (stress !== null && !finite(stress)) found.push("stress");
  for (const fields of [info, arrays])
    for (const [name, { data }] of fields)
      if ((data instanceof Float64Array || data instanceof Float32Array) && !finite(data))
        if (name !== energyKey && name !== forcesKey) found.push(name);
  return found;
}

const noPbc: PbcFlags = [false, false, false];
const allPbc: PbcFlags = [true, true, true];

/** The same flags in all directions. */
export function pbcOf(periodic: boolean): PbcFlags {
  return periodic ? allPbc : noPbc;
}
