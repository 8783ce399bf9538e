import { openFile, withFile } from "../read-file.js";
import { windowedSource } from "../windowed-source.js";
import { makeStructure, pbcOf, tagsOf, type Field, type PbcFlags, type Structure } from "../structure.js";
import { jsonEntries } from "../text/json-entries.js";
import { shown } from "../text/numbers.js";
import { flatten, fullStress, jsonField } from "../records/ase-json.js";
import { constraintLeftOut, type ReadNote, type StructureFormat, type StructureSample } from "./format.js";
import { spreadOver } from "../sampled-frames.js";
import { type Item, type Json, own, UlmReader } from "./ulm-reader.js";

/**
 * Trajectories of ASE (`.traj`): an ULM container, an item of JSON and raw arrays per frame. Units eV and angstrom. Fields
 * have the names that ASE gives them when it reads the file.
 */
export const aseTraj: StructureFormat = {
  name: "ase-traj",
  extensions: [".traj"],
  electronVolts: true,
  sniff: ({ bytes }) =>
    /^(?:- of Ulm|AFFormat)ASE-Trajectory/.test(String.fromCharCode(...bytes.subarray(0, 24))),
  read: (path, note) => readTrajectory(path, allOf, note),
  readWanted: (path, wanted, note) =>
    readTrajectory(path, (count) => Array.from({ length: count }, (_, k) => (wanted(k) ? k : null)), note),
  sample: sampleTrajectory,
};

/** Frames to read of so many; null stands for one that is not wanted. */
type Choice<T extends number | null> = (count: number) => Iterable<T>;

function readTrajectory(path: string, choose: Choice<number>, note?: ReadNote): Generator<Structure>;
function readTrajectory(
  path: string,
  choose: Choice<number | null>,
  note?: ReadNote,
): Generator<Structure | null>;
function* readTrajectory(
  path: string,
  choose: Choice<number | null>,
  note?: ReadNote,
): Generator<Structure | null> {
  const source = openFile(path);
  const noted = new Set<string>();
  try {
    const reader = new UlmReader(windowedSource(source));
    const first = reader.count > 0 ? reader.item(0) : null;
    const header = first === null ? null : headerOf(reader, first.values, 0);
    for (const k of choose(reader.count)) {
      if (k === null) {
        yield null;
        continue;
      }
      const item = k === 0 ? first! : reader.item(k);
      // Numbers, pbc and constraints stand in the first frame only, unless they change.
      const hasOwn = own(item.values, "numbers") !== undefined || own(item.values, "numbers.") !== undefined;
      const held = hasOwn && k > 0 ? headerOf(reader, item.values, k) : header!;
      for (const name of held.otherConstraints) {
        if (noted.has(name)) continue;
        noted.add(name);
        note?.(constraintLeftOut(`${source.name}: frame ${k}`, name), "left-out");
      }
      yield frameOf(reader, item, held, k);
    }
  } finally {
    source.close();
  }
}

function* allOf(count: number): Generator<number> {
  for (let k = 0; k < count; k++) yield k;
}

function sampleTrajectory(path: string, count: number): StructureSample {
  const frames = withFile(path, (source) => new UlmReader(source).count);
  return { frames, structures: readTrajectory(path, (all) => spreadOver(all, count)) };
}

/** Arrays per atom beside numbers and positions; trajectories spell the initial ones short. */
const atomArrays: readonly (readonly [stored: string, name: string])[] = [
  ["momenta", "momenta"],
  ["masses", "masses"],
  ["magmoms", "initial_magmoms"],
  ["charges", "initial_charges"],
];

/** What stands in the first frame and holds for those that do not say otherwise. */
interface Header {
  readonly keys: readonly string[];
  readonly atomicNumbers: Int32Array;
  readonly cell: Float64Array | null;
  readonly pbc: PbcFlags;
  readonly fixed: Uint8Array | null;
  /** Constraints other than FixAtoms. */
  readonly otherConstraints: readonly string[];
}

