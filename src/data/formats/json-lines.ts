import { inverse, rowsTimes, determinant } from "../../geometry/matrix3.js";
import {
  booleanField,
  makeStructure,
  pbcOf,
  realField,
  textField,
  type Field,
  type Structure,
} from "../structure.js";
import { looksPerAtom } from "../looks-per-atom.js";
import { fieldOfWords, fieldToJson, parseNestedList } from "../text/field-text.js";
import { jsonEntries } from "../text/json-entries.js";
import type { Lines } from "../text/lines.js";
import { structureLine, withLines } from "../text/lines.js";
import { shown } from "../text/numbers.js";
import { writeTextPieces } from "../text/write-text.js";
import { everyFrame, type StructureFormat, type Wanted } from "./format.js";
import { smilesElements } from "./smiles.js";
import { hasOwnNames, knownName, ownNames, readSpecies, speciesName } from "./species.js";
import { sampleText } from "./sample-text.js";

/**
 * JSON Lines of the structure generator, one record a line: crystals (`lattice`, `sites`), molecules (`smi`, `pos` of the
 * heavy atoms), proteins (`aa`, `coords` of the residues), or plain `elements`, `positions` and `cell`.
 */
export const jsonLines: StructureFormat = {
  name: "jsonl",
  extensions: [".jsonl", ".ndjson"],
  sniff: ({ text }) =>
    /^\uFEFF?\s*\{[^\n]*"(?:sites|smi|coords|positions|pos)"\s*:/.test(text.slice(0, 1 << 16)),
  read: (path) => withLines(path, readRecords, { longestLine: structureLine }),
  readWanted: (path, wanted) =>
    withLines(path, (lines) => readRecords(lines, wanted), { longestLine: structureLine }),
  sample: (path, count) =>
    sampleText(path, count, { startsFrame, read: readRecords, longestLine: structureLine }),
  write: (path, structures) => writeTextPieces(path, formatRecords(structures)),
};

const mostDepth = 1000;

type Json = unknown;
type Entries = ReadonlyMap<string, Json>;

function startsFrame(line: string): boolean {
  return line.startsWith("{");
}

/** Every record, or null for those that are not wanted, whose lines are not looked at. */
function readRecords(lines: Lines, wanted: Wanted): Generator<Structure | null>;
function readRecords(lines: Lines): Generator<Structure>;
function* readRecords(lines: Lines, wanted = everyFrame): Generator<Structure | null> {
  let frame = 0;
  for (let line = lines.nextFilled(); line !== null; line = lines.nextFilled()) {
    if (!wanted(frame++)) {
      yield null;
      continue;
    }
    let value: Json;
    if (nestsDeeply(line)) throw lines.error("values are nested too deeply");
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw lines.error(`no JSON (${(error as Error).message.slice(0, 80)}); each line holds one record`);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw lines.error("holds no JSON object; each line holds one record {...}");
    yield readRecord(new Map(Object.entries(value)), jsonEntries(line), lines);
  }
}

/** Whether brackets are nested so deeply that parsing them takes more memory than they are worth. */
function nestsDeeply(line: string): boolean {
  let depth = 0;
  for (let k = 0; k < line.length; k++) {
    const code = line.charCodeAt(k) | 32;
    // [ and { differ in one bit, as ] and } do. Those in strings count too: no string of records is full of them.
    if (code === 0x7b && ++depth > mostDepth) return true;
    if (code === 0x7d) depth--;
  }
  return false;
}

function readRecord(record: Entries, spelled: ReadonlyMap<string, string>, lines: Lines): Structure {
  const { names, positions, used, cell } = readAtoms(record, lines);
  const species = readSpecies(names);
  if (typeof species === "number")
    throw lines.error(`${shown(names[species])} is no element (atom ${species})`);
  const atoms = names.length;
  const info = new Map<string, Field>();
  const arrays = new Map<string, Field>();
  let known: Partial<Structure> = {};
  for (const [key, value] of record) {
    if (used.includes(key)) continue;
    const text = spelled.get(key)!;
    const field = fieldOfJson(value, text);
    const per = field !== null && field.kind !== "json" && looksPerAtom(key, field.shape, atoms);
    if (key === "pbc" && field?.kind === "boolean") known = { ...known, pbc: pbcFlags(field) };
    else if (key === "forces" && per && field.shape.length === 2 && field.shape[1] === 3 && isNumeric(field))
      known = { ...known, forces: Float64Array.from(field.data as ArrayLike<number | bigint>, Number) };
    else if (key === "tags" && per && field.shape.length === 1 && field.data instanceof Int32Array)
      known = { ...known, tags: field.data };
    else if (key === "fixed" && per && field.shape.length === 1 && isFlags(field))
      known = { ...known, fixed: Uint8Array.from(field.data as ArrayLike<number>) };
    else if ((key === "stress" || key === "virial") && field?.data.length === 9 && isNumeric(field))
      known = { ...known, [key]: Float64Array.from(field.data as ArrayLike<number | bigint>, Number) };
    else if (key === ownNames && per && field.shape.length === 1 && field.kind === "text")
      known = { ...known, species: field.data as readonly string[] };
    else if (key === "info" && field?.kind === "json") readNested(value as object, text, info);
    else if (key === "arrays" && field?.kind === "json" && holdsRows(value, atoms))
      readNested(value as object, text, arrays);
    else if (field !== null) (per ? arrays : info).set(key, field);
  }
  return makeStructure({
    atomicNumbers: species.atomicNumbers,
    species: species.names,
    positions,
    cell,
    pbc: pbcOf(cell !== null),
    ...known,
    info,
    arrays,
    keys: [...record.keys()],
  });
}

function isNumeric({ kind }: Field): boolean {
  return kind === "real" || kind === "integer";
}

/** Whether a field holds truth values, as such or as 0 and 1. */
function isFlags({ kind, data }: Field): boolean {
  return kind === "boolean" || (data instanceof Int32Array && data.every((x) => x === 0 || x === 1));
}

function holdsRows(value: Json, atoms: number): boolean {
  return Object.values(value as object).every((rows) => Array.isArray(rows) && rows.length === atoms);
}

/** Fields of the frame that could be mistaken for fields per atom, and the other way round, stand in objects of their own. */
function readNested(value: object, text: string, info: Map<string, Field>): void {
  const spelled = jsonEntries(text);
  for (const [key, inner] of Object.entries(value)) {
    const field = fieldOfJson(inner, spelled.get(key)!);
    if (field !== null) info.set(key, field);
  }
}

function pbcFlags(field: Field): readonly [boolean, boolean, boolean] {
  const [a, b, c] = Array.from({ length: 3 }, (_, k) => Boolean(field.data[k % field.data.length]));
  return [a, b, c];
}

interface Atoms {
  readonly names: readonly string[];
  readonly positions: Float64Array;
  readonly cell: Float64Array | null;
  /** Keys of the record that this was read from. */
  readonly used: readonly string[];
}

function readAtoms(record: Entries, lines: Lines): Atoms {
  const cellKey = ["lattice", "cell"].find((key) => (record.get(key) ?? null) !== null);
  const cell = cellKey === undefined ? null : matrix(record.get(cellKey), 3, cellKey, lines);
  if (Array.isArray(record.get("sites"))) {
    if (cell === null) throw lines.error('a crystal needs "lattice", three rows of three numbers');
    return { ...readSites(record.get("sites") as Json[], cell, lines), cell, used: ["sites", cellKey!] };
  }
  const at = ["pos", "positions", "coords"].find((key) => Array.isArray(record.get(key)));
  if (at === undefined)
    throw lines.error('a record needs "lattice" and "sites", or "pos" with "smi" or "elements"');
  const list = ["elements", "species", "atomic_numbers", "numbers"].find((key) =>
    Array.isArray(record.get(key)),
  );
  const residues = record.get("aa") ?? record.get("seq");
  const smiles = record.get("smi") ?? record.get("smiles");
  const key = record.has("aa") && Array.isArray(record.get("coords")) ? "coords" : at;
  const count = (record.get(key) as Json[]).length;
  const positions = matrix(record.get(key), count, key, lines);
  const names =
    list !== undefined
      ? (record.get(list) as Json[]).map((name) => (name === 0 ? "X" : String(name)))
      : typeof smiles === "string"
        ? smilesElements(smiles)
        : typeof residues === "string"
          ? Array.from(residues, () => "X")
          : null;
  if (names === null)
    throw lines.error(`${shown(key)} stands there, but no "smi", "elements" or "aa" names its atoms`);
  if (names.length !== count)
    throw lines.error(`${names.length} atoms are named, but ${shown(key)} holds ${count} positions`);
  const used = [key, ...(list === undefined ? [] : [list]), ...(cellKey === undefined ? [] : [cellKey])];
  return { names, positions, cell, used };
}

function readSites(sites: readonly Json[], cell: Float64Array, lines: Lines): Omit<Atoms, "cell" | "used"> {
  const names: string[] = [];
  const positions = new Float64Array(3 * sites.length);
  sites.forEach((site, k) => {
    const entries = new Map<string, Json>(Object.entries(site ?? {}));
    const element = entries.get("element") ?? entries.get("species") ?? entries.get("label");
    if (typeof element !== "string") throw lines.error(`site ${k} has no "element"`);
    names.push(element);
    const direct = entries.get("cartesian_coordinates") ?? entries.get("xyz");
    const fractions = entries.get("fractional_coordinates") ?? entries.get("abc");
    const row = matrix([direct ?? fractions], 1, `site ${k}: coordinates`, lines);
    positions.set(direct === undefined ? rowsTimes(row, cell) : row, 3 * k);
  });
  return { names, positions };
}

function matrix(value: Json, rows: number, what: string, lines: Lines): Float64Array {
  const out = new Float64Array(3 * rows);
  const list = Array.isArray(value) ? (value as Json[]) : [];
  for (let k = 0; k < rows; k++) {
    const row: Json = list[k];
    const good = Array.isArray(row) && row.length === 3 && row.every((x) => typeof x === "number");
    if (!good || list.length !== rows)
      throw lines.error(`${shown(what)} is not ${rows} rows of three numbers`);
    out.set(row, 3 * k);
  }
  return out;
}

/** A value of a record and its text, which tells real numbers from whole ones; null stands for nothing. */
function fieldOfJson(value: Json, text: string): Field | null {
  if (value === null) return null;
  if (typeof value === "string") return textField(value);
  if (typeof value === "boolean") return booleanField(value);
  if (typeof value === "number") return /[.eE]/.test(text) ? realField(value) : fieldOfWords([text], []);
  const list = Array.isArray(value) ? parseNestedList(text) : null;
  return list ?? { kind: "json", shape: [], data: [text] };
}

function* formatRecords(structures: Iterable<Structure>): Generator<string> {
  for (const structure of structures) yield `${formatRecord(structure)}\n`;
}

/** Structures with a cell are written as crystals with sites, others with `elements` and `positions`. */
function formatRecord(structure: Structure): string {
  const { atomicNumbers, positions, cell, pbc, energy, energyKey, forces, forcesKey, virial, stress } =
    structure;
  const rows = (data: Float64Array): number[][] =>
    Array.from({ length: data.length / 3 }, (_, k) => [data[3 * k], data[3 * k + 1], data[3 * k + 2]]);
  const names = Array.from(atomicNumbers, (_, atom) => knownName(structure, atom));
  const parts: [string, string][] = [];
  const add = (key: string, value: unknown): void => void parts.push([key, JSON.stringify(value)]);
  if (cell !== null && determinant(cell) !== 0) {
    const fractions = rows(rowsTimes(positions, inverse(cell)));
    const at = rows(positions);
    add("lattice", rows(cell));
    const sites = names.map((element, k) => ({
      element,
      fractional_coordinates: fractions[k],
      cartesian_coordinates: at[k],
    }));
    add("sites", sites);
    if (pbc.includes(false)) add("pbc", pbc);
  } else {
    add("elements", names);
    add("positions", rows(positions));
    if (cell !== null) add("cell", rows(cell));
  }
  if (energy !== null && energyKey === null) add("energy", energy);
  if (forces !== null && forcesKey === null) add("forces", rows(forces));
  if (virial !== null) add("virial", rows(virial));
  if (stress !== null) add("stress", rows(stress));
  if (hasOwnNames(structure))
    add(
      ownNames,
      names.map((_, atom) => speciesName(structure, atom)),
    );
  if (structure.tags !== null) add("tags", [...structure.tags]);
  if (structure.fixed !== null) add("fixed", [...structure.fixed]);
  const info = [...structure.info];
  const seemsPerAtom = ([key, { shape }]: [string, Field]): boolean => looksPerAtom(key, shape, names.length);
  const seemsOfFrame = (entry: [string, Field]): boolean => !seemsPerAtom(entry);
  const arrays = [...structure.arrays];
  for (const [key, field] of [...arrays.filter(seemsPerAtom), ...info.filter(seemsOfFrame)])
    parts.push([key, fieldText(field)]);
  // What would be mistaken by its name and shape stands where it belongs.
  for (const [group, nested] of [
    ["arrays", arrays.filter(seemsOfFrame)],
    ["info", info.filter(seemsPerAtom)],
  ] as const)
    if (nested.length > 0)
      parts.push([group, objectText(nested.map(([key, field]) => [key, fieldText(field)]))]);
  return objectText(parts);
}

function objectText(parts: readonly (readonly [string, string])[]): string {
  return `{${parts.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(",")}}`;
}

/** JSON knows no NaN and no infinity: null stands for them. */
function fieldText(field: Field): string {
  if (field.kind === "text" && field.shape.length === 0) return JSON.stringify(field.data[0]);
  const text = fieldToJson(field);
  return field.kind === "real" ? text.replace(/\bNaN\b|-?\bInfinity\b/g, "null") : text;
}
