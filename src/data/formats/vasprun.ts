import { determinant, rowsTimes } from "../../geometry/matrix3.js";
import { makeStructure, pbcOf, realField, type Field, type Structure } from "../structure.js";
import type { Lines } from "../text/lines.js";
import { withLines } from "../text/lines.js";
import { parseReal, shown, wordsOf } from "../text/numbers.js";
import { xmlEvents, type XmlEvent } from "../text/xml.js";
import type { StructureFormat } from "./format.js";
import { samplePieces, startsByLines, type TextHead } from "./sample-text.js";
import { elementOfName } from "./species.js";
import { stressOfKilobar } from "./vasp-units.js";

/**
 * VASP's vasprun.xml: the ionic steps (`calculation`). `energy` is the free energy `e_fr_energy` of the step, whose
 * derivative the forces are; `e_wo_entrp` and `e_0_energy` are fields.
 */
export const vasprun: StructureFormat = {
  name: "vasprun",
  extensions: ["vasprun.xml"],
  fileName: /vasprun.*\.xml$/,
  electronVolts: true,
  sniff: ({ text }) => /^\uFEFF?\s*<\?xml[^>]*>\s*<modeling>/.test(text),
  read: (path) => withLines(path, readSteps, { encoding: "latin1" }),
  sample: (path, count) =>
    samplePieces(path, count, {
      starts: (piece, from, most) =>
        startsByLines(piece, from, most, (line) => line.startsWith("<calculation>")),
      head: headOf,
      tail: "</modeling>",
      read: readSteps,
      encoding: "latin1",
    }),
};

/** What is read of the elements above the steps. */
function headOf(beginning: string): TextHead | null {
  const end = beginning.search(/^\s*<calculation>/m);
  if (end < 0) return null;
  const parts = beginning
    .slice(0, end)
    .match(
      /<atominfo>[^]*?<\/atominfo>|<i [^>]*name="PSTRESS"[^>]*>[^<]*<\/i>|<structure name="initialpos"[^]*?<\/structure>/g,
    );
  return { text: `<modeling>${parts?.join("\n") ?? ""}\n`, end };
}

/** One `calculation`, as far as it is known. */
interface Step {
  cell: Float64Array | null;
  fractions: Float64Array | null;
  forces: Float64Array | null;
  stress: Float64Array | null;
  readonly energies: Map<string, number>;
}

const energyNames = ["e_fr_energy", "e_wo_entrp", "e_0_energy"];
const keys = ["atoms", "basis", "positions", "forces", "stress", ...energyNames];

function* readSteps(lines: Lines): Generator<Structure> {
  yield* new VasprunReader(lines).steps();
}

class VasprunReader {
  /** Names of the open elements, with the `name` attribute behind a colon where they have one. */
  private readonly path: string[] = [];
  private text = "";
  private rows: number[] | null = null;
  private readonly elements: string[] = [];
  private cells: string[] = [];
  private step: Step | null = null;
  private fixed: Uint8Array | null = null;
  /** PSTRESS of the input, kB. */
  private pressure = 0;

  constructor(private readonly lines: Lines) {}

  *steps(): Generator<Structure> {
    for (const event of xmlEvents(this.lines)) {
      if (event.kind === "open") this.open(event);
      else if (event.kind === "text") this.text += event.text;
      else {
        const step = this.close();
        if (step !== null) yield step;
      }
    }
  }

  private open({ name, attributes }: XmlEvent & { kind: "open" }): void {
    const label = attributes.get("name");
    this.path.push(label === undefined ? name : `${name}:${label}`);
    this.text = "";
    if (name === "calculation")
      this.step = { cell: null, fractions: null, forces: null, stress: null, energies: new Map() };
    else if (name === "varray") this.rows = this.wanted() ? [] : null;
    else if (name === "rc") this.cells = [];
  }

  /** Ends an element; gives the structure of a whole step. */
  private close(): Structure | null {
    const name = this.path.at(-1)!;
    const { text, step } = this;
    this.text = "";
    if (name === "v" || name.startsWith("v:")) this.addRow(text);
    else if (name === "c") this.cells.push(text.trim());
    else if (name === "rc" && this.path.includes("array:atoms")) this.elements.push(this.cells[0] ?? "");
    else if (name.startsWith("varray:")) this.takeRows(name.slice("varray:".length));
    else if (name.startsWith("i:") && step !== null && this.under("energy", "calculation"))
      this.takeEnergy(name.slice(2), text, step);
    else if (name === "i:PSTRESS") this.pressure = parseReal(text.trim()) ?? 0;
    this.path.pop();
    if (name !== "calculation" || step === null) return null;
    this.step = null;
    return this.structure(step);
  }

