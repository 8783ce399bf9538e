import type { SeAttenConfig } from "../config/schema-model.js";
import { Fields } from "./fields.js";
import { readDescriptorConfig, readDescriptorType, readFittingConfig } from "./read-config.js";
import { readAttention, readNet, readPrecision, readSharedNet } from "./read-layers.js";
import { isArray, ndArray } from "./tree.js";
import type { NdArray, Tree } from "./tree.js";
import type { DeepmdModelData, EnerFittingWeights, SeAttenWeights } from "./weights.js";

/** Entries of an electron configuration (deepmd.md 2.8). */
const electronEntries = 118;

/**
 * The model in the tree of a `.yaml` or `.dp` file: `Model` of type standard with descriptor `dpa1` (`se_atten`,
 * `se_atten_v2`) and fitting net `ener`, as DeePMD-kit 3.0 to 3.2 write them.
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
  const { config } = descriptor;
  const moments = config.neuron[config.neuron.length - 1] * config.axis_neuron;
  const width = moments + (config.concat_output_tebd ? config.tebd_dim : 0);
  const variables = model.has("@variables") ? model.child("@variables") : null;
  return {
    typeMap,
    descriptor,
    fitting: readFitting(model.child("fitting"), types, width),
    outBias:
      variables?.arrayOrNull("out_bias", [1, types, 1]) ?? ndArray([1, types, 1], new Float64Array(types)),
    outStd:
      variables?.arrayOrNull("out_std", [1, types, 1]) ??
      ndArray([1, types, 1], new Float64Array(types).fill(1)),
    atomExcludeTypes: model.wholes("atom_exclude_types", []),
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

function readDescriptor(fields: Fields, types: number): SeAttenWeights {
  readDescriptorType(fields);
  if (fields.has("compress") || fields.value("@version") === 3) {
    throw fields.bad(
      "compress",
      "compressed models are not supported; use the model from before `dp compress`",
    );
  }
  if (fields.value("@version") === 4 || (fields.has("lmax") && fields.whole("lmax") > 1)) {
    throw fields.bad("lmax", "only the classic se_atten with lmax 1 is supported");
  }
  const version = fields.version("Descriptor", [2, 1]);
  const attention = fields.child("attention_layers");
  const config = { ...readDescriptorConfig(fields, version), precision: readPrecision(attention) };
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

function readFitting(fields: Fields, types: number, descriptorWidth: number): EnerFittingWeights {
  fields.version("Fitting", [4, 3, 2, 1]);
  const config = readFittingConfig(fields);
  if (!fields.flag("mixed_types"))
    throw fields.bad("mixed_types", "separate nets for each type do not go with se_atten");
  const announced = fields.whole("dim_descrpt");
  if (announced !== descriptorWidth) {
    throw fields.bad("dim_descrpt", `found ${announced}, but the descriptor is ${descriptorWidth} wide`);
  }
  const { neuron, numb_aparam: aparam, numb_fparam: fparam } = config;
  const input = descriptorWidth + fparam + aparam;
  const variables = fields.child("@variables");
  const optional = (key: string, size: number): NdArray | null =>
    size > 0 ? variables.array(key, [size]) : null;
  return {
    config,
    layers: readSharedNet(fields.child("nets"), { input, neuron, output: 1 }),
    biasAtomE: variables.array("bias_atom_e", [types, 1]),
    fparamAvg: optional("fparam_avg", fparam),
    fparamInvStd: optional("fparam_inv_std", fparam),
    aparamAvg: optional("aparam_avg", aparam),
    aparamInvStd: optional("aparam_inv_std", aparam),
    excludeTypes: fields.wholes("exclude_types", []),
  };
}
