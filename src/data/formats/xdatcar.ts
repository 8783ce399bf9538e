import { rowsTimes } from "../../geometry/matrix3.js";
import { integerField, makeStructure, pbcOf, textField, type Structure } from "../structure.js";
import { Lines, withLines } from "../text/lines.js";
import { parseInteger, parseReal, shown, wordsOf } from "../text/numbers.js";
import { WordSpans } from "../text/word-spans.js";
import { everyFrame, type StructureFormat, type Wanted } from "./format.js";
import { samplePieces, startsByLines, type TextHead } from "./sample-text.js";
import { atomsOfBlocks } from "./vasp-species.js";

/** VASP's XDATCAR of version 5 and later: fractional positions step by step; the cell once, or before every step. */
export const xdatcar: StructureFormat = {
  name: "xdatcar",
  extensions: [".xdatcar"],
  fileName: /^xdatcar|[._-]xdatcar$/,
  electronVolts: true,
  sniff: ({ text }) => /^Direct\s+configuration=\s*\d+\s*$/m.test(text.slice(0, 1 << 14)),
  read: (path) => withLines(path, readSteps, { encoding: "latin1" }),
  readWanted: (path, wanted) => withLines(path, (lines) => readSteps(lines, wanted), { encoding: "latin1" }),
  sample: (path, count) =>
    samplePieces(path, count, { starts: stepStarts, head: headOf, read: readSteps, encoding: "latin1" }),
};

const headerLines = 7;

/** The lattice and the elements where they stand once; nothing where they stand above every configuration. */
function headOf(beginning: string): TextHead | null {
  const places = startsByLines(beginning, 0, 2, (line) => configuration.test(line));
  if (places.length < 2) return null;
  const isConstant = stepStarts(beginning, 0, 2)[1] === places[1];
  return isConstant ? { text: beginning.slice(0, places[0]), end: places[0] } : { text: "", end: 0 };
}

/** A step begins with its configuration line, or with the header above it, which ends with the numbers of atoms. */
function stepStarts(piece: string, from: number, most: number): number[] {
  const hasHeader: boolean[] = [];
  const places = startsByLines(piece, from, most, (line, _next, before) => {
    if (!configuration.test(line)) return false;
    hasHeader.push(/^\d[\d\s]*$/.test(before));
    return true;
  });
  return (
    places
      .map((place, k) => (hasHeader[k] ? linesBack(piece, place, from) : place))
      // What stands above a first line that is cut out of a file is not known.
      .filter((place) => place > from || from + place === 0)
  );
}

/** Where the header above `place` begins; -1 where that is above `from`. */
function linesBack(text: string, place: number, from: number): number {
  let at = place;
  for (let k = 0; k < headerLines; k++) {
    if (at <= from) return -1;
    at = text.lastIndexOf("\n", at - 2) + 1;
  }
  return at;
}

const keys = ["comment", "lattice", "species", "positions", "configuration"];
const configuration = /^\s*(?:Direct|Cartesian)\s+configuration\s*=\s*(\d+)/i;

/** What stands above a step: numbers are made of its text when a step asks for them, and once for headers of the same text. */
interface Header {
  readonly comment: string;
  /** The lines of the scale and the lattice vectors. */
  readonly lattice: string;
  readonly cell: () => Float64Array;
  /** The lines of the elements and their numbers of atoms. */
  readonly species: string;
  readonly atomicNumbers: Int32Array;
}

/** Every step, or null for those that are not wanted, whose atoms are passed over. */
function readSteps(lines: Lines, wanted: Wanted): Generator<Structure | null>;
function readSteps(lines: Lines): Generator<Structure>;
function* readSteps(lines: Lines, wanted = everyFrame): Generator<Structure | null> {
  let frame = 0;
  let isBegun = false;
  let header: Header | null = null;
  const spans = new WordSpans();
  for (let line = lines.next(); line !== null; line = lines.next()) {
    const found = configuration.exec(line);
    if (found === null) {
      // Blank lines end the file; a header may begin with one (no comment).
      if (line.trim() === "" && (lines.peek() ?? "").trim() === "") continue;
      header = readHeader(lines, line, header);
      isBegun = true;
      continue;
    }
    if (header === null) throw lines.error("a configuration comes before the lattice");
    isBegun = false;
    if (wanted(frame++)) yield readStep(lines, spans, header, Number(found[1]), /^\s*c/i.test(line));
    else {
      lines.skipAtoms(header.atomicNumbers.length);
      yield null;
    }
  }
  if (isBegun) throw lines.error("ends where a configuration is expected; the file was cut short");
}

