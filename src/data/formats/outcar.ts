import { AtomgradError } from "../../tensor/error.js";
import { makeStructure, pbcOf, realField, type Field, type Structure } from "../structure.js";
import type { Lines } from "../text/lines.js";
import { withLines } from "../text/lines.js";
import { parseInteger, parseReal, shown, wordsOf } from "../text/numbers.js";
import type { ReadNote, StructureFormat } from "./format.js";
import { samplePieces, startsByLines, type TextHead } from "./sample-text.js";
import { elementOfName } from "./species.js";
import { stressOfKilobar } from "./vasp-units.js";

/**
 * VASP's OUTCAR: the ionic steps. `energy` is the free energy TOTEN, whose derivative the forces are; the energy without
 * entropy and its extrapolation to zero smearing are fields.
 */
export const outcar: StructureFormat = {
  name: "outcar",
  extensions: [".outcar"],
  fileName: /^outcar|[._-]outcar$/,
  electronVolts: true,
  sniff: ({ text }) =>
    /^\s*vasp\.\d/.test(text) || /^ POTCAR: {2,}\S/m.test(text) || /^ (?:INCAR|POSCAR):\s*$/m.test(text),
  read: (path, note) => withLines(path, (lines) => readSteps(lines, note), { encoding: "latin1" }),
  sample: (path, count) =>
    samplePieces(path, count, {
      starts: stepStarts,
      head: headOf,
      read: (lines) => readSteps(lines),
      encoding: "latin1",
    }),
};

const endOfStep = /^ *energy {2}without entropy *=/;

/** A step begins below the last of the energies of the one before. */
function stepStarts(piece: string, from: number, most: number): number[] {
  const after = startsByLines(piece, from, most, (_line, _next, before) => endOfStep.test(before));
  return from === 0 ? [0, ...after].slice(0, most) : after;
}

/** The lines that say what the atoms are, and the first lattice; steps are looked for behind the first one. */
function headOf(beginning: string): TextHead | null {
  const end = new RegExp(`${endOfStep.source}.*\n`, "m").exec(beginning);
  const first = beginning.search(/^ *POSITION +TOTAL-FORCE/m);
  if (end === null || first < 0) return null;
  const about = beginning.slice(0, first).split("\n");
  const lattice = about.findLastIndex((line) => /^ +direct lattice vectors/.test(line));
  const lines = about.filter(
    (line, k) =>
      /TITEL|VRHFIN|POTCAR:|NIONS|ions per type|^[\s\d]+$/.test(line) || (k >= lattice && k < lattice + 4),
  );
  return { text: `${lines.join("\n")}\n`, end: end.index + end[0].length };
}

const keys = ["species", "positions", "cell", "energy", "forces", "stress"];

/** What is known of the ionic step that is being read. */
interface Step {
  readonly positions: Float64Array;
  readonly forces: Float64Array;
  readonly cell: Float64Array;
  readonly stress: Float64Array | null;
  energy: number | null;
  readonly info: Map<string, Field>;
}

/** The last thing that VASP writes, when a calculation is over. */
const lastTitle = /^\s*General timing and accounting informations/;

/**
 * The whole ionic steps. A file without VASP's last words belongs to a calculation that still runs or was stopped: its whole
 * steps are good, and `note` is told so.
 */
function* readSteps(lines: Lines, note?: ReadNote): Generator<Structure> {
  const state: Reading = { header: new Header(), cell: null, stress: null, step: null, isOver: false };
  let count = 0;
  for (let line = lines.next(); line !== null; line = lines.next()) {
    const { step } = state;
    // A step is over when a line follows its last number: nothing of it can have been cut.
    if (step !== null && step.info.size > 0) {
      yield structureOf(step, state.header, lines);
      count++;
      state.step = state.stress = null;
    }
    try {
      readLine(lines, line, state);
    } catch (error) {
      // What is wrong in the last line was cut off behind it.
      if (count === 0 || lines.peek() !== null) throw error;
      state.step = null;
    }
  }
  if (count === 0)
    throw new AtomgradError(
      "FORMAT",
      `${lines.name}: ends before the first ionic step and its energies are whole; there is no whole step to read`,
    );
  if (!state.isOver)
    note?.(
      `${lines.name}: ends early, without the timing that VASP writes at last: the calculation still runs or was stopped, or the file was cut; ${count} whole ionic steps were read`,
      "ends-early",
    );
}

