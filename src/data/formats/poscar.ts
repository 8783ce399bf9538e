import { determinant, rowsTimes } from "../../geometry/matrix3.js";
import { AtomgradError } from "../../tensor/error.js";
import { atomicNumberOf, elementSymbols } from "../elements.js";
import { makeStructure, pbcOf, textField, type Field, type Structure } from "../structure.js";
import type { Lines } from "../text/lines.js";
import { withLines } from "../text/lines.js";
import { formatReal, parseInteger, parseReal, shown, wordsOf } from "../text/numbers.js";
import { writeTextPieces } from "../text/write-text.js";
import { WordSpans } from "../text/word-spans.js";
import type { StructureFormat } from "./format.js";
import { onlyStructure } from "./one-frame.js";
import { announcedAtoms, atomsOfBlocks } from "./vasp-species.js";

/** POSCAR and CONTCAR of VASP, versions 4 and 5. */
export const poscar: StructureFormat = {
  name: "poscar",
  extensions: [".vasp", ".poscar", ".contcar"],
  fileName: /^(?:poscar|contcar)|[._-](?:poscar|contcar)$/,
  sniff: ({ text }) => {
    const lines = text.split("\n", 8);
    const numbers = (line: string | undefined, count: number): boolean =>
      line !== undefined &&
      wordsOf(line).length === count &&
      wordsOf(line).every((word) => parseReal(word) !== null);
    return (
      (numbers(lines[1], 1) || numbers(lines[1], 3)) &&
      [2, 3, 4].every((k) => numbers(lines[k], 3)) &&
      (/^\s*[A-Z][a-z]?/.test(lines[5] ?? "") || /^[\s\d]+$/.test(lines[5] ?? ""))
    );
  },
  read: (path) => withLines(path, readOne),
  write: (path, structures) => writeTextPieces(path, [formatPoscar(onlyStructure(structures, "poscar"))]),
};

const remedy = "; the line above the numbers of atoms names the species";
const keys = ["comment", "scale", "lattice", "species", "positions"];

function* readOne(lines: Lines): Generator<Structure> {
  yield readPoscar(lines);
}

/** Reads the first frame of a POSCAR; what follows the positions (velocities) is left alone. */
export function readPoscar(lines: Lines): Structure {
  const comment = lines.need("the comment line").trim();
  const scales = readReals(lines, "the scale", 1, 3);
  const vectors = new Float64Array(9);
  for (const k of [0, 3, 6]) vectors.set(readReals(lines, "a lattice vector", 3, 3), k);
  const scale = scaling(lines, scales, vectors);
  const scaled = (rows: Float64Array): Float64Array => rows.map((x, k) => x * scale[k % 3]);
  const cell = scaled(vectors);
  const blocks = readSpeciesBlocks(lines, comment);
  const named = blocks.names === null ? null : atomsOfBlocks(lines, blocks.names, blocks.counts, remedy);
  let mode = lines.need("Direct or Cartesian").trim();
  const selective = /^s/i.test(mode);
  if (selective) mode = lines.need("Direct or Cartesian").trim();
  if (!/^[cdk]/i.test(mode)) throw lines.error(`${shown(mode)} stands where Direct or Cartesian is expected`);
  const atoms = blocks.total;
  const rows = new Float64Array(3 * atoms);
  const moves = selective ? new Uint8Array(3 * atoms) : null;
  const spans = new WordSpans();
  const labels = named === null ? new Array<string>(atoms) : null;
  for (let atom = 0; atom < atoms; atom++) readAtom(lines, spans, rows, moves, labels, atom);
  const atomicNumbers = named ?? speciesOfLabels(lines, labels!);
  return makeStructure({
    atomicNumbers,
    positions: /^[ck]/i.test(mode) ? scaled(rows) : rowsTimes(rows, cell),
    cell,
    pbc: pbcOf(true),
    ...constraints(moves, atoms),
    info: comment === "" ? new Map() : new Map([["comment", textField(comment)]]),
    keys,
  });
}

