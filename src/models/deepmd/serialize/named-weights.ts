import { AtomgradError } from "../../../tensor/error.js";
import { modelSection } from "../config/out-json.js";
import type { ModelConfig, SeAttenConfig, SeE2AConfig } from "../config/schema-model.js";
import { asHeld } from "../held-weights.js";
import type { NetPrecision } from "../net-precision.js";
import { isArray, isSection, ndArray } from "./tree.js";
import type { NdArray, Tree } from "./tree.js";
import {
  type AttentionWeights,
  type DeepmdModelData,
  isSeE2A,
  type LayerWeights,
  type SeAttenWeights,
  type SeE2AWeights,
} from "./weights.js";

/** An array by name, as the model code holds it. */
export interface NamedArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/**
 * A model as its settings and its arrays by DeePMD-kit's PyTorch names (deepmd.md 4.4, without prefix). The statistics
 * `mean` and `stddev` are [types, 4], biases [types].
 */
export interface NamedModel {
  readonly config: ModelConfig;
  readonly weights: Map<string, NamedArray>;
  /** Shortest distance between two atoms of the training data, angstrom, where known. */
  readonly minDistance: number | null;
}

const block = "descriptor.se_atten";
const seaBlock = "descriptor.sea";
const typeLayer = "descriptor.type_embedding.embedding.embedding_net.layers.0";
const embeddingLayers = `${block}.filter_layers.networks.0.layers`;
const stripLayers = `${block}.filter_layers_strip.networks.0.layers`;
const attentionLayers = `${block}.dpa1_attention.attention_layers`;
const seaLayers = (net: number): string => `${seaBlock}.filter_layers.networks.${net}.layers`;
const fittingLayers = (net: number): string => `fitting_net.filter_layers.networks.${net}.layers`;
const parameterStatistics = [
  ["fitting_net.fparam_avg", "fparamAvg"],
  ["fitting_net.fparam_inv_std", "fparamInvStd"],
  ["fitting_net.aparam_avg", "aparamAvg"],
  ["fitting_net.aparam_inv_std", "aparamInvStd"],
] as const;

/**
 * The named form of a model read from a file.
 *
 * @throws AtomgradError FORMAT for the two things DeePMD-kit can express and the model code cannot: statistics that
 * differ between the slots of a neighbour list, and a type embedding of several or nonlinear layers
 */
export function toNamedModel(data: DeepmdModelData, file: string): NamedModel {
  const { descriptor, fitting } = data;
  const types = data.typeMap.length;
  const weights = new Map<string, NamedArray>();
  const put = (name: string, array: NdArray | null, shape = array?.shape): void => {
    if (array !== null) weights.set(name, { shape: shape!, data: array.data });
  };
  const putLayer = (name: string, { w, b, idt }: LayerWeights): void => {
    put(`${name}.matrix`, w);
    put(`${name}.bias`, b);
    put(`${name}.idt`, idt);
  };
  if (isSeE2A(descriptor))
    descriptor.embeddings.forEach((net, n) =>
      net.forEach((layer, k) => putLayer(`${seaLayers(n)}.${k}`, layer)),
    );
  else putSeAtten(descriptor, file, put, putLayer);
  fitting.nets.forEach((net, n) => net.forEach((layer, k) => putLayer(`${fittingLayers(n)}.${k}`, layer)));
  const own = isSeE2A(descriptor) ? seaBlock : block;
  put(`${own}.mean`, perType(descriptor.davg, `${file}: model.descriptor.@variables.davg`));
  put(`${own}.stddev`, perType(descriptor.dstd, `${file}: model.descriptor.@variables.dstd`));
  put("fitting_net.bias_atom_e", fitting.biasAtomE, [types]);
  put("out_bias", data.outBias, [types]);
  put("out_std", data.outStd, [types]);
  for (const [name, key] of parameterStatistics) put(name, fitting[key]);
  return { config: configOf(data), weights, minDistance: data.minNborDist };
}

function putSeAtten(
  descriptor: SeAttenWeights,
  file: string,
  put: (name: string, array: NdArray | null) => void,
  putLayer: (name: string, layer: LayerWeights) => void,
): void {
  checkTypeEmbedding(descriptor.typeEmbedding, file);
  putLayer(typeLayer, descriptor.typeEmbedding[0]);
  descriptor.embedding.forEach((layer, k) => putLayer(`${embeddingLayers}.${k}`, layer));
  descriptor.embeddingStrip?.forEach((layer, k) => putLayer(`${stripLayers}.${k}`, layer));
  descriptor.attention.forEach((layer, k) => {
    const name = `${attentionLayers}.${k}`;
    putLayer(`${name}.attention_layer.in_proj`, layer.inProj);
    putLayer(`${name}.attention_layer.out_proj`, layer.outProj);
    put(`${name}.attn_layer_norm.matrix`, layer.normWeight);
    put(`${name}.attn_layer_norm.bias`, layer.normBias);
  });
}

