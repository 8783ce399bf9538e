import { atomicMasses } from "../atomic-masses.js";
import { elementSymbols } from "../elements.js";
import { integers, makeStructure, pbcOf, type Field, type Structure } from "../structure.js";
import type { Lines } from "../text/lines.js";
import { withLines } from "../text/lines.js";
import { parseReal, shown, wordsOf } from "../text/numbers.js";
import { writeTextPieces } from "../text/write-text.js";
import { orderOf } from "../text/word-column.js";
import { WordSpans } from "../text/word-spans.js";
import type { StructureFormat } from "./format.js";
import { boxCell } from "./lammps-box.js";
import { formatLammpsData } from "./lammps-data-write.js";
import { LammpsRows } from "./lammps-rows.js";
import { columnOf, styleOf } from "./lammps-styles.js";
import { lammpsUnits, metal, scaled, type LammpsUnits } from "./lammps-units.js";
import { onlyStructure } from "./one-frame.js";
import { elementOfName } from "./species.js";

/** Data files of LAMMPS (`read_data`): units metal unless the title says others, atom styles atomic, charge, bond, molecular, full, sphere, spin. */
export const lammpsData: StructureFormat = {
  name: "lammps-data",
  extensions: [".data", ".lmp", ".lammps"],
  fileName: /^data\./,
  firstType: 1,
  sniff: ({ text }) =>
    /^[ \t]*\d+[ \t]+atoms\b/m.test(text) && /^[ \t]*\S+[ \t]+\S+[ \t]+xlo[ \t]+xhi/m.test(text),
  read: (path) => withLines(path, readOne),
  write: (path, structures) =>
    writeTextPieces(path, [formatLammpsData(onlyStructure(structures, "lammps-data"))]),
};

const sections =
  /^(?:Atoms|Velocities|Masses|Atom Type Labels|Bonds|Angles|Dihedrals|Impropers|Ellipsoids|Lines|Triangles|Bodies|[A-Z][a-z]+(?:[A-Z]{2})? Coeffs|[A-Z][a-z]+ Type Labels|[A-Z]\w+ Coeffs)\b/;

interface DataFile {
  atoms: number;
  readonly units: LammpsUnits;
  readonly box: Map<string, number[]>;
  /** Element of each type. */
  readonly elements: Map<string, number>;
  style: string | null;
  rows: LammpsRows | null;
  velocities: LammpsRows | null;
}

const keys = ["atoms", "box", "type", "x", "y", "z"];

function* readOne(lines: Lines): Generator<Structure> {
  const title = lines.need("the comment line");
  // As `write_data` says them.
  const units = /\bunits\s*=\s*(\w+)/.exec(title)?.[1];
  const file: DataFile = {
    units: units === undefined ? metal : lammpsUnits(units, (what) => lines.error(what)),
    atoms: -1,
    box: new Map(),
    elements: new Map(),
    style: null,
    rows: null,
    velocities: null,
  };
  const spans = new WordSpans();
  for (let line = lines.next(); line !== null; line = lines.next()) {
    const [text, remark] = splitRemark(line);
    if (text === "") continue;
    if (sections.test(text)) readSection(lines, spans, file, text, remark);
    else readHeader(lines, file, text);
  }
  yield assemble(lines, file);
}

function splitRemark(line: string): [string, string] {
  const mark = line.indexOf("#");
  return mark < 0 ? [line.trim(), ""] : [line.slice(0, mark).trim(), line.slice(mark + 1).trim()];
}

function readHeader(lines: Lines, file: DataFile, text: string): void {
  const found = /^([-+.\deE\s]*\d\S*)\s+([a-z][a-z\s]*)$/.exec(text);
  if (found === null)
    throw lines.error(`${shown(text)} is neither a header line nor a section of a LAMMPS data file`);
  const values = wordsOf(found[1]).map(parseReal);
  if (values.some((value) => value === null || !Number.isFinite(value)))
    throw lines.error(`${shown(text)} holds no plain numbers`);
  const name = wordsOf(found[2]).join(" ");
  if (name === "atoms") {
    file.atoms = values[0]!;
    if (!Number.isInteger(file.atoms) || file.atoms < 0 || 8 * file.atoms > lines.size)
      throw lines.error(`${values[0]} atoms are announced, more than a file of ${lines.size} bytes can hold`);
  } else file.box.set(name, values as number[]);
}

/** Reads the lines of a section up to the blank line that ends it. */
function readSection(lines: Lines, spans: WordSpans, file: DataFile, title: string, remark: string): void {
  let rows: LammpsRows | null = null;
  if (title.startsWith("Atoms")) {
    if (file.rows !== null) throw lines.error("a second section Atoms; leave one out");
    file.style = remark.split(/\s/)[0] || null;
    rows = file.rows = new LammpsRows(lines, "Atoms", file.atoms);
  } else if (title.startsWith("Velocities"))
    rows = file.velocities = new LammpsRows(lines, "Velocities", file.atoms);
  let begun = false;
  for (let next = lines.peek(); next !== null; next = lines.peek()) {
    const [text, comment] = splitRemark(next);
    if (text === "" ? begun : sections.test(text)) return;
    lines.next();
    if (text === "") continue;
    begun = true;
    if (rows !== null) rows.add(spans, spans.find(text));
    else if (title === "Atom Type Labels" || title.startsWith("Masses")) {
      const words = wordsOf(text);
      const name = title.startsWith("Masses") ? comment.split(/\s/)[0] : words[1];
      if (!nameType(file, words[0], name) && title.startsWith("Masses")) massType(lines, file, words);
    }
  }
}

