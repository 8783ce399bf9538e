import { AtomgradError } from "../../tensor/error.js";
import { determinant } from "../../geometry/matrix3.js";
import { type NearestPair, NearestPairs } from "../../geometry/nearest-pair.js";
import { elementSymbols } from "../elements.js";
import { nonFiniteFields, scalarOf, type Structure } from "../structure.js";
import { energyRatio, guessUnit } from "./energy-unit.js";
import { Range } from "./range.js";
import { SeenFrames } from "./seen-frames.js";

/** Pairs closer than this (angstrom) are a mistake. */
const overlapDistance = 0.5;

/** Something about a frame that deserves a look. */
export interface Suspicion {
  readonly frame: number;
  readonly code:
    "non-finite" | "overlap" | "zero-cell" | "duplicate" | "non-finite-field" | "ends-early" | "left-out";
  readonly [detail: string]: unknown;
}

/** What `inspect` says about a structure set; ready for JSON. */
export interface StructureReport {
  readonly format: string;
  readonly frames: number;
  readonly sampled?: number;
  /** Whether `frames` was reckoned from the file's length. */
  readonly frames_estimated?: true;
  /** Whether the frames that were read are the first ones: a packed file can be read from its beginning only. */
  readonly sampled_beginning?: true;
  readonly atoms: { readonly min: number; readonly max: number; readonly total: number };
  readonly elements: Readonly<Record<string, number>>;
  readonly pbc: readonly boolean[] | "mixed";
  readonly energy: Readonly<Record<string, unknown>> | null;
  readonly forces: { readonly max_norm: number; readonly rms: number } | null;
  readonly nearest_distance: number | null;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly suspicious: readonly Suspicion[];
  readonly keys: readonly string[];
}

/** Gathers the report of a set frame by frame. */
export class StructureSummary {
  private frames = 0;
  private readonly atoms = new Range();
  /** How often names occur in the order in which they came, those of elements counted by number. */
  private readonly elements = new Map<string, number>();
  private readonly byNumber = new Float64Array(elementSymbols.length + 1);
  private pbc: readonly boolean[] | "mixed" | null = null;
  private readonly energy = new Range();
  private readonly ratios: number[] = [];
  private readonly forces = { count: 0, squares: 0, largest: 0 };
  private nearest = Infinity;
  private readonly properties = new Map<string, Range>();
  private readonly suspicious: Suspicion[] = [];
  private readonly seen = new SeenFrames();
  private readonly pairs = new NearestPairs();
  private readonly keys = new Set<string>();
  private readonly keyLists = new Set<readonly string[]>();

  /** @param electronVolts whether the format defines energies in eV */
  constructor(
    private readonly format: string,
    private readonly electronVolts: boolean,
  ) {}

  add(structure: Structure): void {
    const frame = this.frames++;
    const { atomicNumbers, pbc, energy, forces, info, keys } = structure;
    this.atoms.add(atomicNumbers.length);
    this.countElements(structure);
    const before = this.pbc;
    if (before === null) this.pbc = pbc;
    else if (before !== "mixed" && before.some((flag, k) => flag !== pbc[k])) this.pbc = "mixed";
    if (energy !== null) {
      this.energy.add(energy);
      if (!this.electronVolts && Number.isFinite(energy)) this.ratios.push(energyRatio(structure));
    }
    if (forces !== null) this.addForces(forces);
    this.addProperties(structure);
    for (const [name, field] of info) {
      // PyTorch's records keep scalars as arrays of one.
      const isSingle = field.shape.every((size) => size === 1);
      const value = scalarOf(isSingle ? { ...field, shape: [] } : field);
      if (value !== null) this.property(name).add(value);
    }
    if (!this.keyLists.has(keys)) for (const key of keys) this.keys.add(key);
    if (this.keyLists.size < 1000) this.keyLists.add(keys);
    this.check(structure, frame);
  }

  /**
   * @param all frames of the whole set where only some were added
   * @param isEstimate whether that number is not exact
   * @param isBeginning whether those added are the first ones
   */
  report(all: number | null = null, isEstimate = false, isBeginning = false): StructureReport {
    const { energy, forces } = this;
    const entries = [...this.properties].filter(([, range]) => range.count > 0);
    return {
      format: this.format,
      frames: all ?? this.frames,
      ...(all === null ? {} : { sampled: this.frames }),
      ...(isEstimate ? { frames_estimated: true } : {}),
      ...(isBeginning ? { sampled_beginning: true } : {}),
      atoms: { min: this.atoms.min, max: this.atoms.max, total: this.atoms.sum },
      elements: Object.fromEntries(
        [...this.elements].map(([name, count]) => [name, count + (this.byNumber[numberOf(name)] ?? 0)]),
      ),
      pbc: this.pbc ?? [false, false, false],
      energy:
        energy.count === 0
          ? null
          : { ...energy.toJson(), unit: this.electronVolts ? "eV" : guessUnit(this.ratios) },
      forces:
        forces.count === 0
          ? null
          : { max_norm: Math.sqrt(forces.largest), rms: Math.sqrt(forces.squares / forces.count) },
      nearest_distance: Number.isFinite(this.nearest) ? this.nearest : null,
      properties: Object.fromEntries(entries.map(([name, range]) => [name, range.toJson()])),
      suspicious: this.suspicious,
      keys: [...this.keys],
    };
  }