function headerOf(reader: UlmReader, item: Json, frame: number): Header {
  const numbers = reader.array(item, "numbers", frame);
  if (numbers === null) throw reader.bad(`frame ${frame} has no numbers or no positions`);
  const atomicNumbers = Int32Array.from(numbers.data as ArrayLike<number>, Number);
  if (atomicNumbers.some((z) => z < 0 || z > 118))
    throw reader.bad(`frame ${frame}: an atomic number is not in 0 to 118`);
  return {
    keys: Object.keys(item),
    atomicNumbers,
    cell: cellOf(reader, item, frame, null),
    pbc: flags(own(item, "pbc")),
    ...constraintsOf(own(item, "constraints"), atomicNumbers.length),
  };
}

function frameOf(reader: UlmReader, { values: item, text }: Item, header: Header, frame: number): Structure {
  const positions = reader.array(item, "positions", frame);
  if (positions === null) throw reader.bad(`frame ${frame} has no numbers or no positions`);
  const atomicNumbers = header.atomicNumbers.slice();
  const atoms = atomicNumbers.length;
  if (positions.data.length !== 3 * atoms || positions.shape[1] !== 3)
    throw reader.bad(`frame ${frame}: positions [${positions.shape.join(", ")}] do not fit ${atoms} atoms`);
  const cell = cellOf(reader, item, frame, header.cell);
  const arrays = new Map<string, Field>();
  const info = new Map<string, Field>();
  for (const [stored, name] of atomArrays) {
    const field = reader.array(item, stored, frame);
    if (field?.shape[0] === atoms) arrays.set(name, field);
  }
  const spelled = new Spelling(text);
  addEntries(own(item, "info"), spelled, info);
  const { energy, forces, stress } = calculator(reader, item, spelled, frame, { atoms, arrays, info });
  const numbers = reader.array(item, "tags", frame);
  const hasTags = numbers?.data.length === atoms;
  const tags = hasTags ? tagsOf(numbers.data as ArrayLike<number | bigint>) : null;
  if (hasTags && tags === null) arrays.set("tags", numbers);
  return makeStructure({
    atomicNumbers,
    positions: reals(positions),
    cell: cell?.some((x) => x !== 0) ? cell : null,
    pbc: header.pbc,
    energy,
    forces,
    stress,
    tags,
    fixed: header.fixed?.slice() ?? null,
    arrays,
    info,
    keys: keysOf(header.keys, item, { energy, forces, stress }, [...info.keys(), ...arrays.keys()]),
  });
}

/** Nine numbers, nearly always in the JSON; those of the header where the item has none. */
function cellOf(
  reader: UlmReader,
  item: Json,
  frame: number,
  inherited: Float64Array | null,
): Float64Array | null {
  const inside = own(item, "cell");
  const values = Array.isArray(inside) ? flatten(inside) : null;
  if (values?.length === 9) return Float64Array.from(values);
  const matrix = reader.array(item, "cell", frame);
  if (matrix === null) return inherited?.slice() ?? null;
  return matrix.data.length === 9 ? reals(matrix) : null;
}

/** Containers of fields, which are no fields themselves. */
const groups: ReadonlySet<string> = new Set(["info", "calculator", "version", "ase_version"]);

function keysOf(header: readonly string[], item: Json, results: Json, fields: readonly string[]): string[] {
  const renamed = new Map(atomArrays);
  const stored = [...header, ...Object.keys(item)].map((key) => key.replace(/\.$/, ""));
  const own = stored.filter((key) => !groups.has(key)).map((key) => renamed.get(key) ?? key);
  const ofCalculator = Object.keys(results).filter((key) => results[key] !== null);
  return [...new Set([...own, ...ofCalculator, ...fields])];
}

/** How the values of a JSON object are spelled; looked up when a value is met that needs it, which few are. */
class Spelling {
  private entries: ReadonlyMap<string, string> | null = null;

  constructor(private readonly text: string) {}

  of(key: string): string {
    this.entries ??= jsonEntries(this.text);
    return this.entries.get(key) ?? "";
  }
}

/** The entries of the JSON object `info` as fields. */
function addEntries(value: unknown, item: Spelling, info: Map<string, Field>): void {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) return;
  const spelled = new Spelling(item.of("info"));
  for (const [key, inner] of Object.entries(value)) {
    const field = jsonField(inner, spelled.of(key));
    if (field !== null) info.set(key, field);
  }
}