/** What is known while the lines go by. */
interface Reading {
  readonly header: Header;
  cell: Float64Array | null;
  stress: Float64Array | null;
  step: Step | null;
  /** Whether the calculation is over. */
  isOver: boolean;
}

function readLine(lines: Lines, line: string, state: Reading): void {
  const { header, cell, stress, step } = state;
  if (header.take(line, lines)) return;
  if (/^\s+direct lattice vectors/.test(line)) state.cell = readCell(lines);
  else if (/^\s+in kB /.test(line)) state.stress = readStress(lines, line);
  else if (/^\s*POSITION\s+TOTAL-FORCE \(eV\/Angst\)/.test(line)) {
    if (cell === null) throw lines.error("atoms come before the lattice vectors");
    state.step = { ...readAtoms(lines, header.atoms(lines)), cell, stress, energy: null, info: new Map() };
  } else if (step !== null) readEnergies(lines, line, step);
  else if (lastTitle.test(line)) state.isOver = true;
}

/** Elements and their numbers of atoms. */
class Header {
  private readonly elements: number[] = [];
  private readonly valences: number[] = [];
  /** Names of potential files; listed twice. */
  private readonly potentials: number[] = [];
  private counts: readonly number[] = [];
  private announced: number | null = null;

  /** Whether the line was one of the header's. */
  take(line: string, lines: Lines): boolean {
    const title = /^\s+TITEL\s+=\s+\S+\s+([A-Z][a-z]?)(?:[_.\s]|$)/.exec(line);
    const valence = /^\s+VRHFIN\s*=\s*([A-Z][a-z]?)\s*:/.exec(line);
    const potential = /^ POTCAR:\s+\S+\s+([A-Z][a-z]?)(?:[_.\s]|$)/.exec(line);
    if (title !== null) this.elements.push(elementOfName(title[1]) ?? 0);
    else if (valence !== null) this.valences.push(elementOfName(valence[1]) ?? 0);
    else if (potential !== null) this.potentials.push(elementOfName(potential[1]) ?? 0);
    else if (/NIONS\s*=/.test(line)) this.announced = parseInteger(/NIONS\s*=\s*(\d+)/.exec(line)?.[1] ?? "");
    else if (/^\s+ions per type =/.test(line)) this.counts = this.readCounts(line, lines);
    else return false;
    return true;
  }

  /** The element of every atom. */
  atoms(lines: Lines): Int32Array {
    const { counts } = this;
    const lists = [this.elements, this.valences, this.potentials.slice(0, counts.length)];
    const names = lists.find((list) => list.length === counts.length && !list.includes(0));
    if (counts.length === 0 || names === undefined)
      throw lines.error(
        `atoms come before their elements (TITEL, found ${this.elements.length}) and numbers (ions per type, found ${counts.length})`,
      );
    return Int32Array.from(counts.flatMap((size, type) => new Array<number>(size).fill(names[type])));
  }

