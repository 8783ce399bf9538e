import { atomicMasses } from "../atomic-masses.js";
import { elementSymbols } from "../elements.js";
import { AtomgradError } from "../../tensor/error.js";
import { determinant, inverse, rowsTimes } from "../../geometry/matrix3.js";
import { integers, makeStructure, pbcOf, type Field, type Structure } from "../structure.js";
import type { Lines } from "../text/lines.js";
import { withLines } from "../text/lines.js";
import { formatReal, parseInteger, parseReal, shown, wordsOf } from "../text/numbers.js";
import { writeTextPieces } from "../text/write-text.js";
import type { StructureFormat } from "./format.js";
import { boxCell, fitsBox, restricted } from "./lammps-box.js";
import { onlyStructure } from "./one-frame.js";
import { elementOfName } from "./species.js";

/** Data files of LAMMPS (`read_data`): units metal, atom styles atomic, charge, bond, molecular, full, sphere. */
export const lammpsData: StructureFormat = {
  name: "lammps-data",
  extensions: [".data", ".lmp", ".lammps"],
  fileName: /^data\./,
  sniff: ({ text }) => /^\s*\d+\s+atoms\b/m.test(text) && /^\s*\S+\s+\S+\s+xlo\s+xhi/m.test(text),
  read: (path) => withLines(path, readOne),
  write: (path, structures) => writeTextPieces(path, [formatData(onlyStructure(structures, "lammps-data"))]),
};

/** Where the columns of an atom style stand; x, y, z follow each other. */
interface Style {
  readonly type: number;
  readonly x: number;
  readonly charge?: number;
  readonly molecule?: number;
}

const styles: ReadonlyMap<string, Style> = new Map([
  ["atomic", { type: 1, x: 2 }],
  ["charge", { type: 1, charge: 2, x: 3 }],
  ["sphere", { type: 1, x: 4 }],
  ["bond", { molecule: 1, type: 2, x: 3 }],
  ["angle", { molecule: 1, type: 2, x: 3 }],
  ["molecular", { molecule: 1, type: 2, x: 3 }],
  ["full", { molecule: 1, type: 2, charge: 3, x: 4 }],
]);

const sections =
  /^(?:Atoms|Velocities|Masses|Atom Type Labels|Bonds|Angles|Dihedrals|Impropers|Ellipsoids|Lines|Triangles|Bodies|[A-Z][a-z]+(?:[A-Z]{2})? Coeffs|[A-Z][a-z]+ Type Labels|[A-Z]\w+ Coeffs)\b/;

interface DataFile {
  atoms: number;
  readonly box: Map<string, number[]>;
  /** Element of each type. */
  readonly elements: Map<string, number>;
  rows: string[][];
  style: string | null;
  velocities: Map<string, readonly string[]>;
}

const keys = ["atoms", "box", "type", "x", "y", "z"];

