import type { SeAttenConfig, SeE2AConfig } from "../config/schema-model.js";
import type { Tree, TreeSection } from "./tree.js";
import { descriptorWidth } from "./from-tree.js";
import {
  type AttentionWeights,
  type DeepmdModelData,
  type EnerFittingWeights,
  isSeE2A,
  type LayerWeights,
  type SeAttenWeights,
  type SeE2AWeights,
} from "./weights.js";

/** `dp` asks for the explicit name where an input says "default". */
function explicit(precision: string): string {
  return precision === "default" ? "float64" : precision;
}

/**
 * The tree of a `.yaml` or `.dp` file for a model, with the classes and versions DeePMD-kit 3.2.0 writes (Model 2,
 * Descriptor 2, Fitting 4), so that `dp` loads and converts it.
 */
export function modelTree(data: DeepmdModelData): TreeSection {
  const variables: TreeSection = data.minNborDist === null ? {} : { min_nbor_dist: scalar(data.minNborDist) };
  return {
    model: {
      type_map: [...data.typeMap],
      atom_exclude_types: [...data.atomExcludeTypes],
      pair_exclude_types: data.pairExcludeTypes.map((pair) => [...pair]),
      rcond: data.rcond,
      preset_out_bias: data.presetOutBias,
      "@variables": { out_bias: data.outBias, out_std: data.outStd },
      "@class": "Model",
      type: "standard",
      "@version": 2,
      descriptor: isSeE2A(data.descriptor)
        ? seE2ATree(data.descriptor, data.typeMap)
        : seAttenTree(data.descriptor, data.typeMap),
      fitting: fittingTree(
        data.fitting,
        data.typeMap,
        descriptorWidth(data.descriptor),
        !isSeE2A(data.descriptor),
      ),
    },
    model_def_script: data.modelDefScript,
    "@variables": variables,
    ...data.origin,
  };
}

function scalar(value: number): Tree {
  return { dtype: "float64", shape: [], data: Float64Array.of(value) };
}

function seE2ATree(weights: SeE2AWeights, typeMap: readonly string[]): TreeSection {
  const { config } = weights;
  const net = {
    activation: config.activation_function,
    resnetDt: config.resnet_dt,
    precision: explicit(config.precision),
    types: typeMap.length,
  };
  return {
    "@class": "Descriptor",
    type: "se_e2_a",
    "@version": 2,
    rcut: config.rcut,
    rcut_smth: config.rcut_smth,
    sel: [...config.sel],
    neuron: [...config.neuron],
    axis_neuron: config.axis_neuron,
    resnet_dt: config.resnet_dt,
    set_davg_zero: config.set_davg_zero,
    activation_function: config.activation_function,
    precision: explicit(config.precision),
    embeddings: collection(weights.embeddings, config.type_one_side ? 1 : 2, "embedding_network", net),
    env_mat: environmentTree(config),
    exclude_types: config.exclude_types.map((pair) => [...pair]),
    env_protection: config.env_protection,
    "@variables": { davg: weights.davg, dstd: weights.dstd },
    type_map: [...typeMap],
    trainable: config.trainable,
    type_one_side: config.type_one_side,
    spin: null,
  };
}

function seAttenTree(weights: SeAttenWeights, typeMap: readonly string[]): TreeSection {
  const { config } = weights;
  const isV2 = config.type === "se_atten_v2";
  const types = typeMap.length;
  const net = {
    activation: config.activation_function,
    resnetDt: config.resnet_dt,
    precision: explicit(config.precision),
    types,
  };
  const sel = config.sel as readonly number[];
  const strip = weights.embeddingStrip;
  return {
    "@class": "Descriptor",
    type: isV2 ? "se_atten_v2" : "dpa1",
    "@version": 2,
    ...settingsTree(config, types),
    type_map: [...typeMap],
    precision: explicit(config.precision),
    embeddings: collection([weights.embedding], 0, "embedding_network", net),
    ...(strip === null ? {} : { embeddings_strip: collection([strip], 0, "embedding_network", net) }),
    attention_layers: attentionTree(
      weights,
      sel.reduce((sum, count) => sum + count, 0),
    ),
    env_mat: environmentTree(config),
    type_embedding: typeEmbeddingTree(weights, typeMap),
    exclude_types: config.exclude_types.map((pair) => [...pair]),
    env_protection: config.env_protection,
    "@variables": { davg: weights.davg, dstd: weights.dstd },
    trainable: config.trainable,
    spin: null,
  };
}

