import type { EnerFittingConfig, SeAttenConfig, SeE2AConfig } from "../config/schema-model.js";
import type { NdArray, Tree } from "./tree.js";

/** One dense layer: y = act(x w + b) * idt, plus x (or [x, x]) where `resnet` is set and the widths allow it. */
export interface LayerWeights {
  /** [in, out] */
  readonly w: NdArray;
  /** [out] */
  readonly b: NdArray | null;
  /** [out], the time step of a residual layer. */
  readonly idt: NdArray | null;
  readonly resnet: boolean;
  readonly activation: string;
  readonly trainable: boolean;
}

/** One attention layer (deepmd.md 2.8). M: width of the embedding, H: `attn`. */
export interface AttentionWeights {
  /** w [M, 3H]: queries, keys, values. */
  readonly inProj: LayerWeights;
  /** w [H, M] */
  readonly outProj: LayerWeights;
  /** [M] */
  readonly normWeight: NdArray;
  /** [M] */
  readonly normBias: NdArray;
}

/** A `se_atten` descriptor with its weights. */
export interface SeAttenWeights {
  /** Keys as in an input; `sel` is a list of numbers, `ln_eps` a number. */
  readonly config: SeAttenConfig;
  /** Mean and standard deviation of the environment matrix, [types, sum of sel, 4]. */
  readonly davg: NdArray;
  readonly dstd: NdArray;
  /** Input: one-hot types, or electron configurations (118). Models of this package have one linear layer. */
  readonly typeEmbedding: readonly LayerWeights[];
  readonly embedding: readonly LayerWeights[];
  /** The net of the type vectors where `tebd_input_mode` is "strip". */
  readonly embeddingStrip: readonly LayerWeights[] | null;
  readonly attention: readonly AttentionWeights[];
}

/** A `se_e2_a` descriptor with its weights. */
export interface SeE2AWeights {
  /** Keys as in an input; `sel` is a list of numbers. */
  readonly config: SeE2AConfig & { readonly sel: number[] };
  /** As in `SeAttenWeights`. */
  readonly davg: NdArray;
  readonly dstd: NdArray;
  /** By centre + types * neighbour, or by neighbour alone (`type_one_side`). */
  readonly embeddings: readonly (readonly LayerWeights[])[];
}

/** An `ener` fitting net with its weights. */
export interface EnerFittingWeights {
  readonly config: EnerFittingConfig;
  /** One net shared by all types, or one per type (se_e2_a): hidden layers, then the linear output layer. */
  readonly nets: readonly (readonly LayerWeights[])[];
  /** [types, 1] */
  readonly biasAtomE: NdArray;
  /** [numb_fparam], [numb_aparam]; null where there are none. */
  readonly fparamAvg: NdArray | null;
  readonly fparamInvStd: NdArray | null;
  readonly aparamAvg: NdArray | null;
  readonly aparamInvStd: NdArray | null;
  /** Types whose atoms get energy 0. */
  readonly excludeTypes: readonly number[];
}

/** Whether a descriptor is `se_e2_a`. */
export function isSeE2A(weights: SeAttenWeights | SeE2AWeights): weights is SeE2AWeights {
  return weights.config.type === "se_e2_a";
}

/** A whole energy model, as a backend-neutral model file of DeePMD-kit holds it. */
export interface DeepmdModelData {
  readonly typeMap: readonly string[];
  readonly descriptor: SeAttenWeights | SeE2AWeights;
  readonly fitting: EnerFittingWeights;
  /** [1, types, 1] */
  readonly outBias: NdArray;
  readonly outStd: NdArray;
  readonly atomExcludeTypes: readonly number[];
  readonly pairExcludeTypes: readonly (readonly [number, number])[];
  readonly presetOutBias: Tree;
  readonly rcond: number | null;
  /** Shortest distance between atoms in the training data, angstrom. */
  readonly minNborDist: number | null;
  /** The `model` section of the input the model was made from. */
  readonly modelDefScript: Tree;
  /** What wrote the file: software, version, backend, time. */
  readonly origin: Readonly<Record<string, string>>;
}
