import type { SeAttenConfig } from "../config/schema-model.js";
import { Fields } from "./fields.js";
import { readDescriptorType, readFittingConfig, readSeAttenConfig, readSeE2AConfig } from "./read-config.js";
import { readAttention, readNet, readNets, readPrecision, readSharedNet } from "./read-layers.js";
import { isArray, ndArray } from "./tree.js";
import type { NdArray, Tree } from "./tree.js";
import {
  type DeepmdModelData,
  type EnerFittingWeights,
  isSeE2A,
  type SeAttenWeights,
  type SeE2AWeights,
} from "./weights.js";

/** Entries of an electron configuration (deepmd.md 2.8). */
const electronEntries = 118;

/**
 * The model in the tree of a `.yaml` or `.dp` file: `Model` of type standard with descriptor `dpa1` (`se_atten`,
 * `se_atten_v2`) or `se_e2_a` and fitting net `ener`, as DeePMD-kit 3.0 to 3.2 write them.
 *
 * @throws AtomgradError FORMAT, naming the path: another kind of model (in one sentence), a missing key, a wrong shape
 */
export function readModelTree(tree: Tree, file: string): DeepmdModelData {
  const root = Fields.of(tree, "", file);
  const model = root.child("model");
  const type = model.text("type", "standard");
  if (type !== "standard") {
    throw model.bad(
      "type",
      `the model type ${JSON.stringify(type.slice(0, 40))} is not supported; "standard" is`,
    );
  }
  model.version("Model", [1, 2]);
  const typeMap = model.texts("type_map");
  const types = typeMap.length;
  const descriptor = readDescriptor(model.child("descriptor"), types);
  const silent = model.wholes("atom_exclude_types", []);
  const fitting = model.child("fitting");
  if (fitting.wholes("exclude_types", []).some((type) => !silent.includes(type)))
    throw fitting.bad(
      "exclude_types",
      "types left out by the fitting net alone are not supported; atom_exclude_types of the model are",
    );
  const variables = model.has("@variables") ? model.child("@variables") : null;
  return {
    typeMap,
    descriptor,
    fitting: readFitting(fitting, types, descriptorWidth(descriptor), !isSeE2A(descriptor)),
    outBias:
      variables?.arrayOrNull("out_bias", [1, types, 1]) ?? ndArray([1, types, 1], new Float64Array(types)),
    outStd:
      variables?.arrayOrNull("out_std", [1, types, 1]) ??
      ndArray([1, types, 1], new Float64Array(types).fill(1)),
    atomExcludeTypes: silent,
    pairExcludeTypes: model.pairs("pair_exclude_types"),
    presetOutBias: model.value("preset_out_bias") ?? null,
    rcond: model.numberOrNull("rcond"),
    minNborDist: readMinNborDist(root),
    modelDefScript: root.value("model_def_script") ?? null,
    origin: readOrigin(root),
  };
}

function readMinNborDist(root: Fields): number | null {
  if (!root.has("@variables")) return null;
  const variables = root.child("@variables");
  const value = variables.value("min_nbor_dist");
  if (isArray(value)) return value.data.length === 1 ? value.data[0] : null;
  return variables.numberOrNull("min_nbor_dist");
}

function readOrigin(root: Fields): Record<string, string> {
  const keys = ["software", "version", "backend", "time", "pt_version", "tf_version"];
  return Object.fromEntries(
    keys.filter((key) => root.has(key)).map((key) => [key, plainText(root.value(key)).slice(0, 100)]),
  );
}

