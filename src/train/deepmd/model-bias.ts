import { type DeepmdSystem, frameTypes } from "../../data/deepmd-system.js";
import type { DeepPot } from "../../models/deepmd/deep-pot.js";
import { evalSystem } from "../../models/deepmd/eval-system.js";
import type { ModelFile } from "../../models/deepmd/model-file.js";
import { type Composition, energyBias } from "../../models/deepmd/statistics.js";
import { AtomgradError } from "../../tensor/error.js";

/** `change`: what the model misses is added to its bias; `set`: the labels alone decide. */
export type BiasMode = "change" | "set";

/** New energy biases by type, eV. */
export interface NewBias {
  readonly mode: BiasMode;
  readonly bias: ArrayLike<number>;
  /** What the bias leaves of the labels; undefined where no labels were looked at. */
  readonly deviation: number | undefined;
}

/**
 * Energy biases by least squares over the first frames of each system (deepmd.md 2.9).
 *
 * @param most frames of each system; 0: all
 *
 * Errors: VALUE when no frame has an energy.
 */
export function biasFromSystems(
  pot: DeepPot,
  systems: readonly DeepmdSystem[],
  mode: BiasMode,
  most: number,
): NewBias {
  const frames = systems.flatMap((system) => missing(pot, system, mode, most));
  if (frames.length === 0)
    throw new AtomgradError(
      "VALUE",
      `${systems
        .map(({ name }) => name)
        .join(", ")
        .slice(0, 200)}: no energy.npy; energies are needed to change the bias`,
    );
  const { bias, deviation } = energyBias(frames, pot.typeMap.length);
  return { mode, bias, deviation };
}

function missing(pot: DeepPot, system: DeepmdSystem, mode: BiasMode, most: number): Composition[] {
  const label = system.labels.energy;
  if (label === undefined) return [];
  const count = most === 0 ? system.frameCount : Math.min(most, system.frameCount);
  const predicted = mode === "change" ? evalSystem(pot, system, { frames: count }).energy : undefined;
  return Array.from({ length: count }, (_, f) => {
    const counts = new Float64Array(pot.typeMap.length);
    for (const type of frameTypes(system, f)) if (type >= 0) counts[type]++;
    return { counts, energy: label.data[f] - (predicted?.[f] ?? 0) };
  }).filter((_, f) => label.found[f] === 1);
}

/** Biases given by the user, one per type. Errors: CONFIG. */
export function givenBias({ config }: ModelFile, values: readonly number[], file: string): NewBias {
  const types = config.type_map ?? [];
  if (values.length !== types.length)
    throw new AtomgradError(
      "CONFIG",
      `-b: ${values.length} numbers, but the type_map of ${file} has ${types.length} types (${types.join(" ")}); give one for each`,
    );
  return { mode: "set", bias: values, deviation: undefined };
}

/** The model with another bias, and the bias before and after. The optimiser state of a checkpoint stays as it was. */
export function withBias(
  model: ModelFile,
  { mode, bias, deviation }: NewBias,
): { model: ModelFile; before: Float64Array; after: Float64Array } {
  const weights = new Map(model.weights);
  const old = weights.get("out_bias")!;
  const after = old.data.map((value, t) => (mode === "change" ? value : 0) + bias[t]);
  weights.set("out_bias", { ...old, data: after });
  if (deviation !== undefined) weights.set("out_std", { ...old, data: after.map(() => deviation) });
  return { model: { ...model, weights }, before: old.data, after };
}
