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
import type { Lines } from "../text/lines.js";
import { withLines } from "../text/lines.js";
import { formatReal, parseReal, shown } from "../text/numbers.js";
import { writeTextPieces } from "../text/write-text.js";
import { expandSites, isIdentity, parseOperation, type SymmetryOperation } from "./cif-symmetry.js";
import { parseCif, type CifBlock, type CifValue } from "./cif-tokens.js";
import type { StructureFormat } from "./format.js";
import { elementOfName } from "./species.js";

/** Crystallographic information files: several blocks are several frames; written as P1 at full precision. */
export const cif: StructureFormat = {
  name: "cif",
  extensions: [".cif", ".mcif"],
  sniff: ({ text }) =>
    /^\uFEFF?(?:\s*(?:#.*)?\n)*\s*data_/i.test(text) && /_cell_length_a|_atom_site_/i.test(text),
  read: (path) => withLines(path, readBlocks),
  write: (path, structures) => writeTextPieces(path, formatBlocks(structures)),
};

const maxTextLength = 1 << 27;

function* readBlocks(lines: Lines): Generator<Structure> {
  const parts: string[] = [];
  let length = 0;
  for (let line = lines.next(); line !== null; line = lines.next()) {
    length += line.length;
    if (length > maxTextLength)
      throw lines.error(`the file is longer than ${maxTextLength} characters; split it`);
    parts.push(line);
  }
  yield* cifStructures(parts.join("\n"), lines.name);
}

/** The structures of a CIF text. Blocks without atoms (texts, powder data) are passed over. */
export function* cifStructures(text: string, name: string): Generator<Structure> {
  const blocks = parseCif(text, name);
  const held = blocks.filter(({ loops, items }) =>
    [...loops.keys(), ...items.keys()].some((tag) => tag.startsWith("_atom_site_")),
  );
  if (held.length === 0)
    throw new AtomgradError("FORMAT", `${name}: no block of this CIF lists atoms (_atom_site_)`);
  for (const block of held)
    yield blockStructure(block, held.length > 1 ? `${name}: block ${block.name.slice(0, 40)}` : name);
}

function blockStructure(block: CifBlock, name: string): Structure {
  const column = (tag: string): readonly CifValue[] | undefined => {
    const item = block.items.get(`_atom_site_${tag}`);
    return block.loops.get(`_atom_site_${tag}`) ?? (item === undefined ? undefined : [item]);
  };
  const cell = readCell(block, name);
  checkOccupancy(column("occupancy"), column("label"), name);
  const species = readElements(column("type_symbol"), column("label"), name);
  const axes = ["fract_x", "fract_y", "fract_z"].map(column);
  const direct = axes.every((values) => values !== undefined);
  const used = direct ? axes : ["cartn_x", "cartn_y", "cartn_z"].map(column);
  if (used.some((values) => values?.length !== species.length))
    throw new AtomgradError(
      "FORMAT",
      `${name}: atoms need _atom_site_fract_x, _y and _z (or _atom_site_Cartn_x, _y, _z)`,
    );
  const rows = new Float64Array(3 * species.length);
  used.forEach((values, k) =>
    values!.forEach((value, atom) => (rows[3 * atom + k] = readNumber(value, name))),
  );
  const fractions = direct ? rows : rowsTimes(rows, inverse(cell));
  const operations = readOperations(block, name);
  const plain = operations.length === 1 && isIdentity(operations[0]);
  const full = plain ? null : expandSites(fractions, operations, name);
  return makeStructure({
    atomicNumbers: full === null ? species : full.origin.map((site) => species[site]),
    positions: full !== null ? rowsTimes(full.fractions, cell) : direct ? rowsTimes(rows, cell) : rows,
    cell,
    pbc: pbcOf(true),
    info: readInfo(block),
    keys: [...block.items.values(), ...[...block.loops.values()].flatMap((values) => values.slice(0, 1))].map(
      ({ tag }) => tag,
    ),
  });
}

/** A number with or without its standard uncertainty: 1.234(5). */
function readNumber({ tag, text }: CifValue, name: string): number {
  const value = parseReal(text.replace(/\(\d+\)$/, ""));
  if (value !== null && Number.isFinite(value)) return value;
  throw new AtomgradError("FORMAT", `${name}: ${tag} is ${shown(text)}; a number is needed`);
}

function readCell(block: CifBlock, name: string): Float64Array {
  const parameters = ["length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"].map(
    (part) => {
      const value = block.items.get(`_cell_${part}`);
      if (value === undefined)
        throw new AtomgradError("FORMAT", `${name}: _cell_${part} is missing; the cell needs it`);
      return readNumber(value, name);
    },
  );
  try {
    return cellFromParameters(parameters as unknown as CellParameters);
  } catch (error) {
    throw new AtomgradError("VALUE", `${name}: ${(error as Error).message}`);
  }
}

function checkOccupancy(
  values: readonly CifValue[] | undefined,
  labels: readonly CifValue[] | undefined,
  name: string,
): void {
  values?.forEach((value, atom) => {
    if (!value.quoted && /^[.?]$/.test(value.text)) return;
    const occupancy = readNumber(value, name);
    if (Math.abs(occupancy - 1) < 1e-6) return;
    throw new AtomgradError(
      "VALUE",
      `${name}: site ${labels?.[atom]?.text.slice(0, 20) ?? atom} has the occupancy ${occupancy}; disordered structures cannot be read, give an ordered one`,
    );
  });
}

function readElements(
  types: readonly CifValue[] | undefined,
  labels: readonly CifValue[] | undefined,
  name: string,
): Int32Array {
  const source = types ?? labels;
  if (source === undefined)
    throw new AtomgradError(
      "FORMAT",
      `${name}: atoms need _atom_site_type_symbol or _atom_site_label to name their elements`,
    );
  return Int32Array.from(source, ({ text, tag }) => {
    const letters = /^[A-Za-z]{1,2}/.exec(text)?.[0] ?? "";
    const z = elementOfName(letters) ?? elementOfName(letters.slice(0, 1));
    if (z !== null) return z;
    throw new AtomgradError("FORMAT", `${name}: ${tag} is ${shown(text)}, which begins with no element`);
  });
}

const operationTags = [
  "_space_group_symop_operation_xyz",
  "_symmetry_equiv_pos_as_xyz",
  "_space_group_symop.operation_xyz",
];
const groupTags = [
  "_symmetry_space_group_name_h-m",
  "_space_group_name_h-m_alt",
  "_symmetry_int_tables_number",
  "_space_group_it_number",
];

function readOperations(block: CifBlock, name: string): readonly SymmetryOperation[] {
  for (const tag of operationTags) {
    const item = block.items.get(tag);
    const values = block.loops.get(tag) ?? (item === undefined ? undefined : [item]);
    if (values !== undefined && values.length > 0)
      return values.map(({ text }) => parseOperation(text, name));
  }
  for (const tag of groupTags) {
    const value = block.items.get(tag);
    if (value === undefined || /^(?:[.?]|1|p\s*1)$/i.test(value.text.trim())) continue;
    throw new AtomgradError(
      "FORMAT",
      `${name}: the space group is ${shown(value.text)}, but no symmetry operations are listed (_symmetry_equiv_pos_as_xyz); write the file with them, or as P1`,
    );
  }
  return [{ rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1], shift: [0, 0, 0] }];
}

/** Single items but the cell, which is given by its vectors. */
function readInfo(block: CifBlock): Map<string, Field> {
  const info = new Map<string, Field>();
  for (const { tag, text, quoted } of block.items.values()) {
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
  const tags = ["length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"];
  const out = [`data_${name}`, "_symmetry_space_group_name_H-M 'P 1'", "_symmetry_Int_Tables_number 1"];
  tags.forEach((tag, k) => out.push(`_cell_${tag} ${parameters[k]}`));
  out.push("loop_", "_symmetry_equiv_pos_as_xyz", "'x, y, z'", "loop_");
  for (const tag of ["type_symbol", "label", "fract_x", "fract_y", "fract_z", "occupancy"])
    out.push(`_atom_site_${tag}`);
  atomicNumbers.forEach((z, atom) => {
    const symbol = elementSymbols[z - 1];
    if (symbol === undefined)
      throw new AtomgradError("VALUE", `cif: atom ${atom} is no element; CIF names elements`);
    const at = [0, 1, 2].map((k) => formatReal(fractions[3 * atom + k])).join(" ");
    out.push(`${symbol} ${symbol}${atom + 1} ${at} 1`);
  });
  return `${out.join("\n")}\n`;
}