function readReals(lines: Lines, what: string, least: number, most: number): number[] {
  const words = wordsOf(lines.need(what));
  const values: number[] = [];
  for (const word of words.slice(0, most)) {
    const value = parseReal(word);
    if (value === null || !Number.isFinite(value)) break;
    values.push(value);
  }
  if (values.length >= least && (least === most || values.length === 1 || values.length === 3)) return values;
  throw lines.error(
    `${shown(words.join(" "))} stands where ${what} is expected (${least === most ? `${most} numbers` : "1 or 3 numbers"})`,
  );
}

/** A negative scale is the volume of the cell: it acts as (V / V0)^(1/3) on cell and Cartesian positions alike. */
function scaling(lines: Lines, scales: readonly number[], vectors: Float64Array): readonly number[] {
  if (scales.length === 3 && scales.every((x) => x > 0)) return scales;
  const [scale] = scales;
  const volume = Math.abs(determinant(vectors));
  const factor = scale > 0 ? scale : Math.cbrt(-scale / volume);
  if (scales.length === 3 || !(factor > 0) || !Number.isFinite(factor))
    throw lines.error(`the scale ${scales.join(" ")} cannot be applied to a cell of volume ${volume}`);
  return [factor, factor, factor];
}

/** Atoms of one species after the other; names null: the title of this file of VASP 4 names none. */
interface SpeciesBlocks {
  readonly names: readonly string[] | null;
  readonly counts: readonly number[];
  readonly total: number;
}

