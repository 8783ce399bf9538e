import {
  makeStructure,
  pbcOf,
  scalarOf,
  tagsOf,
  textField,
  valueCount,
  type Field,
  type PbcFlags,
  type Structure,
} from "../structure.js";
import { parseTruth } from "../text/field-text.js";
import type { Lines } from "../text/lines.js";
import { structureLine, withLines } from "../text/lines.js";
import { parseInteger, shown } from "../text/numbers.js";
import { writeTextPieces } from "../text/write-text.js";
import { CommentReader } from "./extxyz-comment.js";
import { formatFrames } from "./extxyz-write.js";
import { everyFrame, type FileStart, type StructureFormat, type Wanted } from "./format.js";
import { ownNames, readSpecies } from "./species.js";
import { sampleText } from "./sample-text.js";
import { startsXyzFrame, xyzComments } from "./xyz-frames.js";
import { WordSpans } from "../text/word-spans.js";

/** How files of XYZ are read, plain and extended alike. */
export const xyzReading: Pick<StructureFormat, "read" | "readWanted" | "sample"> = {
  read: (path) => withLines(path, readFrames, { longestLine: structureLine }),
  readWanted: (path, wanted) =>
    withLines(path, (lines) => readFrames(lines, wanted), { longestLine: structureLine }),
  sample: (path, count) =>
    sampleText(path, count, { startsFrame: startsXyzFrame, read: readFrames, longestLine: structureLine }),
};

/**
 * Extended XYZ: a frame is a line with the number of atoms, a line of `key=value` pairs, a line per atom. A comment without
 * any pair is a comment, of whatever frame.
 */
export const extxyz: StructureFormat = {
  name: "extxyz",
  extensions: [".extxyz", ".xyz"],
  sniff: ({ name, text }: FileStart) => {
    const { comments } = xyzComments(text);
    return name.endsWith(".extxyz") ? comments.length > 0 : comments.some((comment) => comment.includes("="));
  },
  ...xyzReading,
  write: (path, structures) => writeTextPieces(path, formatFrames(structures)),
};

const mostColumns = 4096;
const mostKeys = 1 << 14;

type ColumnKind = "R" | "I" | "S" | "L";

interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly start: number;
  readonly width: number;
}

interface Layout {
  readonly columns: readonly Column[];
  readonly width: number;
  /** Without Properties the first four words count, whatever follows them. */
  readonly open: boolean;
}

type ColumnData = Float64Array | BigInt64Array | Int32Array | Uint8Array | string[];

/** Every frame, or null for those that are not wanted, of which only the number of atoms counts. */
export function readFrames(lines: Lines, wanted: Wanted): Generator<Structure | null>;
export function readFrames(lines: Lines): Generator<Structure>;
export function* readFrames(lines: Lines, wanted = everyFrame): Generator<Structure | null> {
  const layouts = new Map<string, Layout>();
  let keys: readonly string[] = [];
  const comments = new CommentReader();
  const spans = new WordSpans();
  let frame = 0;
  for (let head = lines.nextFilled(); head !== null; head = lines.nextFilled()) {
    const atoms = parseInteger(head.trim());
    if (atoms === null || atoms < 0)
      throw lines.error(`${shown(head.trim())} stands where the number of atoms of a frame is expected`);
    if (!wanted(frame++)) {
      if (lines.skip(1) === 0) lines.need("the comment line of a frame");
      lines.skipAtoms(atoms);
      yield null;
      continue;
    }
    const comment = lines.need("the comment line of a frame").trim();
    const info = comment.includes("=") ? comments.parse(comment, mostKeys) : freeComment(comment);
    if (info.size > mostKeys)
      throw lines.error(`a comment line of more than ${mostKeys} keys; leave some out`);
    const properties = info.get("Properties");
    const text = properties === undefined ? "" : String(properties.data[0]);
    info.delete("Properties");
    let layout = layouts.get(text);
    if (layout === undefined)
      layouts.set(text, (layout = parseLayout(text || "species:S:1:pos:R:3", text === "", lines)));
    if (!isKeyList(keys, layout, info)) keys = [...layout.columns.map(({ name }) => name), ...info.keys()];
    yield assemble(lines, readColumns(lines, spans, layout, atoms), info, keys);
  }
}

/** What a comment without pairs says. */
function freeComment(comment: string): Map<string, Field> {
  return new Map(comment === "" ? [] : [["comment", textField(comment)]]);
}

