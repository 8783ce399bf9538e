/** What the `se_atten` code needs to know, in this package's names; made from the descriptor section of an input. */
export interface SeAttenSettings {
  readonly typeCount: number;
  /** Element symbols; needed only with `econf`. */
  readonly typeMap: readonly string[];
  readonly rcut: number;
  readonly rcutSmooth: number;
  readonly protection: number;
  /** Slots per centre. */
  readonly sel: number;
  readonly neuron: readonly number[];
  readonly axisNeuron: number;
  readonly activation: string;
  readonly resnetDt: boolean;
  readonly typeOneSide: boolean;
  readonly excludeTypes: readonly (readonly [number, number])[];
  /** Pairs of types that are no neighbours at all (model level). */
  readonly removedPairs: readonly (readonly [number, number])[];
  /** Types whose atoms have no energy (model level). */
  readonly silentTypes: readonly number[];
  readonly tebdDim: number;
  readonly tebdBias: boolean;
  readonly econf: boolean;
  readonly stripMode: boolean;
  readonly smooth: boolean;
  readonly concatOutputTebd: boolean;
  readonly attentionLayers: number;
  readonly attentionWidth: number;
  readonly dotr: boolean;
  readonly normalize: boolean;
  readonly scalingFactor: number;
  /** A multiplier of the logits; null: 1/sqrt(width * scalingFactor). */
  readonly temperature: number | null;
  readonly trainableNorm: boolean;
  readonly normEps: number;
  readonly setDavgZero: boolean;
}