function environmentTree(config: SeE2AConfig | SeAttenConfig): TreeSection {
  return {
    rcut: config.rcut,
    rcut_smth: config.rcut_smth,
    protection: config.env_protection,
    use_exp_switch: false,
  };
}

function settingsTree(config: SeAttenConfig, types: number): TreeSection {
  const isV2 = config.type === "se_atten_v2";
  return {
    rcut: config.rcut,
    rcut_smth: config.rcut_smth,
    sel: [...(config.sel as readonly number[])],
    ntypes: types,
    neuron: [...config.neuron],
    axis_neuron: config.axis_neuron,
    tebd_dim: config.tebd_dim,
    ...(isV2 ? {} : { tebd_input_mode: config.tebd_input_mode }),
    set_davg_zero: config.set_davg_zero,
    attn: config.attn,
    attn_layer: config.attn_layer,
    attn_dotr: config.attn_dotr,
    attn_mask: config.attn_mask,
    activation_function: config.activation_function,
    resnet_dt: config.resnet_dt,
    scaling_factor: config.scaling_factor,
    normalize: config.normalize,
    temperature: config.temperature,
    trainable_ln: config.trainable_ln,
    ln_eps: config.ln_eps ?? 1e-5,
    ...(isV2 ? {} : { smooth_type_embedding: config.smooth_type_embedding }),
    type_one_side: config.type_one_side,
    concat_output_tebd: config.concat_output_tebd,
    use_econf_tebd: config.use_econf_tebd,
    use_tebd_bias: config.use_tebd_bias,
  };
}

interface NetFacts {
  readonly activation: string;
  readonly resnetDt: boolean;
  /** As the net states it; its layers state it explicitly. */
  readonly precision: string;
  readonly types: number;
}

function collection(
  nets: readonly (readonly LayerWeights[])[],
  ndim: 0 | 1 | 2,
  kind: "embedding_network" | "fitting_network",
  net: NetFacts,
): TreeSection {
  const one = kind === "embedding_network" ? embeddingNet : fittingNet;
  return {
    "@class": "NetworkCollection",
    "@version": 1,
    ndim,
    ntypes: net.types,
    network_type: kind,
    networks: nets.map((layers) => one(layers, net)),
  };
}

function embeddingNet(layers: readonly LayerWeights[], net: NetFacts): TreeSection {
  return {
    "@class": "EmbeddingNetwork",
    "@version": 2,
    in_dim: layers[0].w.shape[0],
    neuron: layers.map((layer) => layer.w.shape[1]),
    activation_function: net.activation,
    resnet_dt: net.resnetDt,
    bias: layers[0].b !== null,
    precision: net.precision,
    layers: layers.map((layer) => layerTree(layer, net.precision)),
  };
}

function fittingNet(layers: readonly LayerWeights[], net: NetFacts): TreeSection {
  const last = layers[layers.length - 1];
  return {
    "@class": "FittingNetwork",
    "@version": 1,
    in_dim: layers[0].w.shape[0],
    out_dim: last.w.shape[1],
    neuron: layers.slice(0, -1).map((layer) => layer.w.shape[1]),
    activation_function: net.activation,
    resnet_dt: net.resnetDt,
    precision: net.precision,
    bias_out: last.b !== null,
    layers: layers.map((layer) => layerTree(layer, net.precision)),
  };
}

function layerTree(layer: LayerWeights, precision: string): TreeSection {
  return {
    "@class": "Layer",
    "@version": 2,
    bias: layer.b !== null,
    use_timestep: layer.idt !== null,
    activation_function: layer.activation,
    resnet: layer.resnet,
    precision: explicit(precision),
    trainable: layer.trainable,
    "@variables": { w: layer.w, b: layer.b, idt: layer.idt },
  };
}

