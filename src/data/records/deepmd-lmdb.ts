import { looksPerAtom } from "../looks-per-atom.js";
import { basename } from "node:path";
import { AtomgradError } from "../../tensor/error.js";
import { atomicNumberOf } from "../elements.js";
import { LmdbFile } from "../lmdb/reader.js";
import { isArrayDType, memoryStorage, StridedArray } from "../strided-array.js";
import { makeStructure, pbcOf } from "../structure.js";
import type { Field, Structure } from "../structure.js";
import { fieldOf } from "./fields.js";
import { decodeMessagePack } from "./msgpack.js";
import type { PackValue } from "./msgpack.js";
import { lmdbFiles } from "./ocp-lmdb.js";
import { PickleFloat } from "../pickle/index.js";

type PackMap = ReadonlyMap<string, PackValue>;

const remedy = "the file is damaged or of another layout: write it again";

/** Keys that become parts of the structure, and texts that repeat what those say. */
const known: ReadonlySet<string> = new Set([
  ...["coords", "cells", "energies", "forces", "virials", "atom_types"],
  ...["coord", "box", "energy", "force", "virial", "atype", "atom_names", "atom_numbs", "orig"],
]);

/** DeePMD-kit's LMDB data: numbered MessagePack records beside `__metadata__`. */
export class DeepmdLmdb {
  readonly length: number;
  private readonly file: LmdbFile;
  private readonly name: string;
  private readonly typeMap: readonly string[] | null;
  private readonly digits: number;

  /** @throws AtomgradError FILE, FORMAT */
  constructor(path: string) {
    const [file] = lmdbFiles(path);
    if (file === undefined)
      throw new AtomgradError(
        "FORMAT",
        `${basename(path)}: a folder without data.mdb; name one of LMDB data`,
      );
    this.name = basename(path);
    this.file = new LmdbFile(file, basename(path));
    try {
      const metadata = this.map("__metadata__", "__metadata__");
      const frames = metadata.get("nframes");
      if (
        typeof frames !== "number" ||
        !Number.isSafeInteger(frames) ||
        frames < 0 ||
        frames > this.file.entries
      ) {
        throw this.bad("__metadata__", "nframes", "is no number of frames of this file");
      }
      this.length = frames;
      const format = metadata.get("frame_idx_fmt");
      this.digits = typeof format === "string" ? Number(/^0?(\d{1,2})d$/.exec(format)?.[1] ?? 12) : 12;
      const names = metadata.get("type_map");
      this.typeMap = Array.isArray(names) && names.every((name) => typeof name === "string") ? names : null;
    } catch (error) {
      this.file.close();
      throw error;
    }
  }

  close(): void {
    this.file.close();
  }

  /** Frame `index` with the units of DeePMD data: angstrom, eV. */
  structure(index: number): Structure {
    const label = `record ${index}`;
    const record = this.map(String(index).padStart(this.digits, "0"), label);
    const real = (key: string, short: string, count?: number): Float64Array | null => {
      const value = record.get(key) ?? record.get(short);
      if (value === undefined || value === null) return null;
      const data = this.array(value, label, key)?.float64() ?? Float64Array.of(Number(value));
      if (count !== undefined && data.length !== count) {
        throw this.bad(label, key, `holds ${data.length} numbers, ${count} are needed`);
      }
      return data;
    };
    const types = real("atom_types", "atype");
    if (types === null) throw this.bad(label, "atom_types", "is missing");
    const atoms = types.length;
    const positions = real("coords", "coord", 3 * atoms);
    if (positions === null) throw this.bad(label, "coords", "is missing");
    const box = real("cells", "box", 9);
    const cell = box?.some((value) => value !== 0) ? box : null;
    return makeStructure({
      ...this.species(types, label),
      positions,
      cell,
      pbc: pbcOf(cell !== null),
      energy: real("energies", "energy", 1)?.[0] ?? null,
      forces: real("forces", "force", 3 * atoms),
      virial: real("virials", "virial", 9),
      ...this.others(record, atoms, label),
      keys: [...record.keys()],
    });
  }

  private species(types: Float64Array, label: string): Pick<Structure, "atomicNumbers" | "species"> {
    const { typeMap } = this;
    const atomicNumbers = new Int32Array(types.length);
    let isNamed = false;
    const species = Array.from(types, (type, k) => {
      if (type === -1) return ((atomicNumbers[k] = -1), "");
      const name =
        typeMap?.[type] ??
        (typeMap === null && Number.isInteger(type) && type >= 0 ? `Type_${type}` : undefined);
      if (name === undefined) {
        throw this.bad(
          label,
          "atom_types",
          `of atom ${k} is ${type}, type_map has ${typeMap?.length ?? 0} names`,
        );
      }
      atomicNumbers[k] = atomicNumberOf(name) ?? 0;
      isNamed ||= atomicNumbers[k] === 0;
      return name;
    });
    return { atomicNumbers, species: isNamed ? species : null };
  }

  private others(
    record: PackMap,
    atoms: number,
    label: string,
  ): { arrays: Map<string, Field>; info: Map<string, Field> } {
    const arrays = new Map<string, Field>();
    const info = new Map<string, Field>();
    for (const [key, value] of record) {
      if (known.has(key)) continue;
      const plain = this.array(value, label, key) ?? (typeof value === "number" ? numberValue(value) : value);
      if (plain instanceof Uint8Array || plain instanceof Map || Array.isArray(plain)) continue;
      const field = fieldOf(plain);
      if (field !== null) (looksPerAtom(key, field.shape, atoms) ? arrays : info).set(key, field);
    }
    return { arrays, info };
  }

  private map(key: string, label: string): PackMap {
    const value = this.file.get(key);
    if (value === null)
      throw new AtomgradError("FORMAT", `${this.name}: ${label} is missing (key ${key}); ${remedy}`);
    const decoded = decodeMessagePack(value, `${this.name}, ${label}`);
    if (decoded instanceof Map) return decoded;
    throw new AtomgradError(
      "FORMAT",
      `${this.name}, ${label}: no map; this is not DeePMD-kit's LMDB data, or damaged`,
    );
  }

  /** An array is a map {type, shape, data}; without a shape it has one axis. */
  private array(value: PackValue, label: string, key: string): StridedArray | null {
    if (!(value instanceof Map)) return null;
    const type = value.get("type");
    const data = value.get("data");
    if (typeof type !== "string" || !(data instanceof Uint8Array)) return null;
    const code = type.replace(/^[<|=]/, "");
    const dtype = Object.hasOwn(shortTypes, code) ? shortTypes[code] : code;
    if (!isArrayDType(dtype))
      throw this.bad(label, key, `has the type ${type.slice(0, 20)}; numbers are needed`);
    const given = value.get("shape");
    const flat = [data.length / (Number(/\d+$/.exec(dtype)?.[0] ?? 8) / 8)];
    const shape = Array.isArray(given) ? given.map(Number) : flat;
    const name = `${this.name}, ${label}: ${key}`;
    return new StridedArray(dtype, shape, memoryStorage(data.slice(), name), undefined, 0, true, name);
  }

  private bad(label: string, key: string, what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.name}, ${label}: ${key} ${what}; ${remedy}`);
  }
}

const shortTypes: Readonly<Record<string, string>> = {
  f4: "float32",
  f8: "float64",
  i4: "int32",
  i8: "int64",
  b1: "bool",
};

function numberValue(value: number): number | PickleFloat {
  return Number.isInteger(value) ? value : new PickleFloat(value);
}