  /** Many types take several lines. */
  private readCounts(line: string, lines: Lines): number[] {
    const counts = wordsOf(line.slice(line.indexOf("=") + 1)).map((word) => parseInteger(word) ?? -1);
    const sum = (): number => counts.reduce((a, b) => a + b, 0);
    for (
      let next = lines.peek();
      next !== null && sum() < (this.announced ?? 0) && /^[\s\d]+$/.test(next) && next.trim() !== "";
      next = lines.peek()
    )
      counts.push(...wordsOf(lines.next()!).map(Number));
    if (counts.some((count) => count < 1) || sum() !== (this.announced ?? sum()))
      throw lines.error(
        `the ions per type ${shown(counts.join(" "))} are not the ${this.announced} of NIONS`,
      );
    // Each atom has a line of some sixty characters in every step.
    if (30 * sum() > lines.size)
      throw lines.error(`${sum()} atoms are announced, more than a file of ${lines.size} bytes can hold`);
    return counts;
  }
}

function structureOf({ info, ...step }: Step, header: Header, lines: Lines): Structure {
  return makeStructure({
    atomicNumbers: header.atoms(lines),
    pbc: pbcOf(true),
    ...step,
    info,
    keys: [...keys, ...info.keys()],
  });
}

/** Fortran runs numbers together where they fill their columns: `-10.000000000-10.000000000`. */
function realsOf(line: string): (number | null)[] {
  return wordsOf(line.replace(/(\d)-(?=\d)/g, "$1 -")).map(parseReal);
}

function readRow(lines: Lines, what: string, count: number): readonly number[] {
  const values = realsOf(lines.need(what));
  if (values.length >= count && !values.slice(0, count).includes(null)) return values as number[];
  throw lines.error(`${count} numbers are expected for ${what}`);
}

function readCell(lines: Lines): Float64Array {
  const cell = new Float64Array(9);
  for (const k of [0, 3, 6])
    cell.set(readRow(lines, "a lattice vector and its reciprocal", 6).slice(0, 3), k);
  return cell;
}

/** XX YY ZZ XY YZ ZX */
function readStress(lines: Lines, line: string): Float64Array {
  const values = realsOf(line.replace(/^\s+in kB/, ""));
  if (values.length !== 6 || values.includes(null))
    throw lines.error(`${shown(line.trim())}: six components of the stress are expected`);
  const [xx, yy, zz, xy, yz, zx] = values as number[];
  return stressOfKilobar([xx, xy, zx, xy, yy, yz, zx, yz, zz]);
}

function readAtoms(lines: Lines, atomicNumbers: Int32Array): Pick<Step, "positions" | "forces"> {
  const atoms = atomicNumbers.length;
  lines.need("the line above the atoms");
  const positions = new Float64Array(3 * atoms);
  const forces = new Float64Array(3 * atoms);
  for (let atom = 0; atom < atoms; atom++) {
    const row = readRow(lines, `position and force of atom ${atom + 1} of ${atoms}`, 6);
    positions.set(row.slice(0, 3), 3 * atom);
    forces.set(row.slice(3, 6), 3 * atom);
  }
  if (!/^ *-{5,}/.test(lines.need("the line below the atoms")))
    throw lines.error(`more than ${atoms} atoms, or none of the line below them`);
  return { positions, forces };
}

/** `free  energy   TOTEN  = ... eV`, then `energy  without entropy= ... energy(sigma->0) = ...`, each once a step. */
function readEnergies(lines: Lines, line: string, step: Step): void {
  const total = /^\s*free {2}energy (?:ML )? *TOTEN\s*=\s*(\S+)\s+eV/.exec(line);
  if (total !== null) step.energy = numberOf(lines, total[1]);
  if (step.energy === null) return;
  const others = /^\s*energy {2}without entropy\s*=\s*(\S+)\s+energy(?: ML)?\(sigma->0\)\s*=\s*(\S+)/.exec(
    line,
  );
  if (others === null) return;
  step.info.set("energy_without_entropy", realField(numberOf(lines, others[1])));
  step.info.set("energy_sigma0", realField(numberOf(lines, others[2])));
}

/** Fortran fills what does not fit its column with stars. */
function numberOf(lines: Lines, word: string): number {
  const value = parseReal(word);
  if (value === null) throw lines.error(`${shown(word)} stands where an energy is expected`);
  return value;
}