/** Symbols, then numbers of atoms: VASP breaks both into lines of twenty. Files of VASP 4 have the numbers alone. */
function readSpeciesBlocks(lines: Lines, comment: string): SpeciesBlocks {
  const need = (what: string): string[] => wordsOf(lines.need(what).replace(/[!#].*$/, ""));
  const isCounts = (list: readonly string[]): boolean =>
    list.length > 0 && list.every((word) => /^\d+$/.test(word));
  let words = need("element symbols or numbers of atoms");
  const names: string[] | null = isCounts(words) ? titleSymbols(comment, words.length) : [];
  if (names?.length === 0) {
    let nameLines = 0;
    for (; !/^\d/.test(words[0] ?? "") && nameLines < mostSpeciesLines; nameLines++) {
      names.push(...words);
      words = need("numbers of atoms");
    }
    for (let k = 1; k < nameLines && isCounts(words); k++) words.push(...need("more numbers of atoms"));
    words = words.slice(0, names.length);
  }
  const counts = words.map(parseInteger);
  if (counts.length === 0 || (names !== null && counts.length !== names.length) || counts.some(isNoCount))
    throw lines.error(
      `${shown(words.join(" "))} does not give a number of atoms for each of ${shown((names ?? []).join(" "))}`,
    );
  return { names, counts: counts as number[], total: announcedAtoms(lines, counts as number[]) };
}

const mostSpeciesLines = 50;
const isNoCount = (count: number | null): boolean => count === null || count < 0;

/** The first symbols of a title such as "Na Cl", "Mg_pv O", "Cu3Au ordered"; null: it does not name as many. */
function titleSymbols(comment: string, count: number): string[] | null {
  const symbols: string[] = [];
  for (const word of wordsOf(comment)) {
    const name = word.replace(/[_/].*$/, "");
    const formula = name.replace(/[\d.]/g, "").match(/[A-Z][a-z]?/g) ?? [];
    if (atomicNumberOf(name) !== null) symbols.push(name);
    else if (formula.length > 0 && /^(?:[A-Z][a-z]?[\d.]*)+$/.test(name)) symbols.push(...formula);
    else break;
  }
  const found = symbols.slice(0, count);
  return found.length === count && found.every((name) => atomicNumberOf(name) !== null) ? found : null;
}

/** Species by the words behind the positions, where pymatgen writes them into files of VASP 4. */
function speciesOfLabels(lines: Lines, labels: readonly string[]): Int32Array {
  return Int32Array.from(labels, (label) => {
    const z = atomicNumberOf(label);
    if (z === null)
      throw lines.error(
        "the species have no names; name them in a line above the numbers of atoms (or in the first line)",
      );
    return z;
  });
}

function readAtom(
  lines: Lines,
  spans: WordSpans,
  rows: Float64Array,
  moves: Uint8Array | null,
  labels: string[] | null,
  atom: number,
): void {
  if (!lines.take()) lines.need(`atom ${atom + 1} of ${rows.length / 3}`);
  const count = spans.find(lines.text, lines.start, lines.end);
  const word = (k: number): string => (k < count ? spans.word(k) : "");
  for (let k = 0; k < 3; k++) {
    const value = k < count ? spans.real(k) : null;
    if (value === null) throw lines.error(`${shown(word(k))} stands where a coordinate is needed`);
    rows[3 * atom + k] = value;
    if (labels !== null) labels[atom] = word(moves === null ? 3 : 6);
    if (moves === null) continue;
    const flag = /^\.?([TF])/i.exec(word(3 + k));
    if (flag === null)
      throw lines.error(`${shown(word(3 + k))} stands where T or F (selective dynamics) is needed`);
    moves[3 * atom + k] = Number(flag[1].toUpperCase() === "T");
  }
}

/** An atom is fixed when no direction of it moves; other combinations keep their three flags. */
function constraints(moves: Uint8Array | null, atoms: number): Partial<Structure> {
  if (moves === null) return {};
  const sums = Uint8Array.from(
    { length: atoms },
    (_, k) => moves[3 * k] + moves[3 * k + 1] + moves[3 * k + 2],
  );
  if (sums.every((sum) => sum % 3 === 0)) return { fixed: sums.map((sum) => Number(sum === 0)) };
  const field: Field = { kind: "boolean", shape: [atoms, 3], data: moves };
  return { arrays: new Map([["selective_dynamics", field]]) };
}

/** Version 5, Cartesian, atoms in their order: a new block of species begins at each change. */
export function formatPoscar(structure: Structure): string {
  const { atomicNumbers, positions, cell, fixed, arrays, info } = structure;
  if (cell === null)
    throw new AtomgradError("VALUE", "poscar: this structure has no cell, POSCAR needs one; write xyz");
  const blocks: { name: string; count: number }[] = [];
  for (const z of atomicNumbers) {
    const name = elementSymbols[z - 1];
    if (name === undefined)
      throw new AtomgradError(
        "VALUE",
        `poscar: an atom is no element (${z}); POSCAR names elements; --type-map names types without elements`,
      );
    const last = blocks.at(-1);
    if (last?.name === name) last.count++;
    else blocks.push({ name, count: 1 });
  }
  const row = (data: Float64Array, k: number): string =>
    [0, 1, 2].map((b) => formatReal(data[3 * k + b])).join(" ");
  const comment = info.get("comment");
  const title =
    comment?.kind === "text"
      ? String(comment.data[0])
      : blocks.map(({ name, count }) => name + count).join(" ");
  const out = [title.replace(/\s+/g, " "), "1.0", ...[0, 1, 2].map((k) => row(cell, k))];
  out.push(blocks.map(({ name }) => name).join(" "), blocks.map(({ count }) => count).join(" "));
  const partial = arrays.get("selective_dynamics");
  const moves =
    partial?.kind === "boolean"
      ? (k: number) => partial.data[k] !== 0
      : (k: number) => fixed![Math.floor(k / 3)] === 0;
  const selective = fixed !== null || partial?.kind === "boolean";
  if (selective) out.push("Selective dynamics");
  out.push("Cartesian");
  atomicNumbers.forEach((_, atom) => {
    const flags = selective ? ` ${[0, 1, 2].map((k) => (moves(3 * atom + k) ? "T" : "F")).join(" ")}` : "";
    out.push(row(positions, atom) + flags);
  });
  return `${out.join("\n")}\n`;
}
