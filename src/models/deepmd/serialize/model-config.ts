import { AtomgradError } from "../../../tensor/error.js";
import type { ModelConfig, TypeEmbeddingConfig } from "../config/schema-model.js";
import { readPrecision } from "./read-layers.js";
import { Fields } from "./fields.js";
import { readDescriptorConfig, readFittingConfig } from "./read-config.js";
import type { Rules } from "../settings.js";
import type { Tree } from "./tree.js";

/**
 * The model section that a model file of this package carries as JSON, with `sel` resolved. Read without the schema of
 * inputs, whose library takes longer to load than a model.
 *
 * @throws AtomgradError FORMAT, naming the path of what is missing or wrong
 */
export function checkModelConfig(text: string, name: string): ModelConfig {
  let tree: Tree;
  try {
    tree = JSON.parse(text) as Tree;
  } catch (cause) {
    throw new AtomgradError("FORMAT", `${name}: the model settings in it are not JSON; the file is damaged`, {
      cause,
    });
  }
  const model = Fields.of(tree, "model", name);
  const type = model.text("type", "standard");
  if (type !== "standard")
    throw model.bad("type", `found ${JSON.stringify(type.slice(0, 40))}; "standard" is needed`);
  return {
    type,
    rules: readRules(model),
    type_map: model.texts("type_map"),
    data_stat_nbatch: model.whole("data_stat_nbatch", 10),
    data_stat_protect: model.number("data_stat_protect", 0.01),
    data_bias_nsample: model.whole("data_bias_nsample", 10),
    pair_exclude_types: model.pairs("pair_exclude_types"),
    atom_exclude_types: model.wholes("atom_exclude_types", []),
    preset_out_bias: readPreset(model),
    srtab_add_bias: true,
    model_branch_alias: model.has("model_branch_alias") ? model.texts("model_branch_alias") : [],
    type_embedding: readTypeEmbedding(model),
    info: (model.value("info") ?? {}) as Record<string, unknown>,
    bridging_method: "None",
    bridging_r_inner: model.number("bridging_r_inner", 0.5),
    bridging_r_outer: model.number("bridging_r_outer", 0.8),
    descriptor: readDescriptorConfig(model.child("descriptor"), 2),
    fitting_net: readFittingConfig(model.child("fitting_net")),
  };
}

function readPreset(model: Fields): ModelConfig["preset_out_bias"] {
  if (!model.has("preset_out_bias")) return null;
  return { energy: model.child("preset_out_bias").numbersOrNulls("energy") };
}

/** TensorFlow's net of types; null in PyTorch's models. */
function readTypeEmbedding(model: Fields): TypeEmbeddingConfig | null {
  if (!model.has("type_embedding")) return null;
  const fields = model.child("type_embedding");
  return {
    neuron: fields.wholes("neuron"),
    activation_function: fields.text("activation_function"),
    resnet_dt: fields.flag("resnet_dt", false),
    precision: readPrecision(fields),
    trainable: fields.flag("trainable", true),
    seed: fields.numberOrNull("seed"),
    use_econf_tebd: fields.flag("use_econf_tebd", false),
    use_tebd_bias: fields.flag("use_tebd_bias", false),
  };
}

/** Whose rules the numbers follow; files of earlier versions do not say and mean PyTorch's. */
function readRules(model: Fields): Rules {
  const rules = model.text("rules", "pt");
  if (rules === "pt" || rules === "tf") return rules;
  throw model.bad("rules", `found ${JSON.stringify(rules.slice(0, 40))}; "pt" or "tf" is needed`);
}