function reals(field: Field): Float64Array {
  if (field.data instanceof Float64Array) return field.data;
  return Float64Array.from(field.data as ArrayLike<number | bigint>, Number);
}

function flags(value: unknown): PbcFlags {
  if (!Array.isArray(value) || value.length !== 3) return pbcOf(value === true);
  return [Boolean(value[0]), Boolean(value[1]), Boolean(value[2])];
}

/** Where the fields of a frame go. */
interface Fields {
  readonly atoms: number;
  readonly arrays: Map<string, Field>;
  readonly info: Map<string, Field>;
}

/** Results of calculators that ASE has per atom; all others are the frame's, whatever their shape. */
const atomResults: ReadonlySet<string> = new Set([
  ...["stresses", "charges", "magmoms", "energies", "born_effective_charges"],
]);
/** What stands beside the results. */
const notResults: ReadonlySet<string> = new Set(["name", "parameters", "energy", "forces", "stress"]);

function calculator(
  reader: UlmReader,
  item: Json,
  spelled: Spelling,
  frame: number,
  { atoms, arrays, info }: Fields,
): Pick<Structure, "energy" | "forces" | "stress"> {
  const key = own(item, "calculator.") === undefined ? "calculator" : "calculator.";
  const found = own(item, key);
  if (typeof found !== "object" || found === null) return { energy: null, forces: null, stress: null };
  const results = found as Json;
  let texts: Spelling | null = null;
  const forces = reader.array(results, "forces", frame);
  if (forces !== null && forces.data.length !== 3 * atoms)
    throw reader.bad(`frame ${frame}: forces [${forces.shape.join(", ")}] do not fit ${atoms} atoms`);
  for (const [stored, value] of Object.entries(results)) {
    const name = stored.replace(/\.$/, "");
    if (notResults.has(name)) continue;
    if (!stored.endsWith(".")) texts ??= new Spelling(spelled.of(key));
    const field = stored.endsWith(".")
      ? reader.array(results, name, frame)
      : jsonField(value, texts!.of(stored));
    if (field === null) continue;
    const fields = atomResults.has(name) && field.shape[0] === atoms ? arrays : info;
    fields.set(fields.has(name) ? `${name}_` : name, field);
  }
  const stress = reader.array(results, "stress", frame);
  const isStress = stress?.data.length === 6 || stress?.data.length === 9;
  if (stress !== null && !isStress) info.set("stress", stress);
  const energy = own(results, "energy");
  if (energy !== undefined && energy !== null && typeof energy !== "number")
    throw reader.bad(`frame ${frame}: its energy is ${shown(JSON.stringify(energy))}`);
  return {
    energy: energy ?? (energy === null ? NaN : null),
    forces: forces === null ? null : reals(forces),
    stress: stress === null || !isStress ? null : matrixOf(reals(stress)),
  };
}

/** Six numbers of Voigt, or nine. */
function matrixOf(stress: Float64Array): Float64Array {
  return stress.length === 6 ? fullStress(stress) : stress;
}

/** Atoms of FixAtoms, which ASE keeps as JSON inside the JSON, null without constraints; and the names of all others. */
function constraintsOf(value: unknown, atoms: number): Pick<Header, "fixed" | "otherConstraints"> {
  const list = constraintList(value);
  if (list.length === 0) return { fixed: null, otherConstraints: [] };
  const fixed = new Uint8Array(atoms);
  const others = new Set<string>();
  for (const constraint of list) {
    const indices = constraint?.kwargs?.indices;
    if (constraint?.name === "FixAtoms" && Array.isArray(indices))
      for (const index of indices as number[]) fixed[index < 0 ? index + atoms : index] = 1;
    else others.add(String(constraint?.name));
  }
  return { fixed, otherConstraints: [...others] };
}

type Constraint = { readonly name?: unknown; readonly kwargs?: { readonly indices?: unknown } } | null;

function constraintList(value: unknown): readonly Constraint[] {
  try {
    const list: unknown = typeof value === "string" ? JSON.parse(value) : value;
    return Array.isArray(list) ? (list as Constraint[]) : [];
  } catch {
    return [];
  }
}
