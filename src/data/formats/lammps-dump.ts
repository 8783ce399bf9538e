import { rowsTimes } from "../../geometry/matrix3.js";
import { elementSymbols } from "../elements.js";
import { integerField, makeStructure, type Field, type PbcFlags, type Structure } from "../structure.js";
import { fieldOfWords } from "../text/field-text.js";
import type { Lines } from "../text/lines.js";
import { withLines } from "../text/lines.js";
import { parseInteger, parseReal, shown, wordsOf } from "../text/numbers.js";
import type { StructureFormat } from "./format.js";
import { elementOfName } from "./species.js";
import { sampleText } from "./sample-text.js";

/** Text dumps of LAMMPS (`dump custom`, `dump atom`), atoms sorted by id. */
export const lammpsDump: StructureFormat = {
  name: "lammps-dump",
  extensions: [".dump", ".lammpstrj", ".lammpsdump"],
  fileName: /^dump\./,
  sniff: ({ text }) => /^\uFEFF?\s*ITEM: (?:TIMESTEP|UNITS|TIME)\b/.test(text),
  read: (path) => withLines(path, readFrames),
  sample: (path, count) => sampleText(path, count, { startsFrame, read: readFrames }),
};

interface Box {
  readonly cell: Float64Array;
  readonly origin: readonly number[];
  readonly pbc: PbcFlags;
}

function startsFrame(line: string): boolean {
  return line === "ITEM: TIMESTEP";
}

function* readFrames(lines: Lines): Generator<Structure> {
  let step: number | null = null;
  let atoms = -1;
  let box: Box | null = null;
  for (let line = lines.nextFilled(); line !== null; line = lines.nextFilled()) {
    const title = line.trim();
    if (title === "ITEM: TIMESTEP") step = parseInteger(lines.need("the time step").trim());
    else if (title === "ITEM: UNITS" || title === "ITEM: TIME") lines.need(title);
    else if (title === "ITEM: NUMBER OF ATOMS") atoms = readCount(lines);
    else if (title.startsWith("ITEM: BOX BOUNDS")) box = readBox(lines, title);
    else if (title.startsWith("ITEM: ATOMS")) {
      if (box === null || atoms < 0) throw lines.error("the atoms come before their number and their box");
      yield readAtoms(lines, wordsOf(title).slice(2), atoms, box, step);
    } else throw lines.error(`${shown(title)} stands where an ITEM of a LAMMPS dump is expected`);
  }
}

function readCount(lines: Lines): number {
  const word = lines.need("the number of atoms").trim();
  const atoms = parseInteger(word);
  if (atoms === null || atoms < 0 || 4 * atoms > lines.size)
    throw lines.error(`${shown(word)} atoms are announced, which a file of ${lines.size} bytes cannot hold`);
  return atoms;
}

/** The bounds of a skewed box are those of its bounding box. */
function readBox(lines: Lines, title: string): Box {
  const rows = [0, 1, 2].map(() => {
    const values = wordsOf(lines.need("the bounds of the box")).map(parseReal);
    if (values.length < 2 || values.some((value) => value === null || !Number.isFinite(value)))
      throw lines.error("two or three numbers that bound the box are needed");
    return values as number[];
  });
  const pbc = /(\S\S) (\S\S) (\S\S)\s*$/.exec(title);
  const flags = pbc === null ? [true, true, true] : pbc.slice(1).map((word) => word === "pp");
  if (title.includes("abc origin"))
    return {
      cell: Float64Array.from(rows.flatMap((row) => row.slice(0, 3))),
      origin: rows.map((row) => row[3] ?? 0),
      pbc: flags as unknown as PbcFlags,
    };
  const [xy, xz, yz] = title.includes("xy xz yz") ? rows.map((row) => row[2] ?? 0) : [0, 0, 0];
  const low = [rows[0][0] - Math.min(0, xy, xz, xy + xz), rows[1][0] - Math.min(0, yz), rows[2][0]];
  const high = [rows[0][1] - Math.max(0, xy, xz, xy + xz), rows[1][1] - Math.max(0, yz), rows[2][1]];
  const [a, b, c] = low.map((value, k) => high[k] - value);
  return {
    cell: Float64Array.of(a, 0, 0, xy, b, 0, xz, yz, c),
    origin: low,
    pbc: flags as unknown as PbcFlags,
  };
}

