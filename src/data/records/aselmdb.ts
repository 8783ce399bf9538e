import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { AtomgradError } from "../../tensor/error.js";
import { looksPerAtom } from "../looks-per-atom.js";
import { inflate } from "../inflate.js";
import { LmdbFile } from "../lmdb/reader.js";
import { fileError } from "../read-file.js";
import { integers, makeStructure, tagsOf } from "../structure.js";
import type { Field, Structure } from "../structure.js";
import { spreadOver } from "../sampled-frames.js";
import { jsonEntries } from "../text/json-entries.js";
import { flatten, fullStress, jsonField, parsePythonJson } from "./ase-json.js";

type Row = Readonly<Record<string, unknown>>;

/** What packs far better than rows of numbers was made to fill memory. */
const maxUnpacked = ({ length }: Uint8Array): number => Math.min(1 << 26, Math.max(1 << 22, 40 * length));
/** Row keys that become parts of the structure or say nothing of it. */
const known: ReadonlySet<string> = new Set([
  ...["numbers", "positions", "cell", "pbc", "tags", "energy", "forces", "stress", "constraints"],
  ...[
    "ctime",
    "mtime",
    "user",
    "unique_id",
    "calculator",
    "calculator_parameters",
    "key_value_pairs",
    "data",
  ],
]);

/** The `.aselmdb` files of a data set: the file itself, or those of a folder in name order. */
export function aselmdbFiles(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter((name) => name.endsWith(".aselmdb"))
      .sort()
      .map((name) => join(path, name));
  } catch (error) {
    throw fileError(error, path, "read");
  }
}

/** Ids of rows that are looked up before a set is believed to hold all. */
const lookedUp = 256;

/** One ASE-LMDB file (fairchem's OMat24, OMol25, ...): rows of an ASE database as zlib-packed JSON. */
export class AseLmdb {
  /** Ids of the rows, in order. */
  readonly ids: readonly number[];
  private readonly file: LmdbFile;
  private readonly name: string;

  /** @throws AtomgradError FILE, FORMAT */
  constructor(path: string) {
    this.name = basename(path);
    this.file = new LmdbFile(path);
    try {
      this.ids = this.findIds();
    } catch (error) {
      this.file.close();
      throw error;
    }
  }

  close(): void {
    this.file.close();
  }

  /** The row of an id, as JSON gives it. */
  row(id: number): Row {
    return this.spelledRow(id).row;
  }

  private spelledRow(id: number): { row: Row; text: string } {
    const { value, text } = this.json(String(id));
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return { row: value as Row, text };
    throw new AtomgradError("FORMAT", `${this.name}, row ${id}: missing, or no row of an ASE database`);
  }

  /**
   * The row of an id as a structure: angstrom, eV; stress in eV/angstrom^3, positive under tension.
   *
   * @param onConstraint is told the name of each constraint that no structure can hold, which is left out
   */
  structure(id: number, onConstraint?: (constraint: string, row: string) => void): Structure {
    const { row, text } = this.spelledRow(id);
    const name = `${this.name}, row ${id}`;
    return new RowReader(row, text, name, (constraint) => onConstraint?.(constraint, name)).structure();
  }

  /** 1 ... nextid - 1 without the deleted ones; where that does not hold, all keys that are numbers. */
  private findIds(): number[] {
    const next = this.json("nextid").value;
    const deleted = this.json("deleted_ids").value;
    if (
      typeof next === "number" &&
      Number.isSafeInteger(next) &&
      next >= 1 &&
      next - 1 <= this.file.entries
    ) {
      const gone = new Set(Array.isArray(deleted) ? deleted : []);
      const ids = Array.from({ length: next - 1 }, (_, k) => k + 1).filter((id) => !gone.has(id));
      if (this.holdsOnly(ids) || ids.every((id) => this.file.find(String(id)) !== null)) return ids;
    }
    const ids: number[] = [];
    for (const [key] of this.file.walk()) {
      const text = new TextDecoder().decode(key);
      if (/^[1-9]\d{0,14}$/.test(text)) ids.push(Number(text));
    }
    return ids.sort((a, b) => a - b);
  }

  /**
   * Whether rows of these ids and the keys that every file has make as many as there are, and some that are looked up are
   * there: to look all of a large set up takes seconds.
   */
  private holdsOnly(ids: readonly number[]): boolean {
    const others = ["nextid", "deleted_ids", "metadata"].filter((key) => this.file.find(key) !== null);
    if (this.file.entries !== ids.length + others.length) return false;
    return spreadOver(ids.length, lookedUp).every((k) => this.file.find(String(ids[k])) !== null);
  }

  private json(key: string): { value: unknown; text: string } {
    const value = this.file.get(key);
    if (value === null) return { value: undefined, text: "" };
    let text: string;
    try {
      text = new TextDecoder().decode(inflate("zlib", value, maxUnpacked(value)));
    } catch (error) {
      throw this.bad(key, `cannot be unpacked (${(error as Error).message.slice(0, 60)})`);
    }
    try {
      return { value: parsePythonJson(text), text };
    } catch (error) {
      throw this.bad(key, `is no JSON (${(error as Error).message.slice(0, 60)})`);
    }
  }