  /** Whether the innermost elements around the current one have these names, from inside out. */
  private under(...names: readonly string[]): boolean {
    return names.every((name, k) => this.path.at(-2 - k) === name);
  }

  /** Arrays of numbers that are read: those of the step, and which atoms move from the first structure. */
  private wanted(): boolean {
    const name = this.path.at(-1)!;
    if (name === "varray:selective") return this.under("structure:initialpos");
    if (this.step === null) return false;
    if (name === "varray:basis") return this.under("crystal", "structure", "calculation");
    if (name === "varray:positions") return this.under("structure", "calculation");
    return /^varray:(?:forces|stress)$/.test(name) && this.under("calculation");
  }

  private addRow(text: string): void {
    const { rows, lines } = this;
    if (rows === null) return;
    const values = wordsOf(text).map((word) => (word === "T" ? 1 : word === "F" ? 0 : parseReal(word)));
    if (values.length !== 3 || values.includes(null))
      throw lines.error(`${shown(text.trim())} stands where three numbers are expected`);
    rows.push(...(values as number[]));
  }

  private takeRows(name: string): void {
    const { rows, step } = this;
    if (rows === null) return;
    this.rows = null;
    const values = Float64Array.from(rows);
    if (name === "selective")
      this.fixed = Uint8Array.from({ length: values.length / 3 }, (_, k) =>
        Number(!values.subarray(3 * k, 3 * k + 3).includes(1)),
      );
    else if (name === "basis") step!.cell = this.nine(values, "basis");
    else if (name === "positions") step!.fractions = values;
    else if (name === "forces") step!.forces = values;
    else step!.stress = stressOfKilobar(this.nine(values, "stress"));
  }

  private nine(values: Float64Array, what: string): Float64Array {
    if (values.length === 9) return values;
    throw this.lines.error(`${what} holds ${values.length / 3} rows, three are needed`);
  }

  private takeEnergy(name: string, text: string, step: Step): void {
    const value = parseReal(text.trim());
    if (value === null) throw this.lines.error(`${name} is ${shown(text.trim())}, no number`);
    if (energyNames.includes(name)) step.energies.set(name, value);
  }

  private structure({ cell, fractions, forces, stress, energies }: Step): Structure {
    const { lines, elements } = this;
    const atoms = elements.length;
    if (cell === null || fractions === null || fractions.length !== 3 * atoms)
      throw lines.error(
        `the step that ends here has ${cell === null ? "no cell" : `${(fractions?.length ?? 0) / 3} positions`}; atominfo lists ${atoms} atoms`,
      );
    if (forces !== null && forces.length !== 3 * atoms)
      throw lines.error(`the step that ends here has ${forces.length / 3} forces for ${atoms} atoms`);
    const [energyName, ...others] = energyNames;
    const info = new Map<string, Field>();
    // Under an outer pressure the energies of a step are enthalpies: energy + pressure volume.
    const work = stressOfKilobar([-this.pressure])[0] * Math.abs(determinant(cell));
    const energyOf = (key: string): number | null => {
      const value = energies.get(key);
      return value === undefined ? null : value - work;
    };
    for (const name of others) if (energies.has(name)) info.set(name, realField(energyOf(name)!));
    return makeStructure({
      atomicNumbers: Int32Array.from(elements, (name) => this.element(name)),
      positions: rowsTimes(fractions, cell),
      cell,
      pbc: pbcOf(true),
      energy: energyOf(energyName),
      forces,
      stress,
      fixed: this.fixed?.length === atoms ? this.fixed : null,
      info,
      keys,
    });
  }

  private element(name: string): number {
    const z = elementOfName(name);
    // VASP writes r for zirconium and X for xenon in some versions.
    const known = z !== null && z > 0 ? z : name === "r" ? 40 : name === "X" ? 54 : null;
    if (known === null) throw this.lines.error(`${shown(name)} is no element`);
    return known;
  }
}
