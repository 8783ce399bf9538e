import { otherNames } from "../net-precision.js";
import { isObject } from "./parse-text.js";
import type { JsonObject } from "./parse-text.js";
import { configError } from "./problems.js";

/** Other spellings of a key, by section; `[canonical, alias, alias, ...]`. */
const keys: Record<string, readonly (readonly string[])[]> = {
  "model.descriptor": [
    ["axis_neuron", "n_axis_neuron"],
    ["smooth_type_embedding", "smooth_type_embdding"],
  ],
  "model.fitting_net": [["neuron", "n_neuron"]],
  "model.type_embedding": [],
  training: [
    ["numb_steps", "stop_batch", "num_step", "num_steps", "numb_step"],
    ["numb_epoch", "num_epochs", "num_epoch", "numb_epochs"],
  ],
  "training.training_data": [
    ["auto_prob", "auto_prob_style"],
    ["sys_probs", "sys_weights"],
  ],
  "training.validation_data": [
    ["auto_prob", "auto_prob_style"],
    ["sys_probs", "sys_weights"],
    ["numb_btch", "numb_batch"],
  ],
};

/** Other spellings of a section's `type`, and the type of a section that names none. */
const types: Record<
  string,
  { readonly aliases: Readonly<Record<string, string>>; readonly missing?: string }
> = {
  model: { aliases: {}, missing: "standard" },
  "model.descriptor": { aliases: { dpa1: "se_atten", se_a: "se_e2_a" } },
  "model.fitting_net": { aliases: {}, missing: "ener" },
  learning_rate: { aliases: {}, missing: "exp" },
  loss: { aliases: {}, missing: "ener" },
  optimizer: { aliases: {}, missing: "Adam" },
};

/**
 * Renames aliases to the canonical keys, types and precisions, gives every section its `type`, and adds the sections that may be
 * left out.
 *
 * @throws AtomgradError CONFIG where a key is given under two names
 */
export function renameAliases(input: JsonObject, name: string): JsonObject {
  const complete: JsonObject = { loss: {}, optimizer: {}, validating: {}, ...input };
  return visit(complete, "", name);
}

function visit(section: JsonObject, path: string, name: string): JsonObject {
  const out: JsonObject = {};
  for (const [key, value] of Object.entries(section)) {
    const spellings = Object.hasOwn(keys, path) ? keys[path].find((names) => names.includes(key)) : undefined;
    const canonical = spellings?.[0] ?? key;
    const here = path === "" ? canonical : `${path}.${canonical}`;
    if (Object.hasOwn(out, canonical)) {
      const twice = (spellings ?? []).filter((spelling) => Object.hasOwn(section, spelling));
      throw configError(name, [
        `${path}: ${twice.map((spelling) => `"${spelling}"`).join(" and ")} mean the same; keep one`,
      ]);
    }
    const known = Object.hasOwn(types, here) || Object.hasOwn(keys, here);
    out[canonical] = known && isObject(value) ? visit(value, here, name) : value;
  }
  if (typeof out.precision === "string" && Object.hasOwn(otherNames, out.precision))
    out.precision = otherNames[out.precision];
  if (!Object.hasOwn(types, path)) return out;
  const rule = types[path];
  if (out.type === undefined) return rule.missing === undefined ? out : { type: rule.missing, ...out };
  if (typeof out.type === "string" && Object.hasOwn(rule.aliases, out.type))
    out.type = rule.aliases[out.type];
  return out;
}