/** Whether a list of keys, that of the frame before, is that of this frame: structures share it then. */
function isKeyList(keys: readonly string[], { columns }: Layout, info: Map<string, Field>): boolean {
  if (keys.length !== columns.length + info.size) return false;
  if (columns.some(({ name }, k) => name !== keys[k])) return false;
  let k = columns.length;
  for (const key of info.keys()) if (key !== keys[k++]) return false;
  return true;
}

function parseLayout(text: string, open: boolean, lines: Lines): Layout {
  const parts = text.split(":");
  if (parts.length > 3 * mostColumns)
    throw lines.error(`Properties names more than ${mostColumns} columns; leave some out`);
  const columns: Column[] = [];
  let width = 0;
  for (let k = 0; k < parts.length; k += 3) {
    const [name, kind, columnCount] = [parts[k], parts[k + 1], parseInteger(parts[k + 2] ?? "")];
    if (!/^[RISL]$/.test(kind ?? "") || columnCount === null || columnCount < 1)
      throw lines.error(
        `Properties=${shown(text)}: name:type:columns with type R, I, S or L is expected at ${shown(parts.slice(k, k + 3).join(":"))}`,
      );
    if (columns.some((column) => column.name === name))
      throw lines.error(`Properties names the column ${shown(name)} twice; rename one`);
    columns.push({ name, kind: kind as ColumnKind, start: width, width: columnCount });
    width += columnCount;
  }
  const pos = columns.find(({ name }) => name === "pos");
  if (pos === undefined || pos.kind !== "R" || pos.width !== 3)
    throw lines.error(`Properties=${shown(text)}: the column pos:R:3 is needed`);
  return { columns, width, open };
}

function readColumns(
  lines: Lines,
  spans: WordSpans,
  { columns, width, open }: Layout,
  atoms: number,
): Map<string, [Column, ColumnData]> {
  if (2 * atoms * width > lines.size + 1)
    throw lines.error(
      `a frame of ${atoms} atoms with ${width} columns is announced, more than a file of ${lines.size} bytes can hold`,
    );
  const found = new Map<string, [Column, ColumnData]>();
  for (const column of columns) found.set(column.name, [column, emptyColumn(column, atoms)]);
  const targets = [...found.values()];
  for (let atom = 0; atom < atoms; atom++) {
    if (!lines.take()) lines.need(`atom ${atom + 1} of ${atoms}`);
    const count = spans.find(lines.text, lines.start, lines.end);
    if (count < width || (count > width && !open))
      throw lines.error(
        open
          ? `${count} words for an atom; element x y z are needed`
          : `${count} words for an atom, Properties asks for ${width}`,
      );
    for (const [column, data] of targets) fillRow(lines, column, data, atom, spans);
  }
  return found;
}

function emptyColumn({ kind, width }: Column, atoms: number): ColumnData {
  if (kind === "S") return new Array<string>(atoms * width).fill("");
  if (kind === "L") return new Uint8Array(atoms * width);
  return kind === "R" ? new Float64Array(atoms * width) : new BigInt64Array(atoms * width);
}

function fillRow(lines: Lines, column: Column, data: ColumnData, atom: number, spans: WordSpans): void {
  const { kind, start, width } = column;
  if (kind === "R") {
    const values = data as Float64Array;
    for (let k = 0; k < width; k++) {
      const value = spans.real(start + k) ?? refuse(lines, column, spans.word(start + k), "a number");
      values[atom * width + k] = value;
    }
    return;
  }
  for (let k = 0; k < width; k++) {
    const word = spans.word(start + k);
    const at = atom * width + k;
    if (kind === "S") (data as string[])[at] = word;
    else if (kind === "L")
      (data as Uint8Array)[at] = parseTruth(word) ?? refuse(lines, column, word, "T or F");
    else (data as BigInt64Array)[at] = wholeNumber(lines, column, word);
  }
}

function wholeNumber(lines: Lines, column: Column, word: string): bigint {
  if (!/^[-+]?\d+$/.test(word)) refuse(lines, column, word, "a whole number");
  if (word.length <= 18) return BigInt(word);
  const digits = word.replace(/^\+/, "");
  const value = digits.length > 40 ? null : BigInt(digits);
  if (value !== null && BigInt.asIntN(64, value) === value) return value;
  throw lines.error(
    `column ${shown(column.name)} holds ${shown(word)}, more than the 64 bits of a whole number; give the column the type S (text) or R (real) in Properties`,
  );
}

function refuse(lines: Lines, { name }: Column, word: string, needed: string): never {
  throw lines.error(`column ${shown(name)} holds ${shown(word)} where ${needed} is needed`);
}