  private bad(key: string, what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.name}, row ${key}: ${what}; the file is damaged`);
  }
}

class RowReader {
  constructor(
    private readonly row: Row,
    private readonly text: string,
    private readonly name: string,
    private readonly leaveOut: (constraint: string) => void,
  ) {}

  structure(): Structure {
    const numbers = this.numbers("numbers");
    const positions = this.numbers("positions");
    if (numbers === null || positions === null) throw this.bad("numbers or positions", "is missing");
    const atoms = numbers.length;
    const cell = this.sized("cell", 9);
    const hasCell = cell?.some((value) => value !== 0) ?? false;
    const flags = this.numbers("pbc") ?? Float64Array.of(Number(hasCell));
    const flag = (axis: number): boolean => (flags[axis] ?? flags[0]) !== 0;
    const wrong = numbers.findIndex((value) => !(Number.isInteger(value) && value >= 0 && value <= 118));
    if (wrong >= 0) throw this.bad("numbers", `of atom ${wrong} is ${numbers[wrong]}; 0 to 118 are possible`);
    if (positions.length !== 3 * atoms)
      throw this.bad("positions", `holds ${positions.length} numbers for ${atoms} atoms`);
    const numbered = this.sized("tags", atoms);
    const tags = numbered === null ? null : tagsOf(numbered);
    const { arrays, info } = this.others(atoms);
    if (numbered !== null && tags === null) arrays.set("tags", wholeField(numbered, atoms));
    return makeStructure({
      atomicNumbers: Int32Array.from(numbers),
      positions,
      cell: hasCell ? cell : null,
      pbc: [flag(0), flag(1), flag(2)],
      energy: typeof this.row.energy === "number" ? this.row.energy : null,
      forces: this.sized("forces", 3 * atoms),
      stress: this.stress(),
      tags,
      fixed: this.fixed(atoms),
      arrays,
      info,
      keys: Object.keys(this.row),
    });
  }

  /** Voigt order xx yy zz yz xz xy, or nine numbers. */
  private stress(): Float64Array | null {
    const given = this.numbers("stress");
    if (given === null || given.length === 9) return given;
    if (given.length !== 6) throw this.bad("stress", `holds ${given.length} numbers; 6 or 9 are needed`);
    return fullStress(given);
  }

  /** The atoms of FixAtoms constraints. */
  private fixed(atoms: number): Uint8Array | null {
    const { constraints } = this.row;
    if (!Array.isArray(constraints)) return null;
    const fixed = new Uint8Array(atoms);
    let found = false;
    for (const constraint of constraints as { name?: unknown; kwargs?: { indices?: unknown } }[]) {
      if (constraint?.name !== "FixAtoms") {
        this.leaveOut(String(constraint?.name));
        continue;
      }
      const indices = flatten(constraint.kwargs?.indices ?? []);
      if (indices === null) throw this.bad("constraints", "holds FixAtoms without atom numbers");
      found = true;
      for (const index of indices) {
        const atom = index < 0 ? index + atoms : index;
        if (!(Number.isInteger(atom) && atom >= 0 && atom < atoms))
          throw this.bad("constraints", `fixes atom ${index} of ${atoms}`);
        fixed[atom] = 1;
      }
    }
    return found ? fixed : null;
  }

  /** Everything else by its name: further entries of the row, key_value_pairs and data. */
  private others(atoms: number): { arrays: Map<string, Field>; info: Map<string, Field> } {
    const arrays = new Map<string, Field>();
    const info = new Map<string, Field>();
    const spelled = jsonEntries(this.text);
    const groups = [this.row, this.row.key_value_pairs, this.row.data];
    const texts = [spelled, ...["key_value_pairs", "data"].map((key) => jsonEntries(spelled.get(key) ?? ""))];
    groups.forEach((group, k) => {
      if (typeof group !== "object" || group === null || Array.isArray(group)) return;
      for (const [key, value] of Object.entries(group)) {
        if ((k === 0 && known.has(key)) || info.has(key) || arrays.has(key)) continue;
        const field = jsonField(value, texts[k].get(key) ?? "");
        if (field === null) continue;
        const isPerAtom = k === 0 && field.kind !== "json" && looksPerAtom(key, field.shape, atoms);
        (isPerAtom ? arrays : info).set(key, field);
      }
    });
    return { arrays, info };
  }

  private sized(key: string, count: number): Float64Array | null {
    const found = this.numbers(key);
    if (found === null || found.length === count) return found;
    throw this.bad(key, `holds ${found.length} numbers; ${count} are needed`);
  }

  /** All numbers of a nested list, NaN for null; null where the row lacks the key. */
  private numbers(key: string): Float64Array | null {
    const value = this.row[key];
    if (!Object.hasOwn(this.row, key) || value === null) return null;
    const flat = flatten(value);
    if (flat === null) throw this.bad(key, "holds something else than numbers");
    return Float64Array.from(flat);
  }

  private bad(key: string, what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.name}: ${key} ${what}`);
  }
}

/** Whole numbers in as many bits as they need, else real ones. */
function wholeField(values: Float64Array, atoms: number): Field {
  const shape = [atoms];
  if (!values.every(Number.isSafeInteger)) return { kind: "real", shape, data: values };
  return { kind: "integer", shape, data: integers(values) };
}
