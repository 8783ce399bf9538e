import { determinant, rowsTimes } from "../../geometry/matrix3.js";
import { AtomgradError } from "../../tensor/error.js";
import { elementSymbols } from "../elements.js";
import { makeStructure, pbcOf, textField, type Field, type Structure } from "../structure.js";
import type { Lines } from "../text/lines.js";
import { withLines } from "../text/lines.js";
import { formatReal, parseInteger, parseReal, shown, wordsOf } from "../text/numbers.js";
import { writeTextPieces } from "../text/write-text.js";
import { WordSpans } from "../text/word-spans.js";
import type { StructureFormat } from "./format.js";
import { onlyStructure } from "./one-frame.js";
import { atomsOfBlocks } from "./vasp-species.js";

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
  const atomicNumbers = readSpeciesBlocks(lines, comment);
  let mode = lines.need("Direct or Cartesian").trim();
  const selective = /^s/i.test(mode);
  if (selective) mode = lines.need("Direct or Cartesian").trim();
  if (!/^[cdk]/i.test(mode)) throw lines.error(`${shown(mode)} stands where Direct or Cartesian is expected`);
  const atoms = atomicNumbers.length;
  const rows = new Float64Array(3 * atoms);
  const moves = selective ? new Uint8Array(3 * atoms) : null;
  const spans = new WordSpans();
  for (let atom = 0; atom < atoms; atom++) readAtom(lines, spans, rows, moves, atom, atoms);
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

function readSpeciesBlocks(lines: Lines, comment: string): Int32Array {
  const wordsBeforeRemark = (line: string): string[] => wordsOf(line.replace(/[!#].*$/, ""));
  let words = wordsBeforeRemark(lines.need("element symbols or numbers of atoms"));
  const isCounts = (list: readonly string[]): boolean =>
    list.length > 0 && list.every((word) => /^\d+$/.test(word));
  let names = words;
  if (isCounts(words)) names = wordsOf(comment).slice(0, words.length);
  else words = wordsBeforeRemark(lines.need("numbers of atoms"));
  const counts = words.slice(0, names.length).map(parseInteger);
  const total = counts.reduce((sum: number, count) => sum + (count ?? NaN), 0);
  if (names.length === 0 || counts.length !== names.length || !(total >= 0))
    throw lines.error(
      `${shown(words.join(" "))} does not give a number of atoms for each of ${shown(names.join(" "))}`,
    );
  const remedy = "; name the species in the line above the numbers of atoms (or in the first line)";
  return atomsOfBlocks(lines, names, counts as number[], remedy);
}

function readAtom(
  lines: Lines,
  spans: WordSpans,
  rows: Float64Array,
  moves: Uint8Array | null,
  atom: number,
  atoms: number,
): void {
  if (!lines.take()) lines.need(`atom ${atom + 1} of ${atoms}`);
  const count = spans.find(lines.text, lines.start, lines.end);
  const word = (k: number): string => (k < count ? spans.word(k) : "");
  for (let k = 0; k < 3; k++) {
    const value = k < count ? spans.real(k) : null;
    if (value === null) throw lines.error(`${shown(word(k))} stands where a coordinate is needed`);
    rows[3 * atom + k] = value;
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
