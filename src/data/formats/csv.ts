import { AtomgradError } from "../../tensor/error.js";
import { makeStructure, type Field, type Structure } from "../structure.js";
import { fieldOfWords } from "../text/field-text.js";
import type { Lines } from "../text/lines.js";
import { structureLine, withLines } from "../text/lines.js";
import { LongText } from "../text/long-text.js";
import { shown } from "../text/numbers.js";
import { CifTexts } from "./cif.js";
import { isCifColumn, writeCsv } from "./csv-write.js";
import type { StructureFormat } from "./format.js";
import { samplePieces, type TextHead } from "./sample-text.js";

/** Tables with a CIF text in each row (column `cif`), as CDVAE's data sets; the other columns are fields. */
export const csv: StructureFormat = {
  name: "csv",
  extensions: [".csv"],
  sniff: ({ text }) => splitRow(firstLine(text)).some(isCifColumn) && /_cell_length_a/.test(text),
  read: (path) => withLines(path, (lines) => readRows(lines, true)),
  // Tables of properties (QM9's) hold no atoms: something to look at, nothing to convert.
  describe: (path) => withLines(path, (lines) => readRows(lines, false)),
  sample: (path, count) =>
    samplePieces(path, count, {
      starts: rowStarts,
      head: headerOf,
      read: (lines) => readRows(lines, false),
      longestLine: longestRow,
      isDoubtful: true,
    }),
  write: (path, structures) => writeCsv(path, structures),
};

/** Letters of a row. */
const longestRow = structureLine;

function firstLine(text: string): string {
  return text.replace(/^\uFEFF/, "").split(/\r?\n/, 1)[0];
}

/** The cells of a row that stands on one line. */
function splitRow(line: string): string[] {
  const row = new RowReader();
  row.add(line);
  return row.cells;
}

/** Cells between commas; quoted ones may hold commas, doubled quotes and ends of lines. */
class RowReader {
  inQuotes = false;
  private readonly done: string[] = [];
  private cell = "";
  /** A cell that stands on several lines. */
  private long: LongText | null = null;

  get cells(): string[] {
    return [...this.done, this.text];
  }

  add(line: string): void {
    if (this.inQuotes) {
      this.long ??= new LongText(longestRow);
      this.append("\n");
    }
    for (let at = 0; at < line.length;) {
      if (this.inQuotes) {
        const end = line.indexOf('"', at);
        this.append(line.slice(at, end < 0 ? line.length : end));
        if (end < 0) return;
        if (line[end + 1] === '"') this.append('"');
        else this.inQuotes = false;
        at = end + (this.inQuotes ? 2 : 1);
        continue;
      }
      const next = line[at];
      if (next === ",") {
        this.done.push(this.text);
        this.cell = "";
        this.long = null;
      } else if (next === '"' && this.cell === "" && this.long === null) this.inQuotes = true;
      else {
        const end = line.indexOf(",", at);
        this.append(line.slice(at, end < 0 ? line.length : end));
        at = end < 0 ? line.length : end;
        continue;
      }
      at++;
    }
  }

  private get text(): string {
    return this.cell + (this.long?.toString() ?? "");
  }

  private append(text: string): void {
    if (this.long === null) this.cell += text;
    else this.long.add(text);
  }
}

/** The first row, blank lines above it included. */
function headerOf(beginning: string): TextHead | null {
  const end = rowEnd(beginning, beginning.length - beginning.trimStart().length, false);
  return end < 0 ? null : { text: beginning.slice(0, end), end };
}

/** Where the row ends in which `at` stands, behind its line break; -1 where the text ends before. */
function rowEnd(text: string, at: number, inQuotes: boolean): number {
  for (const mark = /["\n]/g; ;) {
    mark.lastIndex = at;
    const found = mark.exec(text);
    if (found === null) return -1;
    at = found.index + 1;
    if (found[0] === '"') inQuotes = !inQuotes;
    else if (!inQuotes) return at;
  }
}

/** Rows below the place where a piece was cut out: whether that stands within quotes, its cells tell. */
const rowsToTell = 3;

/** Where rows begin in a piece of a table: its first line may be one, or stand within a quoted cell. */
function rowStarts(piece: string, from: number, most: number, header: string): number[] {
  const cells = splitRow(header.trim()).length;
  for (const inQuotes of [true, false]) {
    const starts: number[] = [];
    let at = inQuotes ? rowEnd(piece, from, true) : from;
    for (; at >= 0 && at < piece.length && starts.length < most; at = rowEnd(piece, at, false))
      starts.push(at);
    const rows = starts.slice(1, 1 + rowsToTell).map((end, k) => splitRow(piece.slice(starts[k], end - 1)));
    if (rows.length > 0 && rows.every((row) => row.length === cells)) return starts;
  }
  return [];
}

function nextRow(lines: Lines): string[] | null {
  const first = lines.nextFilled();
  if (first === null) return null;
  const start = lines.number;
  const row = new RowReader();
  row.add(first);
  let length = first.length;
  while (row.inQuotes) {
    const line = lines.next();
    if (line === null) throw lines.error(`a quoted cell of the row that begins at line ${start} has no end`);
    length += line.length + 1;
    if (length > longestRow)
      throw lines.error(
        `the row that begins at line ${start} is longer than ${longestRow} characters; check its quotes`,
      );
    row.add(line);
  }
  return row.cells;
}

function* readRows(lines: Lines, needsAtoms: boolean): Generator<Structure> {
  const header = nextRow(lines);
  if (header === null) return;
  const twice = header.find((name, k) => header.indexOf(name) !== k);
  if (twice !== undefined) throw lines.error(`the header names the column ${shown(twice)} twice; rename one`);
  const at = header.findIndex(isCifColumn);
  if (at < 0 && (needsAtoms || header.length < 2))
    throw lines.error(`no column "cif" holds structures; the columns are ${shown(header.join(", "))}`);
  const texts = new CifTexts();
  for (let row = nextRow(lines), count = 1; row !== null; row = nextRow(lines), count++) {
    if (row.length !== header.length)
      throw lines.error(`row ${count} has ${row.length} cells, the header ${header.length}`);
    yield readRow(row, header, at, texts, `${lines.name}: row ${count}`);
  }
}

function readRow(
  row: readonly string[],
  header: readonly string[],
  at: number,
  texts: CifTexts,
  label: string,
): Structure {
  const structures = at < 0 ? [withoutAtoms] : texts.read(row[at], label);
  if (structures.length !== 1)
    throw new AtomgradError(
      "FORMAT",
      `${label}: its CIF holds ${structures.length} structures; one is needed`,
    );
  const info = new Map<string, Field>();
  header.forEach((name, k) => {
    const cell = row[k].trim();
    if (k !== at && cell !== "") info.set(name, cellField(cell, row[k]));
  });
  return { ...structures[0], info, keys: header };
}

const withoutAtoms = makeStructure({ atomicNumbers: new Int32Array(0), positions: new Float64Array(0) });

function cellField(trimmed: string, cell: string): Field {
  const field = fieldOfWords([trimmed], []);
  return field.kind === "text" ? { ...field, data: [cell] } : field;
}
