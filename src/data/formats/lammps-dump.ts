import { rowsTimes } from "../../geometry/matrix3.js";
import { elementSymbols } from "../elements.js";
import { integerField, makeStructure, type Field, type PbcFlags, type Structure } from "../structure.js";
import type { Lines } from "../text/lines.js";
import { withLines } from "../text/lines.js";
import { parseInteger, parseReal, shown, wordsOf } from "../text/numbers.js";
import { orderOf, WordColumn } from "../text/word-column.js";
import { WordSpans } from "../text/word-spans.js";
import { everyFrame, type StructureFormat, type Wanted } from "./format.js";
import { lammpsUnits, metal, scaled, type LammpsUnits } from "./lammps-units.js";
import { elementOfName } from "./species.js";
import { sampleText } from "./sample-text.js";

/** Text dumps of LAMMPS (`dump custom`, `dump atom`), atoms sorted by id. Units metal where the dump says no others. */
export const lammpsDump: StructureFormat = {
  name: "lammps-dump",
  extensions: [".dump", ".lammpstrj", ".lammpsdump"],
  fileName: /^dump\./,
  firstType: 1,
  sniff: ({ text }) => /^\uFEFF?\s*ITEM: (?:TIMESTEP|UNITS|TIME)\b/.test(text),
  read: (path) => withLines(path, (lines) => readFrames(lines, metal)),
  readWanted: (path, wanted) => withLines(path, (lines) => readFrames(lines, metal, wanted)),
  sample: (path, count) => {
    const units = unitsOf(path);
    return sampleText(path, count, { startsFrame, read: (lines) => readFrames(lines, units) });
  },
};

interface Box {
  readonly cell: Float64Array;
  readonly origin: readonly number[];
  readonly pbc: PbcFlags;
}

function startsFrame(line: string): boolean {
  return line === "ITEM: TIMESTEP";
}

/** The units that a dump says once, at its beginning. */
function unitsOf(path: string): LammpsUnits {
  const found = withLines(path, function* (lines: Lines): Generator<LammpsUnits> {
    for (let line = lines.next(); line !== null && lines.number < 10; line = lines.next())
      if (line.trim() === "ITEM: UNITS") yield readUnits(lines);
  });
  for (const units of found) return units;
  return metal;
}

function readUnits(lines: Lines): LammpsUnits {
  return lammpsUnits(lines.need("the units").trim(), (what) => lines.error(what));
}

/**
 * Every frame, or null for those that are not wanted, whose atoms are passed over.
 *
 * @param units where the lines do not say them
 */
function readFrames(lines: Lines, units: LammpsUnits): Generator<Structure>;
function readFrames(lines: Lines, units: LammpsUnits, wanted: Wanted): Generator<Structure | null>;
function* readFrames(lines: Lines, units: LammpsUnits, wanted = everyFrame): Generator<Structure | null> {
  let frame = 0;
  let isBegun = false;
  let step: number | null = null;
  let atoms = -1;
  let box: Box | null = null;
  const spans = new WordSpans();
  for (let line = lines.nextFilled(); line !== null; line = lines.nextFilled()) {
    const title = line.trim();
    isBegun = !title.startsWith("ITEM: ATOMS");
    if (title === "ITEM: TIMESTEP") step = parseInteger(lines.need("the time step").trim());
    else if (title === "ITEM: TIME") lines.need(title);
    else if (title === "ITEM: UNITS") units = readUnits(lines);
    else if (title === "ITEM: NUMBER OF ATOMS") atoms = readCount(lines);
    else if (title.startsWith("ITEM: BOX BOUNDS")) box = readBox(lines, title, units);
    else if (title.startsWith("ITEM: ATOMS")) {
      if (box === null || atoms < 0) throw lines.error("the atoms come before their number and their box");
      if (wanted(frame++))
        yield readAtoms(lines, spans, wordsOf(title).slice(2), { atoms, box, step, units });
      else {
        lines.skipAtoms(atoms);
        yield null;
      }
    } else throw lines.error(`${shown(title)} stands where an ITEM of a LAMMPS dump is expected`);
  }
  if (isBegun) throw lines.error("ends where the atoms of a frame are expected; the file was cut short");
}

function readCount(lines: Lines): number {
  const word = lines.need("the number of atoms").trim();
  const atoms = parseInteger(word);
  if (atoms === null || atoms < 0 || 4 * atoms > lines.size)
    throw lines.error(`${shown(word)} atoms are announced, which a file of ${lines.size} bytes cannot hold`);
  return atoms;
}