function nameType(file: DataFile, type: string, name: string | undefined): boolean {
  const z = name === undefined || /^\d*$/.test(name) ? null : elementOfName(name);
  if (z === null) return file.elements.has(type);
  file.elements.set(type, z);
  return true;
}

/** The element whose mass is nearest, if it is near. */
function massType(lines: Lines, file: DataFile, words: readonly string[]): void {
  const mass = parseReal(words[1] ?? "");
  if (mass === null) throw lines.error(`${shown(words[1] ?? "")} stands where a mass is needed`);
  const distance = (k: number): number => Math.abs(atomicMasses[k] - file.units.mass * mass);
  const nearest = atomicMasses.reduce((best, _, k) => (distance(k) < distance(best) ? k : best), 0);
  if (distance(nearest) < 0.3) file.elements.set(words[0], nearest + 1);
}

function assemble(lines: Lines, file: DataFile): Structure {
  const { rows } = file;
  const atoms = rows?.count ?? 0;
  if (file.atoms < 0 || rows === null || atoms !== file.atoms)
    throw lines.error(
      `the header announces ${Math.max(0, file.atoms)} atoms, the section Atoms holds ${atoms}`,
    );
  const { velocities } = file;
  if (velocities !== null && velocities.count !== atoms)
    throw lines.error(`the section Velocities holds ${velocities.count} rows for ${atoms} atoms`);
  const style = styleOf(lines, rows, file.style);
  const ids = atoms === 0 ? new Float64Array(0) : rows.wholeNumbers(0, idOfAtom);
  const order = orderOf(ids);
  const double = order.findIndex((k, n) => n > 0 && ids[k] === ids[order[n - 1]]);
  if (double >= 0) throw lines.error(`two atoms have the id ${ids[order[double]]}; number them differently`);
  const positions = new Float64Array(3 * atoms);
  if (atoms > 0)
    for (let axis = 0; axis < 3; axis++) {
      const values = rows.numbers(columnOf(style, "x") + axis, "a coordinate");
      for (let atom = 0; atom < atoms; atom++) positions[3 * atom + axis] = values[order[atom]];
    }
  const cell = boxCell(file.box);
  if (cell === null) throw lines.error("the header gives no box (xlo xhi, ylo yhi, zlo zhi)");
  const types = atoms === 0 ? [] : rows.words(columnOf(style, "type"), "the type of an atom", order);
  const atomicNumbers = Int32Array.from(types, (type) => file.elements.get(type) ?? 0);
  const species = atomicNumbers.includes(0)
    ? types.map((type, k) => elementSymbols[atomicNumbers[k] - 1] ?? `Type_${type}`)
    : null;
  return makeStructure({
    atomicNumbers,
    species,
    positions: scaled(positions, file.units.length),
    cell: scaled(cell, file.units.length),
    pbc: pbcOf(true),
    arrays: atoms === 0 ? new Map() : extraColumns(file, rows, style, order),
    keys,
  });
}

/** Columns that are parts of the structure, not fields. */
const structureColumns: ReadonlySet<string> = new Set(["type", "x", "y", "z"]);

function extraColumns(
  { velocities, units }: DataFile,
  rows: LammpsRows,
  style: readonly string[],
  order: Uint32Array,
): Map<string, Field> {
  const atoms = order.length;
  const arrays = new Map<string, Field>();
  const sorted = (values: Float64Array): Float64Array => Float64Array.from(order, (row) => values[row]);
  for (const name of style) {
    if (structureColumns.has(name)) continue;
    const at = columnOf(style, name);
    const shape = [atoms];
    if (name === "molecule")
      arrays.set(name, {
        kind: "integer",
        shape,
        data: integers(sorted(rows.wholeNumbers(at, "the id of a molecule"))),
      });
    else
      arrays.set(name, {
        kind: "real",
        shape,
        data: scaled(sorted(rows.numbers(at, `the ${name}`)), unitOf(name, units)),
      });
  }
  if (rows.width === style.length + 4) {
    const flags = [1, 2, 3].map((k) => sorted(rows.wholeNumbers(style.length + k, "an image flag")));
    const images = inRows(flags);
    if (images.some((image) => image !== 0))
      arrays.set("image", { kind: "integer", shape: [atoms, 3], data: integers(images) });
  }
  if (velocities !== null && velocities.count > 0)
    arrays.set("velocities", {
      kind: "real",
      shape: [atoms, 3],
      data: scaled(velocitiesOf(velocities, sorted(rows.wholeNumbers(0, idOfAtom))), units.velocity),
    });
  return arrays;
}

/** What one unit of a column is. */
function unitOf(name: string, { length, charge }: LammpsUnits): number {
  if (name === "diameter") return length;
  return name === "charge" ? charge : 1;
}

const idOfAtom = "the id of an atom";

/** Columns x, y, z as the rows of an array. */
function inRows(columns: readonly Float64Array[]): Float64Array {
  const rows = new Float64Array(3 * columns[0].length);
  columns.forEach((values, k) => values.forEach((value, atom) => (rows[3 * atom + k] = value)));
  return rows;
}

/** The velocities of atoms, given their sorted ids. */
function velocitiesOf(velocities: LammpsRows, ids: Float64Array): Float64Array {
  const own = velocities.wholeNumbers(0, idOfAtom).subarray(0, velocities.count);
  const order = orderOf(own);
  let at = 0;
  const rows = Uint32Array.from(ids, (id) => {
    while (at < order.length && own[order[at]] < id) at++;
    if (own[order[at]] !== id) velocities.missing(id);
    return order[at];
  });
  return inRows(
    [1, 2, 3].map((k) => {
      const values = velocities.numbers(k, "a velocity");
      return Float64Array.from(rows, (row) => values[row]);
    }),
  );
}