function* readOne(lines: Lines): Generator<Structure> {
  const file: DataFile = {
    atoms: -1,
    box: new Map(),
    elements: new Map(),
    rows: [],
    style: null,
    velocities: new Map(),
  };
  lines.need("the comment line");
  for (let line = lines.next(); line !== null; line = lines.next()) {
    const [text, remark] = splitRemark(line);
    if (text === "") continue;
    if (sections.test(text)) readSection(lines, file, text, remark);
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
function readSection(lines: Lines, file: DataFile, title: string, remark: string): void {
  if (title.startsWith("Atoms")) file.style = remark.split(/\s/)[0] || null;
  let begun = false;
  for (let next = lines.peek(); next !== null; next = lines.peek()) {
    const [text, comment] = splitRemark(next);
    if (text === "" ? begun : sections.test(text)) return;
    lines.next();
    if (text === "") continue;
    begun = true;
    const words = wordsOf(text);
    if (title.startsWith("Atoms")) file.rows.push(words);
    else if (title.startsWith("Velocities")) file.velocities.set(words[0], words);
    else if (title === "Atom Type Labels") nameType(file, words[0], words[1]);
    else if (title.startsWith("Masses")) {
      if (!nameType(file, words[0], comment.split(/\s/)[0])) massType(lines, file, words);
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
  const distance = (k: number): number => Math.abs(atomicMasses[k] - mass);
  const nearest = atomicMasses.reduce((best, _, k) => (distance(k) < distance(best) ? k : best), 0);
  if (distance(nearest) < 0.3) file.elements.set(words[0], nearest + 1);
}

function assemble(lines: Lines, file: DataFile): Structure {
  const { rows } = file;
  if (file.atoms < 0 || rows.length !== file.atoms)
    throw lines.error(
      `the header announces ${Math.max(0, file.atoms)} atoms, the section Atoms holds ${rows.length}`,
    );
  const style = styleOf(lines, file);
  const number = (word: string | undefined, what: string): number => {
    const value = parseReal(word ?? "");
    if (value === null)
      throw lines.error(`the section Atoms holds ${shown(word ?? "")} where ${what} is needed`);
    return value;
  };
  const ids = rows.map((row) => number(row[0], "the id of an atom"));
  const order = ids.map((_, k) => k).sort((a, b) => ids[a] - ids[b]);
  const sorted = order.map((k) => rows[k]);
  const double = order.findIndex((k, n) => n > 0 && ids[k] === ids[order[n - 1]]);
  if (double >= 0) throw lines.error(`two atoms have the id ${ids[order[double]]}; number them differently`);
  const atoms = rows.length;
  const positions = new Float64Array(3 * atoms);
  sorted.forEach((row, atom) => {
    for (let k = 0; k < 3; k++) positions[3 * atom + k] = number(row[style.x + k], "a coordinate");
  });
  const cell = boxCell(file.box);
  if (cell === null) throw lines.error("the header gives no box (xlo xhi, ylo yhi, zlo zhi)");
  const types = sorted.map((row) => row[style.type]);
  const atomicNumbers = Int32Array.from(types, (type) => file.elements.get(type) ?? 0);
  const species = atomicNumbers.includes(0)
    ? types.map((type, k) => elementSymbols[atomicNumbers[k] - 1] ?? `Type_${type}`)
    : null;
  return makeStructure({
    atomicNumbers,
    species,
    positions,
    cell,
    pbc: pbcOf(true),
    arrays: extraColumns(file, sorted, style, number),
    keys,
  });
}

function extraColumns(
  file: DataFile,
  rows: readonly string[][],
  style: Style,
  number: (word: string | undefined, what: string) => number,
): Map<string, Field> {
  const atoms = rows.length;
  const arrays = new Map<string, Field>();
  const column = (name: string, at: number): void => {
    const values = rows.map((row) => number(row[at], name));
    const whole = name !== "charge";
    arrays.set(
      name,
      whole
        ? { kind: "integer", shape: [atoms], data: integers(values) }
        : { kind: "real", shape: [atoms], data: Float64Array.from(values) },
    );
  };
  if (style.molecule !== undefined) column("molecule", style.molecule);
  if (style.charge !== undefined) column("charge", style.charge);
  if (atoms > 0 && rows.every((row) => row.length >= style.x + 6)) {
    const images = rows.flatMap((row) =>
      row.slice(style.x + 3, style.x + 6).map((word) => parseInteger(word) ?? 0),
    );
    if (images.some((image) => image !== 0))
      arrays.set("image", { kind: "integer", shape: [atoms, 3], data: integers(images) });
  }
  if (file.velocities.size > 0) {
    const values = rows.flatMap((row) =>
      [1, 2, 3].map((k) => number(file.velocities.get(row[0])?.[k], "a velocity")),
    );
    arrays.set("velocities", { kind: "real", shape: [atoms, 3], data: Float64Array.from(values) });
  }
  return arrays;
}

/** The style named after `Atoms #`, else the one that fits the number of columns. */
function styleOf(lines: Lines, { rows, style }: DataFile): Style {
  const known = styles.get(style ?? "");
  if (known !== undefined) return known;
  if (style !== null)
    throw lines.error(`the atom style ${shown(style)} is not known; known: ${[...styles.keys()].join(", ")}`);
  const width = rows[0]?.length ?? 5;
  const bare = width > 7 ? width - 3 : width;
  if (bare === 5) return styles.get("atomic")!;
  if (bare === 7) return styles.get("full")!;
  if (bare === 6) return styles.get(rows.every((row) => /^\d+$/.test(row[2])) ? "molecular" : "charge")!;
  throw lines.error(`atoms with ${width} columns; name the style after "Atoms #"`);
}

/** Style atomic; types in the order in which elements appear. */
function formatData(structure: Structure): string {
  const { cell, atomicNumbers, arrays } = structure;
  if (cell === null || determinant(cell) === 0)
    throw new AtomgradError(
      "VALUE",
      "lammps-data: this structure has no cell with a volume, LAMMPS needs a box",
    );
  if (determinant(cell) < 0)
    throw new AtomgradError("VALUE", "lammps-data: the cell is left-handed, LAMMPS cannot hold it");
  const box = restricted(cell);
  const turn = fitsBox(cell) ? null : rowsTimes(inverse(cell), box);
  const turned = (rows: Float64Array): Float64Array => (turn === null ? rows : rowsTimes(rows, turn));
  const types = [...new Set(atomicNumbers)];
  const symbol = (z: number): string => {
    const found = elementSymbols[z - 1];
    if (found === undefined)
      throw new AtomgradError("VALUE", "lammps-data: an atom is no element, its mass is unknown");
    return found;
  };
  const charge = arrays.get("charge") ?? arrays.get("charges");
  const charged = charge?.kind === "real" && charge.shape.length === 1;
  const positions = turned(structure.positions);
  const out = [
    "LAMMPS data file, units metal",
    "",
    `${atomicNumbers.length} atoms`,
    `${types.length} atom types`,
    "",
  ];
  ["x", "y", "z"].forEach((axis, k) => out.push(`0.0 ${formatReal(box[4 * k])} ${axis}lo ${axis}hi`));
  if (box[3] !== 0 || box[6] !== 0 || box[7] !== 0)
    out.push(`${[3, 6, 7].map((k) => formatReal(box[k])).join(" ")} xy xz yz`);
  out.push("", "Masses", "", ...types.map((z, k) => `${k + 1} ${atomicMasses[z - 1]} # ${symbol(z)}`));
  out.push("", `Atoms # ${charged ? "charge" : "atomic"}`, "");
  const row = (data: Float64Array, atom: number): string =>
    [0, 1, 2].map((k) => formatReal(data[3 * atom + k])).join(" ");
  atomicNumbers.forEach((z, atom) => {
    const q = charged ? `${formatReal(charge.data[atom] as number)} ` : "";
    out.push(`${atom + 1} ${types.indexOf(z) + 1} ${q}${row(positions, atom)}`);
  });
  const velocities = arrays.get("velocities");
  if (velocities?.kind === "real" && velocities.shape.length === 2) {
    const data = turned(Float64Array.from(velocities.data as ArrayLike<number>));
    out.push(
      "",
      "Velocities",
      "",
      ...Array.from(atomicNumbers, (_, atom) => `${atom + 1} ${row(data, atom)}`),
    );
  }
  return `${out.join("\n")}\n`;
}
