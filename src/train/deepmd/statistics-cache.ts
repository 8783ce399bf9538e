import { createHash } from "node:crypto";
import {
  hasStatistics,
  openStatistics,
  type StatisticsStore,
  type StoredNumbers,
} from "../../data/statistics-store.js";
import type { ModelConfig } from "../../models/deepmd/config/deepmd-input.js";
import type { TrainingConfig } from "../../models/deepmd/config/schema-training.js";
import { pythonText } from "../../models/deepmd/python-text.js";
import type { EnvironmentMoments, Moments } from "../../models/deepmd/statistics.js";
import { AtomgradError } from "../../tensor/error.js";

/** Energies of the types, and deviations of what they leave. */
export interface EnergiesByType {
  readonly bias: Float64Array;
  readonly deviation: Float64Array;
}

/**
 * The statistics of a model in `training.stat_file` (spec 1.10), as DeePMD-kit's PyTorch backend keeps them: what stands there
 * is taken instead of being computed, the rest is computed and put there.
 */
export class StatisticsCache {
  private readonly group: string;
  private hits = 0;
  private misses = 0;

  private constructor(
    private readonly model: ModelConfig,
    private readonly store: StatisticsStore,
    private readonly readOnly: boolean,
  ) {
    this.group = (model.type_map ?? []).join(" ");
  }

  /**
   * @param model with `sel` resolved
   *
   * @returns undefined where the input names no file. Errors: FILE, FORMAT; CONFIG for a file that is missing in mode "read"
   */
  static async open(
    { stat_file: path, stat_file_mode: mode }: Pick<TrainingConfig, "stat_file" | "stat_file_mode">,
    model: ModelConfig,
  ): Promise<StatisticsCache | undefined> {
    if (path === null) return undefined;
    if (mode === "read" && !hasStatistics(path))
      throw new AtomgradError(
        "CONFIG",
        `training.stat_file: "${path}" does not exist, and stat_file_mode is "read"; set it to "update"`,
      );
    return new StatisticsCache(model, await openStatistics(path), mode === "read");
  }

  /** Moments of the environment matrix. */
  environment(compute: () => EnvironmentMoments): EnvironmentMoments {
    const types = (this.model.type_map ?? []).map((_, t) => t);
    const name = (kind: "r" | "a", t: number): string => `${environmentKey(this.model)}/${kind}_${t}`;
    const names = types.flatMap((t) => [name("r", t), name("a", t)]);
    const found = this.take(names, () => {
      const { radial, angular } = compute();
      return types.flatMap((t) => [radial[t], angular[t]].map((data) => numbers([3], data)));
    });
    const moments = (k: number): Moments => this.moments(names[k], found[k].data);
    return {
      radial: types.map((t) => moments(2 * t)),
      angular: types.map((t) => moments(2 * t + 1)),
    };
  }

  /** Moments of parameters of frames or atoms. */
  parameters(name: "fparam" | "aparam", width: number, compute: () => Moments[]): Moments[] {
    if (width === 0) return [];
    const [{ data }] = this.take([name], () => [numbers([width, 3], compute().flat())]);
    if (data.length !== 3 * width) throw this.misfit(name, data.length, `${width} rows of 3`);
    return Array.from({ length: width }, (_, k) => this.moments(name, data.subarray(3 * k, 3 * k + 3)));
  }

  energies(compute: () => EnergiesByType): EnergiesByType {
    const types = (this.model.type_map ?? []).length;
    const names = ["bias_atom_energy", "std_atom_energy"];
    const [bias, deviation] = this.take(names, () => {
      const own = compute();
      return [own.bias, own.deviation].map((data) => numbers([types, 1], data));
    });
    const each = (name: string, { data }: StoredNumbers): Float64Array => {
      if (data.length !== types) throw this.misfit(name, data.length, `${types}, one for each type,`);
      return this.finite(name, data);
    };
    // DeePMD-kit keeps one deviation for all types.
    const spread =
      deviation.data.length === 1
        ? numbers(
            [],
            bias.data.map(() => deviation.data[0]),
          )
        : deviation;
    return { bias: each(names[0], bias), deviation: each(names[1], spread) };
  }

