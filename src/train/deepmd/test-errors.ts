import { type DeepmdLabel, type DeepmdSystem, type LabelName } from "../../data/deepmd-system.js";
import { determinant } from "../../geometry/matrix3.js";
import type { EvalResult } from "../../models/deepmd/deep-pot.js";
import { evalSystem, type Evaluator } from "../../models/deepmd/eval-system.js";

/** Mean absolute and root mean square error of `count` numbers. */
export interface Measure {
  readonly mae: number;
  readonly rmse: number;
  readonly count: number;
}

/** The quantities `test` compares; a quantity is absent where the system has no label for it. */
export type Quantity =
  | "energy"
  | "energyPerAtom"
  | "force"
  | "weightedForce"
  | "virial"
  | "virialPerAtom"
  | "stress"
  | "atomEnergy";

/** Errors of a model on one system: eV, eV/angstrom, eV/angstrom^3. */
export interface SystemErrors {
  readonly frames: number;
  readonly measures: Readonly<Partial<Record<Quantity, Measure>>>;
}

/** Predictions beside the frames they belong to. */
export interface Comparison {
  readonly system: DeepmdSystem;
  /** The first frames of the system were compared. */
  readonly frames: number;
  readonly prediction: EvalResult;
  readonly errors: SystemErrors;
}

/**
 * Compares a potential with the labels of the first `frames` frames of a system, as `dp test` does. Frames whose set
 * lacks a label do not count for it. Virtual atoms count as in DeePMD-kit: energies and virials "per atom" are divided by
 * the length of `type.raw`, and force errors are means over all atoms, with forces of 0 on virtual ones.
 */
export function compareSystem(pot: Evaluator, system: DeepmdSystem, frames: number): Comparison {
  const prediction = evalSystem(pot, system, { frames, atomic: system.labels.atom_ener !== undefined });
  return { system, frames, prediction, errors: { frames, measures: measure(system, frames, prediction) } };
}

/** Errors over several systems: MAE weighted by the count of numbers, RMSE by the root of the weighted squares. */
export function averageErrors(all: readonly SystemErrors[]): SystemErrors {
  const measures: Partial<Record<Quantity, Measure>> = {};
  const names = new Set(all.flatMap((errors) => Object.keys(errors.measures) as Quantity[]));
  for (const name of names) {
    // DeePMD-kit leaves atomic energies out of the average.
    if (name === "atomEnergy") continue;
    const total = new ErrorSum();
    for (const { measures: own } of all) if (own[name] !== undefined) total.addMeasure(own[name]);
    measures[name] = total.result();
  }
  return { frames: all.reduce((sum, errors) => sum + errors.frames, 0), measures };
}

function measure(
  system: DeepmdSystem,
  frames: number,
  prediction: EvalResult,
): Partial<Record<Quantity, Measure>> {
  const { atomCount: atoms, cells, labels } = system;
  const sums = new Map<Quantity, ErrorSum>();
  const sumOf = (name: Quantity): ErrorSum => {
    let sum = sums.get(name);
    if (sum === undefined) sums.set(name, (sum = new ErrorSum()));
    return sum;
  };
  for (let frame = 0; frame < frames; frame++) {
    const differences = (name: LabelName, predicted: Float64Array): Float64Array | undefined =>
      difference(labels[name], predicted, frame);
    for (const d of differences("energy", prediction.energy) ?? []) {
      sumOf("energy").add(d);
      sumOf("energyPerAtom").add(d / atoms);
    }
    const force = differences("force", prediction.force);
    if (force !== undefined) {
      for (const d of force) sumOf("force").add(d);
      const weights = labels.atom_pref;
      if (weights?.found[frame] === 1)
        force.forEach((d, k) => sumOf("weightedForce").add(d, weights.data[frame * weights.width + k]));
    }
    if (cells !== null) {
      const volume = Math.abs(determinant(cells.subarray(frame * 9, frame * 9 + 9)));
      for (const d of differences("virial", prediction.virial) ?? []) {
        sumOf("virial").add(d);
        sumOf("virialPerAtom").add(d / atoms);
        sumOf("stress").add(d / volume);
      }
    }
    if (prediction.atomEnergy !== undefined)
      for (const d of differences("atom_ener", prediction.atomEnergy) ?? []) sumOf("atomEnergy").add(d);
  }
  return Object.fromEntries([...sums].map(([name, sum]) => [name, sum.result()]));
}

/** Prediction minus label of one frame; undefined where the frame has none. */
function difference(
  label: DeepmdLabel | undefined,
  predicted: Float64Array,
  frame: number,
): Float64Array | undefined {
  if (label === undefined || label.found[frame] === 0) return undefined;
  const start = frame * label.width;
  return Float64Array.from({ length: label.width }, (_, k) => predicted[start + k] - label.data[start + k]);
}

class ErrorSum {
  private absolute = 0;
  private squares = 0;
  private weight = 0;

  add(difference: number, weight = 1): void {
    this.absolute += weight * Math.abs(difference);
    this.squares += weight * difference * difference;
    this.weight += weight;
  }

  addMeasure({ mae, rmse, count }: Measure): void {
    this.absolute += count * mae;
    this.squares += count * rmse * rmse;
    this.weight += count;
  }

  result(): Measure {
    const { weight } = this;
    if (weight === 0) return { mae: 0, rmse: 0, count: 0 };
    return { mae: this.absolute / weight, rmse: Math.sqrt(this.squares / weight), count: weight };
  }
}
