import type { DeepmdInput } from "./deepmd-input.js";
import type { ModelConfig } from "./schema-model.js";

/** Keys that DeePMD-kit's checker knows but does not accept as null: they are left out where they were not given. */
const leftOutWhenNull = new Set([
  "type_map",
  "type_embedding",
  "temperature",
  "lmax",
  "seed",
  "stat_file",
  "numb_steps",
  "numb_epoch",
  "gradient_max_norm",
  "relative_f",
]);

/** The text of `out.json`: the complete input in the form DeePMD-kit 3.2 accepts and itself writes. */
export function formatOutJson(input: DeepmdInput): string {
  return `${JSON.stringify(withoutNulls({ ...input, model: modelSection(input.model) }), null, 4)}\n`;
}

/** The `model` section as it stands in `out.json` and as `model_def_script` of a model file. */
export function modelSection(config: ModelConfig): Record<string, unknown> {
  const model: Partial<ModelConfig> & Pick<ModelConfig, "descriptor"> = { ...config };
  delete model.rules;
  const { descriptor } = model;
  if (descriptor.type === "se_e2_a") return withoutNulls(model) as Record<string, unknown>;
  const { tebd_input_mode, smooth_type_embedding, ...shared } = descriptor;
  const own =
    descriptor.type === "se_atten_v2"
      ? shared
      : { ...shared, tebd_input_mode, smooth_type_embedding, stripped_type_embedding: null };
  return withoutNulls({ ...model, descriptor: own }) as Record<string, unknown>;
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key, item]) => item !== null || !leftOutWhenNull.has(key));
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutNulls(item)]));
}
