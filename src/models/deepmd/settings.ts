/** Whose rules numbers follow where DeePMD-kit's backends differ for the same weights (spec 2.12). */
export type Rules = "pt" | "tf";

/** What every descriptor needs to know of the model: types, radii, and which pairs and atoms count. */
export interface NeighbourSettings {
  readonly typeCount: number;
  /** Names of the types; element symbols where electron configurations are asked for. */
  readonly typeMap: readonly string[];
  readonly rules: Rules;
  readonly rcut: number;
  readonly rcutSmooth: number;
  /** Added to r in the denominators. */
  readonly protection: number;
  /** Pairs of types that hold a slot but contribute nothing (descriptor level). */
  readonly excludeTypes: readonly (readonly [number, number])[];
  /** Pairs of types that are no neighbours at all (model level). */
  readonly removedPairs: readonly (readonly [number, number])[];
  /** Types whose atoms have no energy (model level). */
  readonly silentTypes: readonly number[];
  readonly neuron: readonly number[];
  readonly axisNeuron: number;
  readonly activation: string;
  readonly resnetDt: boolean;
  readonly typeOneSide: boolean;
  readonly setDavgZero: boolean;
}

/**
 * Where the switch begins and ends, as the environment matrix takes them. TensorFlow's kernels hold both radii and their
 * difference as float32 numbers (spec 2.3).
 */
export function switchRadii({ rcut, rcutSmooth, rules }: NeighbourSettings): { from: number; to: number } {
  if (rules === "pt") return { from: rcutSmooth, to: rcut };
  const from = Math.fround(rcutSmooth);
  return { from, to: from + Math.fround(Math.fround(rcut) - from) };
}