/** Columns of positions in order of preference; scaled ones are fractions of the box. */
const positionColumns: readonly (readonly [readonly string[], boolean])[] = [
  [["x", "y", "z"], false],
  [["xu", "yu", "zu"], false],
  [["xs", "ys", "zs"], true],
  [["xsu", "ysu", "zsu"], true],
];

function readAtoms(
  lines: Lines,
  columns: readonly string[],
  atoms: number,
  box: Box,
  step: number | null,
): Structure {
  const rows: string[][] = [];
  for (let k = 0; k < atoms; k++) {
    const words = wordsOf(lines.need(`atom ${k + 1} of ${atoms}`));
    if (words.length !== columns.length)
      throw lines.error(`${words.length} words for an atom of ${columns.length} columns`);
    rows.push(words);
  }
  const column = (name: string): number => columns.indexOf(name);
  const number = (row: readonly string[], at: number): number => {
    const value = parseReal(row[at]);
    if (value === null)
      throw lines.error(
        `the frame that ends here holds ${shown(row[at])} in column ${columns[at]}, a number is needed`,
      );
    return value;
  };
  const id = column("id");
  if (id >= 0) rows.sort((a, b) => number(a, id) - number(b, id));
  const vectors = (names: readonly string[]): Float64Array =>
    Float64Array.from(rows.flatMap((row) => names.map((name) => number(row, column(name)))));
  const found = positionColumns.find(([names]) => names.every((name) => column(name) >= 0));
  if (found === undefined)
    throw lines.error("the frame that ends here has no columns x y z (or xu, xs, xsu ...)");
  const [names, scaled] = found;
  const raw = vectors(names);
  const positions = scaled ? rowsTimes(raw, box.cell).map((x, k) => x + box.origin[k % 3]) : raw;
  const has = (list: readonly string[]): boolean => list.every((name) => column(name) >= 0);
  const used = new Set(["element", ...names]);
  let forces: Float64Array | null = null;
  const arrays = new Map<string, Field>();
  if (has(["fx", "fy", "fz"])) {
    forces = vectors(["fx", "fy", "fz"]);
    ["fx", "fy", "fz"].forEach((name) => used.add(name));
  }
  if (has(["vx", "vy", "vz"])) {
    arrays.set("velocities", { kind: "real", shape: [atoms, 3], data: vectors(["vx", "vy", "vz"]) });
    ["vx", "vy", "vz"].forEach((name) => used.add(name));
  }
  columns.forEach((name, at) => {
    if (!used.has(name))
      arrays.set(
        name,
        fieldOfWords(
          rows.map((row) => row[at]),
          [atoms],
        ),
      );
  });
  return makeStructure({
    ...speciesOf(rows, column("element"), column("type")),
    positions,
    cell: box.cell,
    pbc: box.pbc,
    forces,
    arrays,
    info: step === null ? new Map() : new Map([["timestep", integerField(step)]]),
    keys: [...columns, "timestep"],
  });
}

function speciesOf(
  rows: readonly string[][],
  element: number,
  type: number,
): Pick<Structure, "atomicNumbers" | "species"> {
  const names = rows.map((row) => (element >= 0 ? row[element] : type >= 0 ? `Type_${row[type]}` : "X"));
  const atomicNumbers = Int32Array.from(names, (name) => elementOfName(name) ?? 0);
  const plain = names.every((name, k) => elementSymbols[atomicNumbers[k] - 1] === name);
  return { atomicNumbers, species: plain ? null : names };
}