function checkTypeEmbedding(layers: readonly LayerWeights[], file: string): void {
  const linear = /^(linear|none)$/i.test(layers[0].activation);
  if (layers.length === 1 && linear && layers[0].idt === null) return;
  throw new AtomgradError(
    "FORMAT",
    `${file}: model.descriptor.type_embedding: a type embedding of several or nonlinear layers (from TensorFlow) is not supported; one linear layer is`,
  );
}

/**
 * Statistics, which files hold for each slot of the neighbour list and models for each type: [types, slots, 4] -> [types, 4].
 * Errors: FORMAT where the slots of a type differ.
 */
export function perType({ shape, data }: NdArray, where: string): NdArray {
  const [types, slots] = shape;
  const out = new Float64Array(4 * types);
  for (let type = 0; type < types; type++) {
    const row = data.subarray(4 * type * slots, 4 * (type + 1) * slots);
    out.set(row.subarray(0, 4), 4 * type);
    const odd = row.findIndex((value, k) => value !== row[k % 4]);
    if (odd >= 0) {
      throw new AtomgradError(
        "FORMAT",
        `${where}: the statistics of slot ${Math.floor(odd / 4)} differ from those of slot 0; one row per type is supported`,
      );
    }
  }
  return ndArray([types, 4], out);
}

function configOf({ descriptor, fitting, typeMap, ...model }: DeepmdModelData): ModelConfig {
  return {
    type: "standard",
    rules: "pt",
    type_map: [...typeMap],
    data_stat_nbatch: 10,
    data_stat_protect: 0.01,
    data_bias_nsample: 10,
    pair_exclude_types: model.pairExcludeTypes.map(([a, b]) => [a, b]),
    atom_exclude_types: [...model.atomExcludeTypes],
    preset_out_bias: presetOf(model.presetOutBias),
    srtab_add_bias: true,
    model_branch_alias: [],
    type_embedding: null,
    info: {},
    bridging_method: "None",
    bridging_r_inner: 0.5,
    bridging_r_outer: 0.8,
    descriptor: descriptor.config,
    fitting_net: fitting.config,
  };
}

/** `preset_out_bias` as an input has it: numbers may stand in lists or arrays of one. */
function presetOf(preset: Tree): ModelConfig["preset_out_bias"] {
  const energies = isSection(preset) ? preset.energy : undefined;
  if (!Array.isArray(energies)) return null;
  const number = (value: Tree): number | null => {
    if (isArray(value)) return value.data[0] ?? null;
    if (Array.isArray(value)) return number((value[0] ?? null) as Tree);
    return typeof value === "number" ? value : null;
  };
  return { energy: energies.map((value) => number(value as Tree)) };
}

/**
 * The form of a model that is written to `.dp` and `.yaml`.
 *
 * @param origin what goes into the file beside the model: software, version, time
 * @throws AtomgradError CONFIG for other descriptors, FORMAT when an array is missing
 */
export function fromNamedModel(model: NamedModel, origin: Readonly<Record<string, string>>): DeepmdModelData {
  const config = writtenConfig(model.config);
  const { descriptor, fitting_net: fitting, type_map: typeMap } = config;
  if (typeMap === null || typeof descriptor.sel === "string") {
    throw new AtomgradError(
      "CONFIG",
      "only models with a type_map and a numeric sel can be written as .dp or .yaml",
    );
  }
  if (config.rules === "tf")
    throw new AtomgradError(
      "CONFIG",
      "this model follows TensorFlow's rules: DeePMD-kit would compute other numbers from a .dp or .yaml of it; keep it as .safetensors",
    );
  const types = typeMap.length;
  const sel = typeof descriptor.sel === "number" ? [descriptor.sel] : descriptor.sel;
  const netCount = descriptor.type === "se_e2_a" ? types : 1;
  const source = new NamedSource(asHeld(model.weights, model.config));
  const optional = (name: string): NdArray | null => source.optional(name, fitting.precision);
  const statistics = parameterStatistics.map(([name, key]) => [key, optional(name)] as const);
  return {
    typeMap,
    descriptor:
      descriptor.type === "se_e2_a"
        ? seE2AWeights({ ...descriptor, sel }, types, source)
        : seAttenWeights({ ...descriptor, sel }, source),
    fitting: {
      config: fitting,
      nets: Array.from({ length: netCount }, (_, net) =>
        source.layers(fittingLayers(net), fitting.neuron.length + 1, {
          activation: fitting.activation_function,
          precision: fitting.precision,
          trainable: fitting.trainable,
          linearLast: true,
        }),
      ),
      biasAtomE: source.take("fitting_net.bias_atom_e", "float64", [types, 1]),
      ...(Object.fromEntries(statistics) as Record<(typeof parameterStatistics)[number][1], NdArray | null>),
      excludeTypes: config.atom_exclude_types,
    },
    outBias: source.take("out_bias", "float64", [1, types, 1]),
    outStd: source.take("out_std", "float64", [1, types, 1]),
    atomExcludeTypes: config.atom_exclude_types,
    pairExcludeTypes: config.pair_exclude_types,
    presetOutBias: null,
    rcond: fitting.rcond,
    minNborDist: model.minDistance,
    modelDefScript: modelSection(model.config) as Tree,
    origin,
  };
}