  /** Names of the types in the data: not asked for here, but DeePMD-kit does. */
  observed(names: () => string[]): void {
    const name = `${this.group}/observed_type`;
    if (!this.readOnly && !this.store.has(name)) this.store.put(name, names());
  }

  /** Whether anything was asked for. */
  get isUsed(): boolean {
    return this.hits + this.misses > 0;
  }

  /** What was done, for the log. */
  get note(): string {
    const { path } = this.store;
    if (this.misses === 0) return `training.stat_file: statistics are taken from ${path}`;
    const some = this.hits > 0 ? "a part of the statistics is taken from it, the others" : "statistics";
    return `training.stat_file: ${some} are computed and kept in ${path}`;
  }

  /** Writes what was computed. Errors: FILE. */
  save(): Promise<void> {
    return this.readOnly ? Promise.resolve() : this.store.save();
  }

  /** The arrays of these names; where one is missing all are computed anew. */
  private take(names: readonly string[], compute: () => StoredNumbers[]): StoredNumbers[] {
    const own = names.map((name) => `${this.group}/${name}`);
    const missing = own.find((name) => !this.store.has(name));
    if (missing === undefined) {
      this.hits++;
      return own.map((name) => this.store.numbers(name));
    }
    if (this.readOnly)
      throw new AtomgradError(
        "CONFIG",
        `training.stat_file: ${this.store.path} has no "${missing}", and stat_file_mode is "read"; set it to "update", or name the file of a model with the same type_map, rcut, rcut_smth and sel`,
      );
    this.misses++;
    const made = compute();
    made.forEach((array, k) => this.store.put(own[k], array));
    return made;
  }

  private moments(name: string, data: Float64Array): Moments {
    if (data.length !== 3) throw this.misfit(name, data.length, "3");
    const [count, sum, squares] = this.finite(name, data);
    return [count, sum, squares];
  }

  private finite(name: string, data: Float64Array): Float64Array {
    if (data.every(Number.isFinite)) return data;
    throw new AtomgradError(
      "FORMAT",
      `${this.store.path}: ${this.group}/${name} holds ${data.find((x) => !Number.isFinite(x))}; remove the file and run again`,
    );
  }

  private misfit(name: string, count: number, needed: string): AtomgradError {
    return new AtomgradError(
      "FORMAT",
      `${this.store.path}: ${this.group}/${name} holds ${count} numbers; ${needed} are needed: it is of another model, name another stat_file`,
    );
  }
}

function numbers(shape: readonly number[], data: ArrayLike<number>): StoredNumbers {
  return { shape, data: Float64Array.from(data) };
}

/** The name DeePMD-kit gives the statistics of a descriptor: what they depend on, hashed. */
function environmentKey({ descriptor, type_map: typeMap }: ModelConfig): string {
  const { rcut, rcut_smth: smooth, sel } = descriptor;
  const list = typeof sel === "number" ? [sel] : (sel as readonly number[]);
  const real = (value: number): string => pythonText(hundredths(value), () => true);
  const text = `{"type": "se_a", "ntypes": ${(typeMap ?? []).length}, "rcut": ${real(rcut)}, "rcut_smth": ${real(smooth)}, "nsel": ${list.reduce(
    (a, b) => a + b,
    0,
  )}, "sel": [${list.join(", ")}], "mixed_types": ${descriptor.type !== "se_e2_a"}}`;
  return createHash("sha1").update(text).digest("hex");
}

/** Python's round(value, 2): numbers half-way between two go to the even one. */
function hundredths(value: number): number {
  const isHalfway = Number.isInteger(8 * value) && !Number.isInteger(4 * value);
  return isHalfway ? (2 * Math.round(50 * value)) / 100 : Number(value.toFixed(2));
}