/** The lines of a header below its comment. */
const parts = [
  "the scale",
  ...Array.from({ length: 3 }, () => "a lattice vector"),
  "the elements",
  "the numbers of atoms",
];

function readHeader(lines: Lines, comment: string, before: Header | null): Header {
  const above = lines.number;
  const lattice = lines.nextText(4);
  const species = lines.nextText(2);
  if (lattice === null || species === null) throw lines.cutShort(parts[lines.number - above]);
  const isSame = species === before?.species;
  return {
    comment: comment.trim(),
    lattice,
    cell: lattice === before?.lattice ? before.cell : cellOf(lattice, lines.name, above),
    species,
    atomicNumbers: isSame ? before.atomicNumbers : readSpecies(lines, species),
  };
}

/** The lattice vectors of a scale and three lines, read when they are asked for first. */
function cellOf(text: string, name: string, above: number): () => Float64Array {
  let cell: Float64Array | undefined;
  return () => (cell ??= readCell(Lines.ofText(text, name, undefined, above)));
}

function readCell(lines: Lines): Float64Array {
  const scale = readReals(lines, "the scale", 1)[0];
  const cell = new Float64Array(9);
  for (const k of [0, 3, 6]) cell.set(readReals(lines, "a lattice vector", 3), k);
  if (!(scale > 0)) throw lines.error(`the scale ${scale} is not positive`);
  return cell.map((x) => x * scale);
}

/** The element of every atom. */
function readSpecies(lines: Lines, text: string): Int32Array {
  const [names, words] = text.split("\n").map(wordsOf);
  const counts = words.map((word) => parseInteger(word) ?? -1);
  if (names.length === 0 || names.length !== counts.length || counts.some((count) => count < 0))
    throw lines.error(
      `elements ${shown(names.join(" "))} with numbers of atoms ${shown(counts.join(" "))}: one number for each is needed (files of VASP 4 have none)`,
    );
  return atomsOfBlocks(lines, names, counts);
}

function readReals(lines: Lines, what: string, count: number): number[] {
  const values = wordsOf(lines.need(what)).map(parseReal);
  if (values.length === count && values.every((value) => value !== null && Number.isFinite(value)))
    return values as number[];
  throw lines.error(`${count} ${count === 1 ? "number is" : "numbers are"} expected for ${what}`);
}

function readStep(
  lines: Lines,
  spans: WordSpans,
  header: Header,
  step: number,
  cartesian: boolean,
): Structure {
  const { comment, atomicNumbers } = header;
  const cell = header.cell();
  const atoms = atomicNumbers.length;
  const rows = new Float64Array(3 * atoms);
  let decimals = -1;
  for (let atom = 0; atom < atoms; atom++) {
    if (!lines.take()) lines.need(`atom ${atom + 1} of ${atoms} of configuration ${step}`);
    const count = spans.find(lines.text, lines.start, lines.end);
    for (let k = 0; k < 3; k++) {
      const value = k < count ? spans.real(k) : null;
      if (value === null)
        throw lines.error(
          `${shown(lines.text.slice(lines.start, lines.end).trim())} stands where three coordinates are expected`,
        );
      rows[3 * atom + k] = value;
    }
    // Columns have one width: a last number with fewer digits was cut.
    if (atom === 0) decimals = digits(spans.word(1));
    if (atom === atoms - 1 && digits(spans.word(2)) < decimals)
      throw lines.error(`the last coordinate ${shown(spans.word(2))} of configuration ${step} was cut short`);
  }
  const info = new Map([["configuration", integerField(step)]]);
  if (comment !== "") info.set("comment", textField(comment));
  return makeStructure({
    atomicNumbers,
    positions: cartesian ? rows : rowsTimes(rows, cell),
    cell,
    pbc: pbcOf(true),
    info,
    keys,
  });
}

function digits(word: string): number {
  return word.length - 1 - word.indexOf(".");
}