/** The bounds of a skewed box are those of its bounding box. */
function readBox(lines: Lines, title: string, { length }: LammpsUnits): Box {
  const rows = [0, 1, 2].map(() => {
    const values = wordsOf(lines.need("the bounds of the box")).map(parseReal);
    if (values.length < 2 || values.some((value) => value === null || !Number.isFinite(value)))
      throw lines.error("two or three numbers that bound the box are needed");
    return values.map((value, k) => (k < 3 || title.includes("abc origin") ? length * value! : value!));
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

/** Columns of names, which may look like numbers. */
const nameColumns: ReadonlySet<string> = new Set(["element", "typelabel"]);

/** The columns of a frame by their names; of two with one name the last counts. */
class Table {
  private readonly all: readonly WordColumn[];
  private readonly columns: ReadonlyMap<string, WordColumn>;
  private order: Uint32Array;

  constructor(
    private readonly lines: Lines,
    private readonly titles: readonly string[],
    atoms: number,
  ) {
    if (2 * atoms * titles.length > lines.size + 1)
      throw lines.error(
        `${atoms} atoms of ${titles.length} columns are announced, more than a file of ${lines.size} bytes can hold`,
      );
    this.all = titles.map((title) => new WordColumn(atoms, nameColumns.has(title)));
    this.columns = new Map(titles.map((title, k) => [title, this.all[k]]));
    this.order = new Uint32Array(atoms);
  }

  read(spans: WordSpans): void {
    const { lines, order, all, titles } = this;
    const atoms = order.length;
    for (let row = 0; row < atoms; row++) {
      if (!lines.take()) lines.need(`atom ${row + 1} of ${atoms}`);
      const count = spans.find(lines.text, lines.start, lines.end);
      if (count !== all.length) throw lines.error(`${count} words for an atom of ${all.length} columns`);
      for (let k = 0; k < count; k++) {
        const bad = all[k].put(row, spans, k);
        if (bad !== null) throw lines.error(`column ${shown(titles[k])}: ${bad}`);
      }
      order[row] = row;
    }
    if (this.columns.has("id")) this.order = orderOf(this.numbers("id"));
  }

  has(names: readonly string[]): boolean {
    return names.every((name) => this.columns.has(name));
  }

  /** Three columns as the rows of an array, atoms in their order. */
  vectors(names: readonly string[]): Float64Array {
    const { order } = this;
    const rows = new Float64Array(3 * order.length);
    names.forEach((name, axis) => {
      const values = this.numbers(name);
      for (let atom = 0; atom < order.length; atom++) rows[3 * atom + axis] = values[order[atom]];
    });
    return rows;
  }

  field(name: string): Field {
    return this.columns.get(name)!.field(this.order);
  }

  /** Names of the elements, else of the types. */
  names(): string[] {
    const { order } = this;
    const element = this.columns.get("element");
    if (element !== undefined) return element.texts(order)!;
    const type = this.columns.get("type");
    if (type === undefined) return new Array<string>(order.length).fill("X");
    const known = new Map<unknown, string>();
    const nameOf = (word: unknown): string => {
      const name = known.get(word) ?? `Type_${String(word)}`;
      known.set(word, name);
      return name;
    };
    const { data } = type.field(order);
    return Array.from({ length: order.length }, (_, atom) => nameOf(data[atom]));
  }

  private numbers(name: string): Float64Array {
    const { numbers } = this.columns.get(name)!;
    if (numbers === null)
      throw this.lines.error(`the frame that ends here has names in column ${name}, numbers are needed`);
    return numbers;
  }
}

/** What stands above the atoms of a frame. */
interface Head {
  readonly atoms: number;
  readonly box: Box;
  readonly step: number | null;
  readonly units: LammpsUnits;
}

function readAtoms(
  lines: Lines,
  spans: WordSpans,
  columns: readonly string[],
  { atoms, box, step, units }: Head,
): Structure {
  const table = new Table(lines, columns, atoms);
  const found = positionColumns.find(([names]) => table.has(names));
  if (found === undefined) throw lines.error("atoms have no columns x y z (or xu, xs, xsu ...)");
  table.read(spans);
  const [names, isScaled] = found;
  const raw = table.vectors(names);
  const positions = isScaled
    ? rowsTimes(raw, box.cell).map((x, k) => x + box.origin[k % 3])
    : scaled(raw, units.length);
  const used = new Set(["element", ...names]);
  const taken = (list: readonly string[], unit: number): Float64Array | null => {
    if (!table.has(list)) return null;
    for (const name of list) used.add(name);
    return scaled(table.vectors(list), unit);
  };
  const forces = taken(["fx", "fy", "fz"], units.force);
  const velocities = taken(["vx", "vy", "vz"], units.velocity);
  const arrays = new Map<string, Field>();
  if (velocities !== null) arrays.set("velocities", { kind: "real", shape: [atoms, 3], data: velocities });
  for (const name of columns) if (!used.has(name)) arrays.set(name, inUnits(name, table.field(name), units));
  return makeStructure({
    ...speciesOf(table.names()),
    positions,
    cell: box.cell,
    pbc: box.pbc,
    forces,
    arrays,
    info: step === null ? new Map() : new Map([["timestep", integerField(step)]]),
    keys: [...columns, "timestep"],
  });
}

/** Charges and masses are turned as positions and forces are; other columns stay as they stand. */
function inUnits(name: string, field: Field, { charge, mass }: LammpsUnits): Field {
  const unit = name === "q" ? charge : name === "mass" ? mass : 1;
  if (unit === 1 || field.kind === "text") return field;
  return {
    ...field,
    kind: "real",
    data: Float64Array.from(field.data as ArrayLike<number>, (x) => unit * Number(x)),
  };
}

function speciesOf(names: readonly string[]): Pick<Structure, "atomicNumbers" | "species"> {
  const atomicNumbers = Int32Array.from(names, (name) => elementOfName(name) ?? 0);
  const plain = names.every((name, k) => elementSymbols[atomicNumbers[k] - 1] === name);
  return { atomicNumbers, species: plain ? null : names };
}
