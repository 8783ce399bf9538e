import type { AtomgradError } from "../../../tensor/error.js";
import type { EnerFittingConfig, SeAttenConfig } from "../config/schema-model.js";
import { Fields } from "./fields.js";
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

function refuseDescriptor(fields: Fields, type: string): AtomgradError {
  const shown = JSON.stringify(type.slice(0, 40));
  const reason =
    type === "se_e2_a" || type === "se_a"
      ? `the descriptor ${shown} is known, but models with it come in a later version of this package; se_atten (dpa1) can be read`
      : `the descriptor ${shown} is not supported; se_atten (dpa1) and se_atten_v2 are`;
  return fields.bad("type", reason);
}

function readDescriptor(fields: Fields, types: number): SeAttenWeights {
  const type = fields.text("type");
  if (!["dpa1", "se_atten", "se_atten_v2"].includes(type)) throw refuseDescriptor(fields, type);
  if (fields.has("compress") || fields.value("@version") === 3) {
    throw fields.bad(
      "compress",
      "compressed models are not supported; use the model from before `dp compress`",
    );
  }
  if (fields.value("@version") === 4 || fields.whole("lmax", 1) > 1) {
    throw fields.bad("lmax", "only the classic se_atten with lmax 1 is supported");
  }
  const version = fields.version("Descriptor", [2, 1]);
  const config = readDescriptorConfig(fields, type === "se_atten_v2", version);
  const slots = (config.sel as number[]).reduce((sum, count) => sum + count, 0);
  const { attn, neuron, tebd_dim: tebd, tebd_input_mode: mode, type_one_side: oneSide } = config;
  const width = neuron[neuron.length - 1];
  const pair = oneSide ? tebd : 2 * tebd;
  const variables = fields.child("@variables");
  const attention = fields.child("attention_layers");
  attention.version("NeighborGatedAttention", [1]);
  const layers = attention.children("attention_layers");
  if (layers.length !== config.attn_layer) {
    throw attention.bad(
      "attention_layers",
      `${layers.length} layers, but attn_layer is ${config.attn_layer}`,
    );
  }
  return {
    config: { ...config, precision: readPrecision(attention) },
    davg: variables.array("davg", [types, slots, 4]),
    dstd: variables.array("dstd", [types, slots, 4]),
    typeEmbedding: readTypeEmbedding(fields.child("type_embedding"), types, config),
    embedding: readSharedNet(fields.child("embeddings"), { input: mode === "strip" ? 1 : 1 + pair, neuron }),
    embeddingStrip:
      mode === "strip" ? readSharedNet(fields.child("embeddings_strip"), { input: pair, neuron }) : null,
    attention: layers.map((layer) => readAttention(layer, width, attn)),
  };
}

function readDescriptorConfig(fields: Fields, isV2: boolean, version: number): SeAttenConfig {
  const mode = isV2 ? "strip" : fields.text("tebd_input_mode", "concat");
  if (mode !== "concat" && mode !== "strip")
    throw fields.bad("tebd_input_mode", `found "${mode}"; "concat" or "strip" is needed`);
  const config: SeAttenConfig = {
    type: isV2 ? "se_atten_v2" : "se_atten",
    sel: fields.wholes("sel"),
    rcut: fields.number("rcut"),
    rcut_smth: fields.number("rcut_smth"),
    neuron: fields.wholes("neuron"),
    axis_neuron: fields.whole("axis_neuron"),
    activation_function: fields.text("activation_function"),
    resnet_dt: fields.flag("resnet_dt"),
    type_one_side: fields.flag("type_one_side"),
    precision: readPrecision(fields),
    trainable: fields.flag("trainable", true),
    seed: null,
    exclude_types: fields.pairs("exclude_types"),
    env_protection: fields.number("env_protection", 0),
    attn: fields.whole("attn"),
    attn_layer: fields.whole("attn_layer"),
    attn_dotr: fields.flag("attn_dotr"),
    attn_mask: fields.flag("attn_mask"),
    smooth_type_embedding: isV2 || fields.flag("smooth_type_embedding"),
    tebd_input_mode: mode,
    set_davg_zero: fields.flag("set_davg_zero"),
    trainable_ln: fields.flag("trainable_ln", true),
    ln_eps: fields.has("ln_eps") ? fields.number("ln_eps") : 1e-5,
    tebd_dim: fields.whole("tebd_dim"),
    use_econf_tebd: fields.flag("use_econf_tebd", false),
    use_tebd_bias: fields.flag("use_tebd_bias", version === 1),
    scaling_factor: fields.number("scaling_factor", 1),
    normalize: fields.flag("normalize", true),
    temperature: fields.numberOrNull("temperature"),
    concat_output_tebd: fields.flag("concat_output_tebd", true),
    lmax: null,
  };
  if (config.attn_mask)
    throw fields.bad("attn_mask", "masking an atom's attention to itself is not supported");
  if (fields.has("spin")) throw fields.bad("spin", "models with spin are not supported");
  if (config.neuron.length === 0 || (config.sel as number[]).length === 0) {
    throw fields.bad("neuron", "neuron and sel must not be empty");
  }
  return config;
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
  const type = fields.text("type");
  if (type !== "ener")
    throw fields.bad(
      "type",
      `the fitting net ${JSON.stringify(type.slice(0, 40))} is not supported; "ener" is`,
    );
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

function readFittingConfig(fields: Fields): EnerFittingConfig {
  const refusals: [string, string][] = [
    ["spin", "models with spin are not supported"],
    ["tot_ener_zero", "energies shifted to zero are not supported"],
    ["use_aparam_as_mask", "atom parameters as a mask are not supported"],
    ["dim_case_embd", "models of multi-task training are not supported"],
  ];
  for (const [key, says] of refusals) {
    if (fields.has(key) && fields.value(key) !== false && fields.value(key) !== 0)
      throw fields.bad(key, says);
  }
  return {
    type: "ener",
    numb_fparam: fields.whole("numb_fparam", 0),
    numb_aparam: fields.whole("numb_aparam", 0),
    default_fparam: fields.has("default_fparam") ? readNumbers(fields, "default_fparam").map(Number) : null,
    dim_case_embd: 0,
    neuron: fields.wholes("neuron"),
    activation_function: fields.text("activation_function"),
    precision: readPrecision(fields),
    resnet_dt: fields.flag("resnet_dt"),
    trainable: readTrainable(fields),
    rcond: fields.numberOrNull("rcond"),
    seed: null,
    atom_ener: fields.has("atom_ener") ? readNumbers(fields, "atom_ener") : [],
    use_aparam_as_mask: false,
  };
}

/** A list of numbers and nulls; a number may stand in a list of its own. */
function readNumbers(fields: Fields, key: string): (number | null)[] {
  const list = fields.value(key);
  const items = isArray(list) ? [...list.data] : list;
  if (!Array.isArray(items)) throw fields.bad(key, "a list of numbers is needed");
  return items.map((item: Tree) => {
    const value = Array.isArray(item) && item.length === 1 ? (item[0] as Tree) : item;
    if (value === null || typeof value === "number") return value;
    throw fields.bad(key, "a list of numbers is needed");
  });
}

function readTrainable(fields: Fields): boolean | boolean[] {
  const value = fields.value("trainable");
  if (Array.isArray(value) && value.every((item) => typeof item === "boolean")) return [...value];
  return fields.flag("trainable", true);
}
