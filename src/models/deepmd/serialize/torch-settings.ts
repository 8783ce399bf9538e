import { PickleFloat, PickleObject, type PickleValue } from "../../../data/pickle/index.js";
import type { ModelConfig } from "../config/schema-model.js";

/** Settings that a descriptor's program holds under the same name. */
const same = [
  "rcut",
  "rcut_smth",
  "neuron",
  "axis_neuron",
  "activation_function",
  "resnet_dt",
  "type_one_side",
  "env_protection",
  "set_davg_zero",
  "attn_layer",
  "attn_dotr",
  "attn_mask",
  "scaling_factor",
  "normalize",
  "temperature",
  "ln_eps",
  "tebd_dim",
  "tebd_input_mode",
  "concat_output_tebd",
  "use_econf_tebd",
  "use_tebd_bias",
];
const ofDescriptor: Readonly<Record<string, string>> = {
  ...Object.fromEntries(same.map((key) => [key, key])),
  attn: "attn_dim",
  smooth_type_embedding: "smooth",
};
const ofFitting: Readonly<Record<string, string>> = Object.fromEntries(
  ["neuron", "activation_function", "resnet_dt", "numb_fparam", "numb_aparam"].map((key) => [key, key]),
);

/**
 * The settings of a TorchScript model with what its program computes with in place of what its script says: scripts leave out what
 * had another default when the model was made. Only numbers, texts and flags of the archive's pickle are looked at.
 */
export function withProgramSettings(config: ModelConfig, root: PickleValue): ModelConfig {
  const descriptor = child(root, "atomic_model", "descriptor");
  const block = child(descriptor, "sea") ?? child(descriptor, "se_atten");
  const fitting = child(root, "atomic_model", "fitting_net");
  return {
    ...config,
    descriptor: overlaid(config.descriptor, [descriptor, block], ofDescriptor),
    fitting_net: overlaid(config.fitting_net, [fitting], ofFitting),
  };
}

/** A section with the attributes of modules, where they are of the same kind; later modules win. */
function overlaid<S extends object>(
  section: S,
  modules: readonly (PickleObject | undefined)[],
  names: Readonly<Record<string, string>>,
): S {
  const found: Record<string, unknown> = {};
  for (const [key, name] of Object.entries(names)) {
    if (!Object.hasOwn(section, key)) continue;
    const old = (section as Record<string, unknown>)[key];
    for (const module of modules) {
      const value = plain(module?.state.get(name));
      if (isSameKind(value, old)) found[key] = value;
    }
  }
  return { ...section, ...found };
}

function child(root: PickleValue | undefined, ...path: readonly string[]): PickleObject | undefined {
  let value: PickleValue | undefined = root;
  for (const name of path) value = value instanceof PickleObject ? value.state.get(name) : undefined;
  return value instanceof PickleObject ? value : undefined;
}

function plain(value: PickleValue | undefined): unknown {
  if (value instanceof PickleFloat) return value.value;
  if (typeof value === "bigint") return Number(value);
  return Array.isArray(value) ? value.map(plain) : value;
}

/** Whether an attribute can stand for a setting: numbers that may be left out are null. */
function isSameKind(value: unknown, old: unknown): boolean {
  if (Array.isArray(old)) return Array.isArray(value) && value.every(Number.isSafeInteger);
  if (typeof value === "number") return Number.isFinite(value) && (old === null || typeof old === "number");
  return (typeof value === "boolean" || typeof value === "string") && typeof value === typeof old;
}
