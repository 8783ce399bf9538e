import { leastSquares } from "./least-squares.js";
import type { EnvironmentStatistics } from "./se-atten/descriptor.js";

/** Radial part and components of environment rows of one frame: what statistics are taken over. */
export interface EnvironmentRows {
  /** Centre type of each row. */
  readonly centreType: Int32Array;
  /** [rows, 4]: (s, s x/r, s y/r, s z/r), not normalised; excluded pairs as zeros or left out. */
  readonly rows: Float64Array;
  /** Real atoms per type, each of which has `sel` slots. */
  readonly atomsPerType: Int32Array;
}

const smallestDeviation = 1e-2;
const absentDeviation = 0.1;

/** Accumulates davg and dstd (spec 2.5). Empty slots count as zeros. */
export class EnvironmentAccumulator {
  private readonly count: Float64Array;
  /** By type: sum s, sum s^2, sum of components, sum of their squares. */
  private readonly sums: Float64Array;

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

  /** davg and dstd [nt, 4]; types without data get average 0 and deviation 0.1. */
  finish(setDavgZero: boolean): EnvironmentStatistics {
    const mean = new Float64Array(4 * this.typeCount);
    const stddev = new Float64Array(4 * this.typeCount);
    for (let t = 0; t < this.typeCount; t++) {
      const n = this.count[t];
      const [s, s2, a, a2] = this.sums.subarray(4 * t, 4 * t + 4);
      const radial = n === 0 ? absentDeviation : deviation(s / n, s2 / n);
      const angular = n === 0 ? absentDeviation : deviation(a / (3 * n), a2 / (3 * n));
      if (!setDavgZero && n > 0) mean[4 * t] = s / n;
      stddev.set([radial, angular, angular, angular], 4 * t);
    }
    return { mean, stddev };
  }
}

function deviation(mean: number, meanSquare: number): number {
  return Math.max(smallestDeviation, Math.sqrt(Math.max(0, meanSquare - mean * mean)));
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
  /** Types that occur in the data. */
  readonly observed: readonly boolean[];
}

/** Energy per type by least squares over frames: E_f = sum_t n_ft b_t (spec 2.9). */
export function energyBias(frames: readonly Composition[], typeCount: number): EnergyBias {
  const a = new Float64Array(frames.length * typeCount);
  const b = Float64Array.from(frames, (frame) => frame.energy);
  frames.forEach((frame, f) => a.set(Array.from(frame.counts), f * typeCount));
  const bias = leastSquares(a, b, frames.length, typeCount);
  const rest = frames.map((frame, f) => {
    let predicted = 0;
    for (let t = 0; t < typeCount; t++) predicted += a[f * typeCount + t] * bias[t];
    return frame.energy - predicted;
  });
  const mean = rest.reduce((x, y) => x + y, 0) / Math.max(1, rest.length);
  const variance = rest.reduce((x, y) => x + (y - mean) ** 2, 0) / Math.max(1, rest.length);
  const observed = Array.from({ length: typeCount }, (_, t) => frames.some((frame) => frame.counts[t] > 0));
  return { bias, deviation: Math.sqrt(variance), observed };
}