/** DeePMD-kit opens no bfloat16 array of a file: such nets are written as float32, which holds their weights as they are. */
function writtenConfig(config: ModelConfig): ModelConfig {
  const written = (precision: NetPrecision): NetPrecision =>
    precision === "bfloat16" ? "float32" : precision;
  const { descriptor, fitting_net: fitting } = config;
  return {
    ...config,
    descriptor: { ...descriptor, precision: written(descriptor.precision) },
    fitting_net: { ...fitting, precision: written(fitting.precision) },
  };
}

function seE2AWeights(
  config: SeE2AConfig & { sel: number[] },
  types: number,
  source: NamedSource,
): SeE2AWeights {
  const {
    activation_function: activation,
    precision,
    neuron,
    sel,
    trainable,
    type_one_side: oneSide,
  } = config;
  const slots = sel.reduce((sum, count) => sum + count, 0);
  return {
    config,
    davg: perSlot(source.take(`${seaBlock}.mean`, precision), slots),
    dstd: perSlot(source.take(`${seaBlock}.stddev`, precision), slots),
    embeddings: Array.from({ length: oneSide ? types : types ** 2 }, (_, net) =>
      source.layers(seaLayers(net), neuron.length, { activation, precision, trainable }),
    ),
  };
}

function seAttenWeights(config: SeAttenConfig & { sel: number[] }, source: NamedSource): SeAttenWeights {
  const { precision, neuron, attn_layer: attentionCount, trainable } = config;
  const options = { activation: config.activation_function, precision, trainable };
  const plain = { activation: "none", precision, trainable, resnet: false };
  const attention = Array.from({ length: attentionCount }, (_, k): AttentionWeights => {
    const name = `${attentionLayers}.${k}`;
    return {
      inProj: source.layer(`${name}.attention_layer.in_proj`, plain),
      outProj: source.layer(`${name}.attention_layer.out_proj`, plain),
      normWeight: source.take(`${name}.attn_layer_norm.matrix`, precision),
      normBias: source.take(`${name}.attn_layer_norm.bias`, precision),
    };
  });
  const slots = config.sel.reduce((sum, count) => sum + count, 0);
  return {
    config,
    davg: perSlot(source.take(`${block}.mean`, precision), slots),
    dstd: perSlot(source.take(`${block}.stddev`, precision), slots),
    typeEmbedding: [source.layer(typeLayer, { ...options, activation: "Linear" })],
    embedding: source.layers(embeddingLayers, neuron.length, options),
    embeddingStrip:
      config.tebd_input_mode === "strip" ? source.layers(stripLayers, neuron.length, options) : null,
    attention,
  };
}

function perSlot({ dtype, data }: NdArray, slots: number): NdArray {
  const types = data.length / 4;
  const out = new Float64Array(types * slots * 4);
  for (let k = 0; k < out.length; k++) out[k] = data[4 * Math.floor(k / (4 * slots)) + (k % 4)];
  return ndArray([types, slots, 4], out, dtype);
}

interface LayerOptions {
  readonly activation: string;
  readonly precision: string;
  readonly trainable: boolean | readonly boolean[];
  readonly resnet?: boolean;
  readonly linearLast?: boolean;
}

/** Arrays by name, given out in the number type of their net. */
class NamedSource {
  constructor(private readonly weights: ReadonlyMap<string, NamedArray>) {}

  take(name: string, precision: string, shape?: readonly number[]): NdArray {
    const found = this.optional(name, precision, shape);
    if (found === null) throw new AtomgradError("FORMAT", `model: weight ${name} is missing`);
    return found;
  }

  optional(name: string, precision: string, shape?: readonly number[]): NdArray | null {
    const found = this.weights.get(name);
    if (found === undefined) return null;
    return ndArray(shape ?? found.shape, found.data, precision === "default" ? "float64" : precision);
  }

  layer(name: string, { activation, precision, trainable, resnet = true }: LayerOptions): LayerWeights {
    return {
      w: this.take(`${name}.matrix`, precision),
      b: this.optional(`${name}.bias`, precision),
      idt: this.optional(`${name}.idt`, precision),
      resnet,
      activation,
      trainable: trainable === true,
    };
  }

  layers(name: string, count: number, options: LayerOptions): LayerWeights[] {
    return Array.from({ length: count }, (_, k) => {
      const linear = options.linearLast === true && k === count - 1;
      const { trainable } = options;
      const own = typeof trainable === "boolean" ? trainable : trainable[k];
      const kind = linear ? { activation: "none", resnet: false } : {};
      return this.layer(`${name}.${k}`, { ...options, ...kind, trainable: own });
    });
  }
}
