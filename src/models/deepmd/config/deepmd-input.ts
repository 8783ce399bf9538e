import { halfPrecisionNotes } from "../half-nets.js";
import type { Rules } from "../settings.js";
import { renameAliases } from "./aliases.js";
import { chooseRules, completeModel } from "./rules.js";
import { convertOldInput } from "./old-inputs.js";
import { modelProblems, trainingProblems } from "./consistency.js";
import { section } from "./schema-parts.js";
import { isObject, parseConfigText } from "./parse-text.js";
import { checkWith, configError } from "./problems.js";
import { refuseUnsupported } from "./refusals.js";
import { modelSchema } from "./schema-model.js";
import type { CheckedModel, ModelConfig } from "./schema-model.js";
import {
  learningRateSchema,
  lossSchema,
  optimizerSchema,
  trainingSchema,
  validatingSchema,
} from "./schema-training.js";
import type {
  EnerLossConfig,
  LearningRateConfig,
  OptimizerConfig,
  TrainingConfig,
  ValidatingConfig,
} from "./schema-training.js";

export { checkModelConfig } from "../serialize/model-config.js";
export type { ModelConfig } from "./schema-model.js";

/**
 * A checked `input.json` of DeePMD-kit (deepmd.md 1): canonical keys, every default filled in. What DeePMD-kit leaves
 * out when it is not given (`temperature`, `seed`, ...) is null.
 */
export interface DeepmdInput {
  model: ModelConfig;
  learning_rate: LearningRateConfig;
  loss: EnerLossConfig;
  training: TrainingConfig;
  optimizer: OptimizerConfig;
  validating: ValidatingConfig;
}

/** A parsed input, and what its reader should know. */
export interface ParsedDeepmdInput {
  readonly input: DeepmdInput;
  /** One sentence per conversion from an older form, choice made for the user, and key that is accepted but has no effect here. */
  readonly notes: readonly string[];
}

const inputSchema = section({
  model: modelSchema,
  learning_rate: learningRateSchema,
  loss: lossSchema,
  training: trainingSchema,
  optimizer: optimizerSchema,
  validating: validatingSchema,
});

/** Keys of `training` that speed up, log or cache in DeePMD-kit and do nothing here; what they are where unused. */
const withoutEffect = {
  profiling: false,
  enable_profiler: false,
  enable_compile: false,
  enable_tf32: false,
  neighbor_graph_method: "auto",
} as const;

/** The last learning rate where the input names none. */
const defaultStopRate = 5e-8;

/**
 * Parses the text of a DeePMD-kit `input.json` (or YAML, by the ending of `name`), converts older forms, renames
 * aliases, refuses what is not supported, checks every key and fills in the defaults.
 *
 * @param name the file's basename, for messages
 * @param rules whose rules the model follows; default: TensorFlow's where the input has keys that only TensorFlow has
 * @throws AtomgradError FORMAT (syntax, with line and column) or CONFIG (path, what was found, what is allowed)
 */
export function parseDeepmdInput(text: string, name: string, rules?: Rules): ParsedDeepmdInput {
  const raw = parseConfigText(text, name);
  if (!isObject(raw))
    throw configError(name, ["the file must hold one section { ... } with model, learning_rate, training"]);
  const { input: converted, converted: conversions } = convertOldInput(raw, name);
  const canonical = renameAliases(converted, name);
  refuseUnsupported(canonical, name);
  const checked = checkWith(inputSchema, canonical, name);
  const chosen = chooseRules(checked.model, rules);
  const lines = [
    ...chosen.problems,
    ...modelProblems(checked.model),
    ...trainingProblems(checked.training, checked.learning_rate),
  ];
  if (lines.length > 0) throw configError(name, lines);
  const rate = checked.learning_rate;
  if (rate.stop_lr === null && rate.stop_lr_ratio === null) rate.stop_lr = defaultStopRate;
  const input = { ...checked, model: completeModel(checked.model, chosen.rules) };
  return {
    input,
    notes: [...conversions, ...chosen.notes, ...halfPrecisionNotes(input.model), ...unusedKeys(checked)],
  };
}

function unusedKeys({ model, training }: { model: CheckedModel; training: TrainingConfig }): string[] {
  const keys = Object.keys(withoutEffect) as (keyof typeof withoutEffect)[];
  const notes = keys
    .filter((key) => training[key] !== withoutEffect[key])
    .map((key) => `training.${key} has no effect here`);
  if (model.data_bias_nsample !== 10)
    notes.push("model.data_bias_nsample acts only in DeePMD-kit's TensorFlow backend; it has no effect here");
  return notes;
}
