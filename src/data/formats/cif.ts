import { cellFromParameters, cellParameters, type CellParameters } from "../../geometry/cell-parameters.js";
import { determinant, inverse, rowsTimes } from "../../geometry/matrix3.js";
import { AtomgradError } from "../../tensor/error.js";
import { elementSymbols } from "../elements.js";
import {
  integerField,
  makeStructure,
  pbcOf,
  realField,
  textField,
  type Field,
  type Structure,
} from "../structure.js";
import { Lines, withLines } from "../text/lines.js";
import { formatReal, parseReal, shown } from "../text/numbers.js";
import { WordSpans } from "../text/word-spans.js";
import { writeTextPieces } from "../text/write-text.js";
import { cifBlocks, columnOf, operationTags, type CifBlock } from "./cif-blocks.js";
import { type CifColumn, ElementColumn, NumberColumn, numberOf, TextColumn } from "./cif-columns.js";
import { expandSites, isIdentity, parseOperation, type SymmetryOperation } from "./cif-symmetry.js";
import type { StructureFormat } from "./format.js";
import { samplePieces, startsByLines } from "./sample-text.js";

/** Crystallographic information files: several blocks are several frames; written as P1 at full precision. */
export const cif: StructureFormat = {
  name: "cif",
  extensions: [".cif", ".mcif"],
  sniff: ({ text }) =>
    /^\uFEFF?(?:[^\S\n]*(?:#[^\n]*)?\n)*[^\S\n]*data_/i.test(text) &&
    /_cell_length_a|_atom_site_/i.test(text),
  read: (path) => withLines(path, (lines) => readBlocks(lines)),
  sample: (path, count) =>
    samplePieces(path, count, { starts: blockStarts, read: readSome, isDoubtful: true }),
  write: (path, structures) => writeTextPieces(path, formatBlocks(structures)),
};

/** A text may have such lines too. */
function blockStarts(piece: string, from: number, most: number): number[] {
  return startsByLines(piece, from, most, (line) => /^data_/i.test(line));
}

/** The same where no block needs to hold atoms. */
function readSome(lines: Lines): Generator<Structure> {
  return readBlocks(lines, { needsAtoms: false });
}

interface BlockOptions {
  /** Whether a text without any block that lists atoms is an error; true by default. */
  readonly needsAtoms?: boolean;
  /** Whether to keep what else a block says; true by default. */
  readonly withFields?: boolean;
  /** As `CifTokens` has it. */
  readonly spans?: WordSpans;
}

function* readBlocks(lines: Lines, options: BlockOptions = {}): Generator<Structure> {
  const { needsAtoms = true, withFields = true, spans } = options;
  let held = 0;
  for (const block of cifBlocks(lines, spans)) {
    if (!listsAtoms(block.columns) && !listsAtoms(block.items)) continue;
    const place = held++ === 0 ? "" : `: block ${block.name.slice(0, 40)}`;
    const structure = blockStructure(block, lines.name + place);
    yield withFields ? { ...structure, info: readInfo(block), keys: keysOf(block) } : structure;
  }
  if (held === 0 && needsAtoms)
    throw new AtomgradError("FORMAT", `${lines.name}: no block of this CIF lists atoms (_atom_site_)`);
}

function listsAtoms(tagged: ReadonlyMap<string, unknown>): boolean {
  for (const tag of tagged.keys()) if (tag.startsWith("_atom_site_")) return true;
  return false;
}

/** Reads one CIF text after the other. */
export class CifTexts {
  private readonly spans = new WordSpans();

  /** The structures of a text without its further fields. Blocks without atoms (texts, powder data) are passed over. */
  read(text: string, name: string): Structure[] {
    return [...readBlocks(Lines.ofText(text, name), { withFields: false, spans: this.spans })];
  }
}

function blockStructure(block: CifBlock, name: string): Structure {
  const cell = readCell(block, name);
  checkOccupancy(block, name);
  const species = readElements(block, name);
  if (species.length === 0)
    throw new AtomgradError("FORMAT", `${name}: its list of atoms (_atom_site_) is empty; complete it`);
  const axes = ["x", "y", "z"].map((axis) => siteColumn(block, `fract_${axis}`));
  const direct = axes.every((column) => column !== null);
  const used = direct ? axes : ["x", "y", "z"].map((axis) => siteColumn(block, `cartn_${axis}`));
  const rows = new Float64Array(3 * species.length);
  used.forEach((column, k) => {
    if (!(column instanceof NumberColumn) || column.rows !== species.length)
      throw new AtomgradError(
        "FORMAT",
        `${name}: atoms need _atom_site_fract_x, _y and _z (or _atom_site_Cartn_x, _y, _z)`,
      );
    checkNumbers(column, column.bad ?? column.unknown, name);
    for (let atom = 0; atom < species.length; atom++) rows[3 * atom + k] = column.values[atom];
  });
  const fractions = direct ? rows : rowsTimes(rows, inverse(cell));
  const operations = readOperations(block, name);
  const plain = operations.length === 1 && isIdentity(operations[0]);
  const full = plain ? null : expandSites(fractions, operations, name);
  return makeStructure({
    atomicNumbers: full === null ? species : full.origin.map((site) => species[site]),
    positions: full !== null ? rowsTimes(full.fractions, cell) : direct ? rowsTimes(rows, cell) : rows,
    cell,
    pbc: pbcOf(true),
  });
}

/** The tags of a block as the file spells them. */
function keysOf({ items, columns }: CifBlock): string[] {
  const filled = [...columns.values()].filter(({ rows }) => rows > 0);
  return [...items.values(), ...filled].map(({ tag }) => tag);
}

/** What a block says of its sites, in a loop or, of a single one, as an item. */
function siteColumn({ items, columns }: CifBlock, name: string): CifColumn | null {
  const key = `_atom_site_${name}`;
  const item = items.get(key);
  const found = columns.get(key);
  if (found !== undefined || item === undefined) return found ?? null;
  const column = columnOf(key, item.tag);
  column.add(item);
  return column;
}

function checkNumbers({ tag }: { readonly tag: string }, bad: string | null, name: string): void {
  if (bad === null) return;
  throw new AtomgradError("FORMAT", `${name}: ${tag} is ${shown(bad)}; a number is needed`);
}

function checkOccupancy(block: CifBlock, name: string): void {
  const column = siteColumn(block, "occupancy");
  if (!(column instanceof NumberColumn)) return;
  checkNumbers(column, column.bad, name);
  const single = block.items.get("_atom_site_label")?.word.slice(0, 20) ?? "0";
  const others = column.values.filter((value) => Math.abs(value - 1) >= 1e-6);
  if (others.length === 0) return;
  const { site, occupancy } = block.partial ?? { site: single, occupancy: others[0] };
  throw new AtomgradError(
    "VALUE",
    `${name}: site ${site} has the occupancy ${occupancy}; disordered structures cannot be read, give an ordered one`,
  );
}

function readElements(block: CifBlock, name: string): Int32Array {
  const column = siteColumn(block, "type_symbol") ?? siteColumn(block, "label");
  if (!(column instanceof ElementColumn))
    throw new AtomgradError(
      "FORMAT",
      `${name}: atoms need _atom_site_type_symbol or _atom_site_label to name their elements`,
    );
  if (column.bad !== null)
    throw new AtomgradError(
      "FORMAT",
      `${name}: ${column.tag} is ${shown(column.bad)}, which begins with no element`,
    );
  return Int32Array.from(column.atomicNumbers);
}

const cellTags = ["length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"].map(
  (part) => `_cell_${part}`,
);

function readCell(block: CifBlock, name: string): Float64Array {
  const parameters = cellTags.map((tag) => {
    const value = block.items.get(tag);
    if (value === undefined)
      throw new AtomgradError("FORMAT", `${name}: ${tag} is missing; the cell needs it`);
    const number = Number.isNaN(value.decimal) ? numberOf(value.word) : value.decimal;
    checkNumbers(value, number === null ? value.word : null, name);
    return number!;
  });
  try {
    return cellFromParameters(parameters as unknown as CellParameters);
  } catch (error) {
    throw new AtomgradError("VALUE", `${name}: ${(error as Error).message}`);
  }
}

const groupTags = [
  "_symmetry_space_group_name_h-m",
  "_space_group_name_h-m_alt",
  "_symmetry_int_tables_number",
  "_space_group_it_number",
  "_symmetry_space_group_name_hall",
  "_space_group_name_hall",
];

function readOperations(block: CifBlock, name: string): readonly SymmetryOperation[] {
  for (const tag of operationTags) {
    const item = block.items.get(tag);
    const column = block.columns.get(tag);
    const texts = column instanceof TextColumn ? column.texts : item === undefined ? [] : [item.word];
    if (texts.length > 0) return texts.map((text) => parseOperation(text, name));
  }
  for (const tag of groupTags) {
    const value = block.items.get(tag);
    if (value === undefined || /^(?:[.?]|1|p\s*1)$/i.test(value.word.trim())) continue;
    throw new AtomgradError(
      "FORMAT",
      `${name}: the space group is ${shown(value.word)}, but no symmetry operations are listed (_symmetry_equiv_pos_as_xyz); write the file with them, or as P1`,
    );
  }
  return [{ rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1], shift: [0, 0, 0] }];
}

/** Single items but the cell, which is given by its vectors. */
function readInfo(block: CifBlock): Map<string, Field> {
  const info = new Map<string, Field>();
  for (const { tag, word: text, quoted } of block.items.values()) {
    if (/^_cell_(?:length|angle)_/i.test(tag) || (!quoted && /^[.?]$/.test(text))) continue;
    const number = quoted ? null : parseReal(text.replace(/\(\d+\)$/, ""));
    const whole = number !== null && /^[-+]?\d{1,15}$/.test(text);
    info.set(tag, number === null ? textField(text) : whole ? integerField(number) : realField(number));
  }
  return info;
}

function* formatBlocks(structures: Iterable<Structure>): Generator<string> {
  let count = 0;
  for (const structure of structures) yield formatCif(structure, `structure_${count++}`);
}

/** One block, P1, lengths, angles and fractional coordinates at full precision. */
export function formatCif({ atomicNumbers, positions, cell }: Structure, name: string): string {
  if (cell === null || determinant(cell) === 0)
    throw new AtomgradError(
      "VALUE",
      "cif: this structure has no cell with a volume, CIF needs one; write xyz or extxyz",
    );
  const parameters = cellParameters(cell).map(formatReal);
  const fractions = rowsTimes(positions, inverse(cell));
  const out = [`data_${name}`, "_symmetry_space_group_name_H-M 'P 1'", "_symmetry_Int_Tables_number 1"];
  cellTags.forEach((tag, k) => out.push(`${tag} ${parameters[k]}`));
  out.push("loop_", "_symmetry_equiv_pos_as_xyz", "'x, y, z'", "loop_");
  for (const tag of ["type_symbol", "label", "fract_x", "fract_y", "fract_z", "occupancy"])
    out.push(`_atom_site_${tag}`);
  atomicNumbers.forEach((z, atom) => {
    const symbol = elementSymbols[z - 1];
    if (symbol === undefined)
      throw new AtomgradError(
        "VALUE",
        `cif: atom ${atom} is no element; CIF names elements; --type-map names types without elements`,
      );
    const at = [0, 1, 2].map((k) => formatReal(fractions[3 * atom + k])).join(" ");
    out.push(`${symbol} ${symbol}${atom + 1} ${at} 1`);
  });
  return `${out.join("\n")}\n`;
}