/** A version such as 3.1 may have been read as a number. */
function plainText(value: Tree | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Numbers per atom. */
export function descriptorWidth(weights: SeAttenWeights | SeE2AWeights): number {
  const { config } = weights;
  const moments = config.neuron[config.neuron.length - 1] * config.axis_neuron;
  return config.type !== "se_e2_a" && config.concat_output_tebd ? moments + config.tebd_dim : moments;
}

function readDescriptor(fields: Fields, types: number): SeAttenWeights | SeE2AWeights {
  const type = readDescriptorType(fields);
  if (fields.has("compress") || fields.value("@version") === 3) {
    throw fields.bad(
      "compress",
      "compressed models are not supported; use the model from before `dp compress`",
    );
  }
  if (type === "se_e2_a") return readSeE2A(fields, types);
  if (fields.value("@version") === 4 || (fields.has("lmax") && fields.whole("lmax") > 1)) {
    throw fields.bad("lmax", "only the classic se_atten with lmax 1 is supported");
  }
  if (fields.has("attn_mask") && fields.flag("attn_mask"))
    throw fields.bad("attn_mask", "masking an atom's attention to itself exists only in TensorFlow's graphs");
  const version = fields.version("Descriptor", [2, 1]);
  const attention = fields.child("attention_layers");
  const config = { ...readSeAttenConfig(fields, version), precision: readPrecision(attention) };
  const sel = fields.wholes("sel");
  const slots = sel.reduce((sum, count) => sum + count, 0);
  const { attn, neuron, tebd_dim: tebd, tebd_input_mode: mode, type_one_side: oneSide } = config;
  const width = neuron[neuron.length - 1];
  const pair = oneSide ? tebd : 2 * tebd;
  const variables = fields.child("@variables");
  attention.version("NeighborGatedAttention", [1]);
  const layers = attention.children("attention_layers");
  if (layers.length !== config.attn_layer) {
    throw attention.bad(
      "attention_layers",
      `${layers.length} layers, but attn_layer is ${config.attn_layer}`,
    );
  }
  return {
    config: { ...config, sel },
    davg: variables.array("davg", [types, slots, 4]),
    dstd: variables.array("dstd", [types, slots, 4]),
    typeEmbedding: readTypeEmbedding(fields.child("type_embedding"), types, config),
    embedding: readSharedNet(fields.child("embeddings"), { input: mode === "strip" ? 1 : 1 + pair, neuron }),
    embeddingStrip:
      mode === "strip" ? readSharedNet(fields.child("embeddings_strip"), { input: pair, neuron }) : null,
    attention: layers.map((layer) => readAttention(layer, width, attn)),
  };
}

function readSeE2A(fields: Fields, types: number): SeE2AWeights {
  fields.version("Descriptor", [2, 1]);
  const config = readSeE2AConfig(fields);
  if (config.sel.length !== types)
    throw fields.bad("sel", `${config.sel.length} numbers; one for each of the ${types} types is needed`);
  const slots = config.sel.reduce((sum, count) => sum + count, 0);
  const variables = fields.child("@variables");
  const shape = { input: 1, neuron: config.neuron };
  return {
    config,
    davg: variables.array("davg", [types, slots, 4]),
    dstd: variables.array("dstd", [types, slots, 4]),
    embeddings: readNets(fields.child("embeddings"), config.type_one_side ? 1 : 2, types, shape),
  };
}

function readTypeEmbedding(
  fields: Fields,
  types: number,
  config: SeAttenConfig,
): SeAttenWeights["typeEmbedding"] {
  fields.version("TypeEmbedNet", [2, 1]);
  const neuron = fields.wholes("neuron");
  if (neuron[neuron.length - 1] !== config.tebd_dim) {
    throw fields.bad("neuron", `its last entry must be tebd_dim (${config.tebd_dim})`);
  }
  return readNet(fields.child("embedding"), {
    input: config.use_econf_tebd ? electronEntries : types,
    neuron,
  });
}

function readFitting(fields: Fields, types: number, width: number, shared: boolean): EnerFittingWeights {
  fields.version("Fitting", [4, 3, 2, 1]);
  const config = readFittingConfig(fields);
  if (fields.flag("mixed_types") !== shared)
    throw fields.bad(
      "mixed_types",
      shared
        ? "separate nets for each type do not go with se_atten"
        : "one net for all types does not go with se_e2_a",
    );
  const announced = fields.whole("dim_descrpt");
  if (announced !== width) {
    throw fields.bad("dim_descrpt", `found ${announced}, but the descriptor is ${width} wide`);
  }
  const { neuron, numb_aparam: aparam, numb_fparam: fparam } = config;
  const shape = { input: width + fparam + aparam, neuron, output: 1 };
  const nets = fields.child("nets");
  const variables = fields.child("@variables");
  const optional = (key: string, size: number): NdArray | null =>
    size > 0 ? variables.array(key, [size]) : null;
  return {
    config,
    nets: shared ? [readSharedNet(nets, shape)] : readNets(nets, 1, types, shape),
    biasAtomE: variables.array("bias_atom_e", [types, 1]),
    fparamAvg: optional("fparam_avg", fparam),
    fparamInvStd: optional("fparam_inv_std", fparam),
    aparamAvg: optional("aparam_avg", aparam),
    aparamInvStd: optional("aparam_inv_std", aparam),
    excludeTypes: fields.wholes("exclude_types", []),
  };
}