function attentionTree({ config, attention }: SeAttenWeights, slots: number): TreeSection {
  const sizes = { nnei: slots, embed_dim: config.neuron[config.neuron.length - 1], hidden_dim: config.attn };
  const scale = {
    scaling_factor: config.scaling_factor,
    normalize: config.normalize,
    temperature: config.temperature,
  };
  const shared: TreeSection = {
    ...sizes,
    dotr: config.attn_dotr,
    do_mask: config.attn_mask,
    ...scale,
    trainable_ln: config.trainable_ln,
    ln_eps: config.ln_eps ?? 1e-5,
    precision: config.precision,
  };
  const one = ({ inProj, outProj, normWeight, normBias }: AttentionWeights): TreeSection => ({
    ...shared,
    attention_layer: {
      ...sizes,
      num_heads: 1,
      dotr: config.attn_dotr,
      do_mask: config.attn_mask,
      ...scale,
      bias: inProj.b !== null,
      smooth: config.smooth_type_embedding,
      precision: config.precision,
      in_proj: layerTree(inProj, config.precision),
      out_proj: layerTree(outProj, config.precision),
    },
    attn_layer_norm: {
      "@class": "LayerNorm",
      "@version": 1,
      eps: config.ln_eps ?? 1e-5,
      trainable: config.trainable_ln,
      precision: config.precision,
      "@variables": { w: normWeight, b: normBias },
    },
  });
  return {
    "@class": "NeighborGatedAttention",
    "@version": 1,
    layer_num: attention.length,
    ...shared,
    attention_layers: attention.map(one),
  };
}

function typeEmbeddingTree(
  { config, typeEmbedding }: SeAttenWeights,
  typeMap: readonly string[],
): TreeSection {
  const net = {
    activation: typeEmbedding[0].activation,
    resnetDt: typeEmbedding[0].idt !== null,
    precision: explicit(config.precision),
    types: typeMap.length,
  };
  return {
    "@class": "TypeEmbedNet",
    "@version": 2,
    ntypes: typeMap.length,
    neuron: typeEmbedding.map((layer) => layer.w.shape[1]),
    resnet_dt: net.resnetDt,
    precision: config.precision,
    activation_function: net.activation,
    trainable: typeEmbedding[0].trainable,
    padding: true,
    use_econf_tebd: config.use_econf_tebd,
    use_tebd_bias: config.use_tebd_bias,
    type_map: [...typeMap],
    embedding: embeddingNet(typeEmbedding, net),
  };
}

function fittingTree(
  weights: EnerFittingWeights,
  typeMap: readonly string[],
  width: number,
  shared: boolean,
): TreeSection {
  const { config } = weights;
  const types = typeMap.length;
  const net = {
    activation: config.activation_function,
    resnetDt: config.resnet_dt,
    precision: config.precision,
    types,
  };
  const { trainable } = config;
  return {
    "@class": "Fitting",
    "@version": 4,
    var_name: "energy",
    ntypes: types,
    dim_descrpt: width,
    neuron: [...config.neuron],
    resnet_dt: config.resnet_dt,
    numb_fparam: config.numb_fparam,
    numb_aparam: config.numb_aparam,
    dim_case_embd: 0,
    default_fparam: config.default_fparam,
    rcond: config.rcond,
    activation_function: config.activation_function,
    precision: config.precision,
    mixed_types: shared,
    exclude_types: [...weights.excludeTypes],
    nets: collection(weights.nets, shared ? 0 : 1, "fitting_network", net),
    "@variables": {
      bias_atom_e: weights.biasAtomE,
      case_embd: null,
      fparam_avg: weights.fparamAvg,
      fparam_inv_std: weights.fparamInvStd,
      aparam_avg: weights.aparamAvg,
      aparam_inv_std: weights.aparamInvStd,
    },
    type_map: [...typeMap],
    tot_ener_zero: false,
    trainable: Array.isArray(trainable) ? trainable : weights.nets[0].map(() => trainable),
    layer_name: null,
    use_aparam_as_mask: false,
    spin: null,
    type: "ener",
    dim_out: 1,
    atom_ener: config.atom_ener,
  };
}
