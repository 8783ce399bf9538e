import type { NeighbourSettings } from "../settings.js";

/** What the `se_atten` code needs to know, in this package's names; made from the descriptor section of an input. */
export interface SeAttenSettings extends NeighbourSettings {
  readonly kind: "se_atten";
  /** Slots per centre. */
  readonly sel: number;
  readonly tebdDim: number;
  /** The net of types: one linear layer in PyTorch's models, any in TensorFlow's. */
  readonly typeNet: {
    readonly neuron: readonly number[];
    readonly activation: string;
    readonly resnetDt: boolean;
  };
  readonly tebdBias: boolean;
  readonly econf: boolean;
  readonly stripMode: boolean;
  readonly smooth: boolean;
  readonly concatOutputTebd: boolean;
  readonly attentionLayers: number;
  readonly attentionWidth: number;
  readonly dotr: boolean;
  /** Whether a neighbour does not attend to itself (TensorFlow's attn_mask). */
  readonly maskSelf: boolean;
  readonly normalize: boolean;
  readonly scalingFactor: number;
  /** A multiplier of the logits; null: 1/sqrt(width * scalingFactor). */
  readonly temperature: number | null;
  readonly trainableNorm: boolean;
  readonly normEps: number;
}

/** Whether anything is made smooth by the switch of an edge. */
export function needsSwitch({ attentionLayers, stripMode, smooth }: SeAttenSettings): boolean {
  return attentionLayers > 0 || (stripMode && smooth);
}

/** Whether the switch is made anew from the edge's radial part, as TensorFlow's smooth attention does. */
export function recoversSwitch(settings: SeAttenSettings): boolean {
  return settings.rules === "tf" && settings.smooth && needsSwitch(settings);
}