  /** What the reader says of the file, before the frame that comes next or behind the last one. */
  note(note: string, code: "ends-early" | "left-out"): void {
    this.suspicious.push({ frame: this.frames, code, note });
  }

  private countElements({ atomicNumbers, species }: Structure): void {
    const { elements, byNumber } = this;
    for (let k = 0; k < atomicNumbers.length; k++) {
      const z = atomicNumbers[k];
      if (z >= 1 && z < byNumber.length) {
        const symbol = elementSymbols[z - 1];
        if (byNumber[z]++ === 0 && !elements.has(symbol)) elements.set(symbol, 0);
      } else {
        const name = species?.[k] ?? "X";
        elements.set(name, (elements.get(name) ?? 0) + 1);
      }
    }
  }

  private property(name: string): Range {
    let range = this.properties.get(name);
    if (range === undefined) this.properties.set(name, (range = new Range()));
    return range;
  }

  /** An energy that the file keeps under the name `energy` is a scalar of the file too. */
  private addProperties({ energy, energyKey, keys }: Structure): void {
    if (energy === null || energyKey !== null) return;
    const name = keys.find((key) => /^(?:energy|energies|E)$/.test(key));
    if (name !== undefined) this.property(name).add(energy);
  }

  private addForces(forces: Float64Array): void {
    const sums = this.forces;
    for (let k = 0; k < forces.length; k += 3) {
      const square = forces[k] ** 2 + forces[k + 1] ** 2 + forces[k + 2] ** 2;
      if (!Number.isFinite(square)) continue;
      sums.count += 3;
      sums.squares += square;
      sums.largest = Math.max(sums.largest, square);
    }
  }

  private check(structure: Structure, frame: number): void {
    const { positions, cell, pbc, energy, forces } = structure;
    const bad: string[] = [];
    if (!areFinite(positions)) bad.push("positions");
    if (cell !== null && !areFinite(cell)) bad.push("cell");
    if (energy !== null && !Number.isFinite(energy)) bad.push("energy");
    if (forces !== null && !areFinite(forces)) bad.push("forces");
    if (bad.length > 0) this.suspicious.push({ frame, code: "non-finite", fields: bad });
    const others = nonFiniteFields(structure);
    if (others.length > 0) this.suspicious.push({ frame, code: "non-finite-field", fields: others });
    const measurable = !bad.includes("positions") && !bad.includes("cell");
    if (measurable && pbc.includes(true) && spansNothing(cell, pbc))
      this.suspicious.push({ frame, code: "zero-cell" });
    else if (measurable) this.measure(structure, frame);
    // NaN equals nothing.
    if (measurable) this.checkDuplicate(structure, frame);
  }

  /** Beads of coarse models (residues) may be in other units: what is near for atoms says nothing about them. */
  private measure({ atomicNumbers, positions, cell, pbc }: Structure, frame: number): void {
    const pair = closest(this.pairs, positions, cell, pbc);
    if (pair === null) return;
    this.nearest = Math.min(this.nearest, pair.distance);
    if (pair.distance < overlapDistance && atomicNumbers.some((z) => z > 0))
      this.suspicious.push({ frame, code: "overlap", atoms: [pair.i, pair.j], distance: pair.distance });
  }

  private checkDuplicate({ atomicNumbers, species, positions, cell }: Structure, frame: number): void {
    if (atomicNumbers.length === 0) return;
    const earlier = this.seen.earlier(frame, atomicNumbers, species, positions, cell);
    if (earlier !== null) this.suspicious.push({ frame, code: "duplicate", of: earlier });
  }
}

/** The atomic number of a symbol; of other names one that no atom is counted by. */
function numberOf(name: string): number {
  return elementSymbols.indexOf(name) + 1 || -1;
}

function areFinite(values: ArrayLike<number>): boolean {
  for (let k = 0; k < values.length; k++) if (!Number.isFinite(values[k])) return false;
  return true;
}

/** A cell that its searcher refuses as too flat or too skewed counts as unmeasured. */
function closest(
  pairs: NearestPairs,
  positions: Float64Array,
  cell: Float64Array | null,
  pbc: readonly [boolean, boolean, boolean],
): NearestPair | null {
  try {
    return pairs.find(positions, cell, pbc);
  } catch (error) {
    if (error instanceof AtomgradError) return null;
    throw error;
  }
}

/** Whether periodic directions have no lattice vectors, or vectors that lie in a plane or on a line. */
function spansNothing(cell: Float64Array | null, pbc: readonly boolean[]): boolean {
  if (cell === null) return true;
  const rows = [0, 1, 2].filter((k) => pbc[k]).map((k) => cell.subarray(3 * k, 3 * k + 3));
  const lengths = rows.map((row) => Math.hypot(...row));
  const size = lengths.reduce((product, length) => product * length, 1);
  if (size === 0) return true;
  if (rows.length === 3) return Math.abs(determinant(cell)) <= 1e-10 * size;
  if (rows.length === 1) return false;
  const [a, b] = rows;
  return (
    Math.hypot(a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]) <=
    1e-10 * size
  );
}
