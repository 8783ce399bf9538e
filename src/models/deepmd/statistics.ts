import type { NeighbourSettings } from "./settings.js";
import { leastSquares } from "./least-squares.js";
import type { EnvironmentStatistics } from "./descriptor.js";

/** Radial part and components of environment rows of one frame: what statistics are taken over. */
export interface EnvironmentRows {
  /** Centre type of each row. */
  readonly centreType: Int32Array;
  /** [rows, 4]: (s, s x/r, s y/r, s z/r), not normalised; excluded pairs as zeros or left out. */
  readonly rows: Float64Array;
  /** Real atoms per type, each of which has `sel` slots. */
  readonly atomsPerType: Int32Array;
}

/** How many numbers, their sum, the sum of their squares: what means and deviations are made of. */
export type Moments = readonly [count: number, sum: number, squares: number];

/** Moments of the radial part and of the components, by centre type. */
export interface EnvironmentMoments {
  readonly radial: readonly Moments[];
  readonly angular: readonly Moments[];
}

const smallestDeviation = 1e-2;
const absentDeviation = 0.1;
/** Beside the count, in TensorFlow's means. */
const tinyCount = 1e-15;

/** Sums up environment rows (spec 2.5). Empty slots count as zeros. */
export class EnvironmentAccumulator {
  private readonly count: Float64Array;
  /** By type: sum s, sum s^2, sum of components, sum of their squares. */
  private readonly sums: Float64Array;

  /** @param sel slots of an atom */
  constructor(
    private readonly typeCount: number,
    private readonly sel: number,
  ) {
    this.count = new Float64Array(typeCount);
    this.sums = new Float64Array(4 * typeCount);
  }

  add({ centreType, rows, atomsPerType }: EnvironmentRows): void {
    atomsPerType.forEach((n, t) => (this.count[t] += n * this.sel));
    for (let e = 0; e < centreType.length; e++) {
      const at = 4 * centreType[e];
      const [s, x, y, z] = rows.subarray(4 * e, 4 * e + 4);
      this.sums[at] += s;
      this.sums[at + 1] += s * s;
      this.sums[at + 2] += x + y + z;
      this.sums[at + 3] += x * x + y * y + z * z;
    }
  }

  moments(): EnvironmentMoments {
    const types = Array.from({ length: this.typeCount }, (_, t) => t);
    return {
      radial: types.map((t) => [this.count[t], this.sums[4 * t], this.sums[4 * t + 1]]),
      angular: types.map((t) => [3 * this.count[t], this.sums[4 * t + 2], this.sums[4 * t + 3]]),
    };
  }
}

/** davg and dstd [nt, 4]; types without data get average 0 and deviation 0.1 (TensorFlow: 1/rcut). */
export function environmentStatistics(
  { radial, angular }: EnvironmentMoments,
  { rcut, rules, setDavgZero }: Pick<NeighbourSettings, "rules" | "rcut" | "setDavgZero">,
): EnvironmentStatistics {
  const mean = new Float64Array(4 * radial.length);
  const stddev = new Float64Array(4 * radial.length);
  const absent = rules === "tf" ? 1 / rcut : absentDeviation;
  const tiny = rules === "tf" ? tinyCount : 0;
  const own = ([n, sum, squares]: Moments, width: number): number =>
    n === 0 ? absent : deviation(sum / (n + width * tiny), squares / (n + width * tiny));
  radial.forEach(([n, sum], t) => {
    const [r, a] = [own(radial[t], 1), own(angular[t], 3)];
    if (!setDavgZero && n > 0) mean[4 * t] = sum / (n + tiny);
    stddev.set([r, a, a, a], 4 * t);
  });
  return { mean, stddev };
}

function deviation(mean: number, meanSquare: number, least = smallestDeviation): number {
  return Math.max(least, Math.sqrt(Math.max(0, meanSquare - mean * mean)));
}

/** A frame's energy and its number of atoms of each type. */
export interface Composition {
  readonly energy: number;
  readonly counts: ArrayLike<number>;
}

export interface EnergyBias {
  /** [nt] */
  readonly bias: Float64Array;
  /** Standard deviation of what the bias leaves. */
  readonly deviation: number;
}

/**
 * Energy per type by least squares over frames: E_f = sum_t n_ft b_t (spec 2.9).
 *
 * @param preset energies that are given; null: from the data
 */
export function energyBias(
  frames: readonly Composition[],
  typeCount: number,
  preset: readonly (number | null)[] = [],
): EnergyBias {
  const a = new Float64Array(frames.length * typeCount);
  const unknown = (t: number): number => Number((preset[t] ?? null) === null);
  frames.forEach((frame, f) => a.set(Array.from(frame.counts), f * typeCount));
  const given = (frame: Composition): number =>
    preset.reduce<number>((sum, energy, t) => sum + (energy ?? 0) * frame.counts[t], 0);
  const b = Float64Array.from(frames, (frame) => frame.energy - given(frame));
  const bias = leastSquares(
    a.map((n, k) => n * unknown(k % typeCount)),
    b,
    frames.length,
    typeCount,
  );
  preset.forEach((energy, t) => (bias[t] = energy ?? bias[t]));
  const rest = frames.map((frame, f) => {
    let predicted = 0;
    for (let t = 0; t < typeCount; t++) predicted += a[f * typeCount + t] * bias[t];
    return frame.energy - predicted;
  });
  const mean = rest.reduce((x, y) => x + y, 0) / Math.max(1, rest.length);
  const variance = rest.reduce((x, y) => x + (y - mean) ** 2, 0) / Math.max(1, rest.length);
  return { bias, deviation: Math.sqrt(variance) };
}

/** Means and inverse deviations of the parameters of frames and atoms. */
export type ParameterStatistics = Readonly<
  Record<"fparam" | "aparam", { readonly mean: Float64Array; readonly scale: Float64Array }>
>;

/** Moments of each of `width` columns. */
export function columnMoments(parts: readonly Float64Array[], width: number): Moments[] {
  const [sums, squares] = [new Float64Array(width), new Float64Array(width)];
  let rows = 0;
  for (const part of parts) {
    rows += part.length / width;
    part.forEach((x, k) => {
      sums[k % width] += x;
      squares[k % width] += x * x;
    });
  }
  return Array.from(sums, (sum, k) => [rows, sum, squares[k]]);
}

/**
 * Means and inverse standard deviations of columns (spec 2.9). No rows: 0 and 1.
 *
 * @param least `data_stat_protect`: deviations are at least that
 */
export function parameterStatistics(
  columns: readonly Moments[],
  least: number,
): { mean: Float64Array; scale: Float64Array } {
  const mean = Float64Array.from(columns, ([n, sum]) => (n === 0 ? 0 : sum / n));
  const scale = columns.map(([n, , squares], k) =>
    n === 0 ? 1 : 1 / deviation(mean[k], squares / n, least),
  );
  return { mean, scale: Float64Array.from(scale) };
}