function assemble(
  lines: Lines,
  columns: Map<string, [Column, ColumnData]>,
  info: Map<string, Field>,
  keys: readonly string[],
): Structure {
  const take = (name: string, kinds: string, width: number): ColumnData | null => {
    const [column, data] = columns.get(name) ?? [];
    if (column === undefined || !kinds.includes(column.kind) || column.width !== width) return null;
    columns.delete(name);
    return data!;
  };
  const positions = take("pos", "R", 3) as Float64Array;
  const atoms = positions.length / 3;
  const { atomicNumbers, names } = takeSpecies(lines, take);
  const own = take(ownNames, "S", 1) as string[] | null;
  const forces = take("forces", "R", 3) as Float64Array | null;
  const numbers = take("tags", "I", 1) as BigInt64Array | null;
  const tags = numbers === null ? null : tagsOf(numbers);
  const fixed = take("fixed", "IL", 1) as BigInt64Array | Uint8Array | null;
  const { cell, pbc } = takeCell(lines, info);
  const energy = scalarOf(info.get("energy"));
  if (energy !== null) info.delete("energy");
  const arrays = new Map<string, Field>();
  for (const [name, [column, data]] of columns) arrays.set(name, columnField(column, data, atoms));
  if (numbers !== null && tags === null)
    arrays.set("tags", { kind: "integer", shape: [atoms], data: numbers });
  return makeStructure({
    atomicNumbers,
    species: own ?? names,
    positions,
    cell,
    pbc,
    energy,
    forces,
    virial: takeMatrix(info, "virial"),
    stress: takeMatrix(info, "stress"),
    tags,
    fixed:
      fixed === null
        ? null
        : Uint8Array.from(fixed as ArrayLike<number | bigint>, (x) => Number(Number(x) !== 0)),
    arrays,
    info,
    keys,
  });
}

function takeSpecies(
  lines: Lines,
  take: (name: string, kinds: string, width: number) => ColumnData | null,
): { atomicNumbers: Int32Array; names: readonly string[] | null } {
  const words = take("species", "S", 1) as string[] | null;
  if (words !== null) {
    const species = readSpecies(words);
    if (typeof species !== "number") return species;
    throw lines.error(
      `the frame that ends here names ${shown(words[species])} as the element of atom ${species}; symbols of elements are needed`,
    );
  }
  const numbers = take("Z", "I", 1) as BigInt64Array | null;
  if (numbers === null) throw lines.error("Properties needs species:S:1 or Z:I:1 to name the elements");
  const bad = numbers.findIndex((z) => z < 0n || z > 118n);
  if (bad >= 0)
    throw lines.error(`Z is ${numbers[bad]} for atom ${bad} of the frame that ends here; allowed: 0 to 118`);
  return { atomicNumbers: Int32Array.from(numbers, Number), names: null };
}

function columnField({ kind, width }: Column, data: ColumnData, atoms: number): Field {
  const shape = width === 1 ? [atoms] : [atoms, width];
  if (kind === "S") return { kind: "text", shape, data: data };
  if (kind === "R") return { kind: "real", shape, data: data };
  if (kind === "L") return { kind: "boolean", shape, data: data };
  const wide = data as BigInt64Array;
  const narrow = wide.every((value) => value === BigInt.asIntN(32, value));
  return { kind: "integer", shape, data: narrow ? Int32Array.from(wide, Number) : wide };
}

function takeMatrix(info: Map<string, Field>, name: string): Float64Array | null {
  const field = info.get(name);
  if (field === undefined || !/^(?:real|integer)$/.test(field.kind) || field.data.length !== 9) return null;
  info.delete(name);
  const matrix = new Float64Array(9);
  for (let k = 0; k < 9; k++) matrix[k] = Number(field.data[k]);
  return matrix;
}

function takeCell(lines: Lines, info: Map<string, Field>): { cell: Float64Array | null; pbc: PbcFlags } {
  const lattice = info.get("Lattice");
  const cell = takeMatrix(info, "Lattice");
  if (lattice !== undefined && cell === null)
    throw lines.error(
      "the frame that ends here has a Lattice that is not 9 numbers: ax ay az bx by bz cx cy cz",
    );
  const flags = info.get("pbc");
  if (flags === undefined) return { cell, pbc: pbcOf(cell !== null) };
  info.delete("pbc");
  const values: boolean[] = [];
  for (let k = 0; k < flags.data.length; k++) values.push(Number(flags.data[k]) !== 0);
  if (!/^(?:boolean|integer)$/.test(flags.kind) || (values.length !== 3 && valueCount(flags.shape) !== 1))
    throw lines.error('the frame that ends here has a pbc that is not three truth values such as "T T F"');
  return { cell, pbc: values.length === 1 ? pbcOf(values[0]) : [values[0], values[1], values[2]] };
}
