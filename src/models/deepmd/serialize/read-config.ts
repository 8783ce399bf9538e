import type { EnerFittingConfig, SeAttenConfig, SeE2AConfig } from "../config/schema-model.js";
import type { Fields } from "./fields.js";
import { readPrecision } from "./read-layers.js";

/** The type of a descriptor, "se_atten" and "se_e2_a" for their other names; any other kind is refused in one sentence. */
export function readDescriptorType(fields: Fields): "se_atten" | "se_atten_v2" | "se_e2_a" {
  const type = fields.text("type");
  if (type === "se_atten_v2") return type;
  if (type === "se_atten" || type === "dpa1") return "se_atten";
  if (type === "se_e2_a" || type === "se_a") return "se_e2_a";
  throw fields.bad(
    "type",
    `the descriptor ${JSON.stringify(type.slice(0, 40))} is not supported; se_atten (dpa1), se_atten_v2 and se_e2_a (se_a) are`,
  );
}

/** The settings of any descriptor; `version` as in `readSeAttenConfig`. */
export function readDescriptorConfig(fields: Fields, version: number): SeAttenConfig | SeE2AConfig {
  return readDescriptorType(fields) === "se_e2_a"
    ? readSeE2AConfig(fields)
    : readSeAttenConfig(fields, version);
}

/** What all descriptors have. */
function readCommonConfig(fields: Fields): Omit<SeE2AConfig, "type" | "sel"> {
  const config = {
    rcut: fields.number("rcut"),
    rcut_smth: fields.number("rcut_smth"),
    neuron: fields.wholes("neuron"),
    axis_neuron: fields.whole("axis_neuron"),
    activation_function: fields.text("activation_function"),
    resnet_dt: fields.flag("resnet_dt"),
    type_one_side: fields.flag("type_one_side"),
    precision: readPrecision(fields),
    trainable: fields.flag("trainable", true),
    seed: fields.numberOrNull("seed"),
    exclude_types: fields.pairs("exclude_types"),
    env_protection: fields.number("env_protection", 0),
    set_davg_zero: fields.flag("set_davg_zero"),
  };
  if (fields.has("spin")) throw fields.bad("spin", "models with spin are not supported");
  if (config.neuron.length === 0) throw fields.bad("neuron", "is empty; at least one width is needed");
  return config;
}

/** The settings of a `se_e2_a` descriptor. */
export function readSeE2AConfig(fields: Fields): SeE2AConfig & { sel: number[] } {
  const sel = fields.wholes("sel");
  if (sel.every((n) => n === 0))
    throw fields.bad("sel", "is zero for every type; numbers of neighbours are needed");
  return { type: "se_e2_a", sel, ...readCommonConfig(fields) };
}

/**
 * The settings of a `se_atten` descriptor.
 *
 * @param version of the section; version 1 had a bias in the type embedding where it does not say so
 */
export function readSeAttenConfig(fields: Fields, version: number): SeAttenConfig {
  const isV2 = readDescriptorType(fields) === "se_atten_v2";
  const mode = isV2 ? "strip" : fields.text("tebd_input_mode", "concat");
  if (mode !== "concat" && mode !== "strip")
    throw fields.bad("tebd_input_mode", `found "${mode}"; "concat" or "strip" is needed`);
  const config: SeAttenConfig = {
    type: isV2 ? "se_atten_v2" : "se_atten",
    sel: readSel(fields),
    ...readCommonConfig(fields),
    attn: fields.whole("attn"),
    attn_layer: fields.whole("attn_layer"),
    attn_dotr: fields.flag("attn_dotr"),
    attn_mask: fields.flag("attn_mask"),
    smooth_type_embedding: isV2 || fields.flag("smooth_type_embedding"),
    tebd_input_mode: mode,
    trainable_ln: fields.flag("trainable_ln", true),
    ln_eps: fields.numberOrNull("ln_eps"),
    tebd_dim: fields.whole("tebd_dim"),
    use_econf_tebd: fields.flag("use_econf_tebd", false),
    use_tebd_bias: fields.flag("use_tebd_bias", version === 1),
    scaling_factor: fields.number("scaling_factor", 1),
    normalize: fields.flag("normalize", true),
    temperature: fields.numberOrNull("temperature"),
    concat_output_tebd: fields.flag("concat_output_tebd", true),
    lmax: null,
  };
  return config;
}

/** A number, or a list of numbers whose sum counts. */
function readSel(fields: Fields): number | number[] {
  const sel = typeof fields.value("sel") === "number" ? fields.whole("sel") : fields.wholes("sel");
  const slots = typeof sel === "number" ? sel : sel.reduce((sum, count) => sum + count, 0);
  if (slots > 0) return sel;
  throw fields.bad("sel", "is empty; the number of neighbours is needed");
}

/** The settings of an `ener` fitting net; any other kind is refused in one sentence. */
export function readFittingConfig(fields: Fields): EnerFittingConfig {
  const type = fields.text("type");
  if (type !== "ener") {
    throw fields.bad(
      "type",
      `the fitting net ${JSON.stringify(type.slice(0, 40))} is not supported; "ener" is`,
    );
  }
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
    default_fparam: fields.has("default_fparam") ? fields.numbersOrNulls("default_fparam").map(Number) : null,
    dim_case_embd: 0,
    neuron: fields.wholes("neuron"),
    activation_function: fields.text("activation_function"),
    precision: readPrecision(fields),
    resnet_dt: fields.flag("resnet_dt"),
    trainable: readTrainable(fields),
    rcond: fields.numberOrNull("rcond"),
    seed: fields.numberOrNull("seed"),
    atom_ener: fields.has("atom_ener") ? fields.numbersOrNulls("atom_ener") : [],
    use_aparam_as_mask: false,
  };
}

function readTrainable(fields: Fields): boolean | boolean[] {
  const value = fields.value("trainable");
  if (Array.isArray(value) && value.every((item) => typeof item === "boolean")) return [...value];
  return fields.flag("trainable", true);
}
