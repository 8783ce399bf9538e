import type { DeepmdLabel, DeepmdSystem } from "../../data/deepmd-system.js";
import type { EvalResult } from "../../models/deepmd/deep-pot.js";
import { scientific } from "./lcurve.js";

export interface DeviationOptions {
  /** Root mean square difference to the labels instead of the deviation among the models. */
  readonly realError?: boolean;
  /** Levels that make deviations relative: divided by the length of the mean (or the label's) plus the level. */
  readonly relative?: number;
  readonly relativeVirial?: number;
}

/** Deviations of one frame: virial and energy per atom; eV, eV/angstrom. */
export interface FrameDeviation {
  readonly maxVirial: number;
  readonly minVirial: number;
  readonly avgVirial: number;
  readonly maxForce: number;
  readonly minForce: number;
  readonly avgForce: number;
  readonly energy: number;
  /** [N] */
  readonly forces: Float64Array;
}

/**
 * How far several models differ on the frames of a system, as `dp model-devi` counts it (deepmd.md 5.4). Virtual atoms are
 * counted as atoms, and a label that is missing as zero, as there.
 */
export function modelDeviation(
  system: DeepmdSystem,
  results: readonly EvalResult[],
  options: DeviationOptions = {},
): FrameDeviation[] {
  const { atomCount: atoms, frameCount, labels } = system;
  return Array.from({ length: frameCount }, (_, f) => {
    const spread = (name: "energy" | "force" | "virial", width: number, divisor: number): Spread =>
      spreadOf(
        results.map((result) => result[name].subarray(f * width, (f + 1) * width)),
        options.realError === true ? labelOf(labels[name], f, width) : undefined,
        divisor,
      );
    const force = spread("force", 3 * atoms, 1);
    const forces = Float64Array.from({ length: atoms }, (_, i) => {
      const part = (values: Float64Array): Float64Array => values.subarray(3 * i, 3 * i + 3);
      return relativeTo(length(part(force.deviation)), part(force.reference), options.relative);
    });
    const virial = spread("virial", 9, atoms);
    const virials = virial.deviation.map((d) => relativeTo(d, virial.reference, options.relativeVirial));
    return {
      maxVirial: Math.max(...virials),
      minVirial: Math.min(...virials),
      avgVirial: length(virials) / 3,
      maxForce: forces.reduce((a, b) => Math.max(a, b), 0),
      minForce: forces.reduce((a, b) => Math.min(a, b), Infinity),
      avgForce: forces.reduce((a, b) => a + b, 0) / atoms,
      energy: spread("energy", 1, atoms).deviation[0],
      forces,
    };
  });
}

interface Spread {
  /** Standard deviation over the models, or root mean square difference to the label, of each component. */
  readonly deviation: Float64Array;
  /** What relative deviations are divided by: the models' mean, or the label. */
  readonly reference: Float64Array;
}

function spreadOf(values: readonly Float64Array[], label: Float64Array | undefined, divisor: number): Spread {
  const models = values.length;
  const scaled = values.map((value) => value.map((x) => x / divisor));
  const mean = (k: number): number => scaled.reduce((sum, value) => sum + value[k], 0) / models;
  const reference = Float64Array.from(scaled[0], (_, k) =>
    label === undefined ? mean(k) : label[k] / divisor,
  );
  const deviation = reference.map((center, k) =>
    Math.sqrt(scaled.reduce((sum, value) => sum + (value[k] - center) ** 2, 0) / models),
  );
  return { deviation, reference };
}

function labelOf(label: DeepmdLabel | undefined, frame: number, width: number): Float64Array {
  return label?.data.subarray(frame * width, (frame + 1) * width) ?? new Float64Array(width);
}

function relativeTo(deviation: number, reference: Float64Array, level: number | undefined): number {
  return level === undefined ? deviation : deviation / (length(reference) + level);
}

function length(vector: Float64Array): number {
  return Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
}

/** The block of one system in model_devi.out: columns 19 wide after a step of 12. */
export function formatDeviations(
  system: string,
  frames: readonly FrameDeviation[],
  frequency: number,
  atomic: boolean,
): string {
  const names = ["v", "f"].flatMap((kind) => ["max", "min", "avg"].map((what) => `${what}_devi_${kind}`));
  const titles = [...names, "devi_e", ...(atomic ? ["atm_devi_f(N)"] : [])];
  const rows = frames.map((frame, f) => {
    const cells = [
      ...[frame.maxVirial, frame.minVirial, frame.avgVirial],
      ...[frame.maxForce, frame.minForce, frame.avgForce],
      frame.energy,
      ...(atomic ? frame.forces : []),
    ];
    return `${String(f * frequency).padStart(12)}${cells.map((x) => scientific(x, 6).padStart(19)).join("")}`;
  });
  return [
    `# ${system}`,
    `# ${"step".padEnd(10)}${titles.map((t) => t.padEnd(19)).join("")}`,
    ...rows,
    "",
  ].join("\n");
}
