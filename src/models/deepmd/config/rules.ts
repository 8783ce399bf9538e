import type { Rules } from "../settings.js";
import type { CheckedModel, ModelConfig, SeAttenConfig, TypeEmbeddingConfig } from "./schema-model.js";

/** LayerNorm's epsilon in TensorFlow where `ln_eps` is not given. */
const tensorFlowNormEps = 1e-3;

/** The net of types of a TensorFlow model whose input has none: linear, not tanh. */
const defaultTypeEmbedding: TypeEmbeddingConfig = {
  neuron: [8],
  activation_function: "linear",
  resnet_dt: false,
  precision: "default",
  trainable: true,
  seed: null,
  use_econf_tebd: false,
  use_tebd_bias: false,
};

/**
 * Whose rules a model of an input follows (spec 2.12).
 *
 * @param asked what the user asked for, if anything
 * @returns notes say what was chosen and why; problems are keys that do not go with the rules
 */
export function chooseRules(
  model: CheckedModel,
  asked: Rules | undefined,
): { rules: Rules; notes: string[]; problems: string[] } {
  const { descriptor, type_embedding: block } = model;
  const masked = descriptor.type !== "se_e2_a" && descriptor.attn_mask;
  const keys = [block !== null && "model.type_embedding", masked && "model.descriptor.attn_mask"];
  const own = keys.filter((key) => key !== false);
  const rules = asked ?? (own.length > 0 ? "tf" : "pt");
  if (rules === "pt") {
    const only = "exists only in DeePMD-kit's TensorFlow backend; leave it out, or leave out --pt";
    return { rules, notes: [], problems: own.map((key) => `${key}: ${only}`) };
  }
  const because = own.length > 0 ? own.join(" and ") : "--tf";
  const problems = descriptor.type === "se_e2_a" ? typedProblems(block) : attentionProblems(descriptor);
  if (descriptor.env_protection !== 0)
    problems.push("model.descriptor.env_protection: TensorFlow has none; set it to 0, or use --pt");
  return {
    rules,
    notes: [
      `${because}: the numbers follow the rules of DeePMD-kit's TensorFlow backend`,
      ...ignoredKeys(model).map(
        (key) => `model.${key} acts only in DeePMD-kit's PyTorch backend; it has no effect here`,
      ),
    ],
    problems,
  };
}

/** What keys of the model section that TensorFlow takes and passes over are without effect. */
const ignored = { pair_exclude_types: [], atom_exclude_types: [], preset_out_bias: null };

function ignoredKeys({
  pair_exclude_types: pairs,
  atom_exclude_types: atoms,
  preset_out_bias: bias,
}: CheckedModel): string[] {
  const given: [string, boolean][] = [
    ["pair_exclude_types", pairs.length > 0],
    ["atom_exclude_types", atoms.length > 0],
    ["preset_out_bias", bias !== null],
  ];
  return given.filter(([, isGiven]) => isGiven).map(([key]) => key);
}

function typedProblems(block: TypeEmbeddingConfig | null): string[] {
  if (block === null) return [];
  return [
    "model.type_embedding: se_e2_a with a type embedding is not supported; leave this section out, or use se_atten",
  ];
}

function attentionProblems(descriptor: Exclude<CheckedModel["descriptor"], { type: "se_e2_a" }>): string[] {
  const { scaling_factor: scaling, normalize, temperature, concat_output_tebd: concat } = descriptor;
  const smooth = descriptor.type === "se_atten_v2" || descriptor.smooth_type_embedding;
  const ownRows = smooth && descriptor.exclude_types.length > 0 && !descriptor.set_davg_zero;
  const fixed: [string, boolean, string][] = [
    ["scaling_factor", scaling === 1, "1"],
    ["normalize", normalize, "true"],
    ["temperature", temperature === null || temperature === 1, "1"],
    ["concat_output_tebd", concat, "true"],
  ];
  const excluded =
    "model.descriptor.exclude_types: TensorFlow's smooth attention gives excluded neighbours rows of their own where " +
    "set_davg_zero is false, which is not supported; set set_davg_zero to true, or use --pt";
  return [
    ...fixed
      .filter(([, fits]) => !fits)
      .map(
        ([key, , value]) =>
          `model.descriptor.${key}: is always ${value} in TensorFlow; leave it out, or use --pt`,
      ),
    ...(ownRows ? [excluded] : []),
  ];
}

/** The model section with everything the rules decide. */
export function completeModel(checked: CheckedModel, rules: Rules): ModelConfig {
  const model = rules === "tf" ? { ...checked, ...ignored } : checked;
  const { descriptor } = model;
  if (descriptor.type === "se_e2_a") return { ...model, rules, descriptor };
  if (descriptor.type === "se_atten_v2") {
    const own = { ...descriptor, tebd_input_mode: "strip" as const, smooth_type_embedding: true };
    return withRules({ ...model, rules, descriptor: own }, own);
  }
  const { stripped_type_embedding: stripped, ...rest } = descriptor;
  if (stripped !== null) rest.tebd_input_mode = stripped ? "strip" : "concat";
  return withRules({ ...model, rules, descriptor: rest }, rest);
}

/** In TensorFlow the net of types has a section of its own, and much of the attention is fixed. */
function withRules(model: ModelConfig, descriptor: SeAttenConfig): ModelConfig {
  if (model.rules === "pt") return model;
  const block = model.type_embedding ?? defaultTypeEmbedding;
  return {
    ...model,
    type_embedding: block,
    descriptor: {
      ...descriptor,
      tebd_dim: block.neuron[block.neuron.length - 1],
      use_econf_tebd: block.use_econf_tebd,
      use_tebd_bias: block.use_tebd_bias,
      temperature: 1,
      ln_eps: descriptor.ln_eps ?? tensorFlowNormEps,
      type_one_side: descriptor.type_one_side && descriptor.tebd_input_mode === "concat",
    },
  };
}
