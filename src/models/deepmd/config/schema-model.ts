import { z } from "zod";
import { netPrecisions } from "../net-precision.js";
import type { Rules } from "../settings.js";
import {
  activation,
  flag,
  leaf,
  listOf,
  neurons,
  nullable,
  oneOf,
  real,
  section,
  seed,
  text,
  variantError,
  whole,
} from "./schema-parts.js";

/** Number type of a net. */
const precision = oneOf(...netPrecisions).default("default");

const typePair = leaf<[number, number]>(
  "a pair of type numbers, such as [0, 1]",
  (value) =>
    Array.isArray(value) && value.length === 2 && value.every((type) => Number.isInteger(type) && type >= 0),
);
const typePairs = listOf(typePair, "a list of pairs of type numbers, such as [[0, 1]]");

const autoSel = (value: unknown): boolean => typeof value === "string" && /^auto(:\d+(\.\d+)?)?$/.test(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isCounts = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(isCount);

/** Keys that every descriptor of this family has. */
const common = {
  rcut: real({ above: 0 }).default(6),
  rcut_smth: real({ least: 0 }).default(0.5),
  neuron: neurons.min(1, "found []; allowed: at least one width").default([10, 20, 40]),
  axis_neuron: whole(1).default(4),
  activation_function: activation.default("tanh"),
  resnet_dt: flag.default(false),
  type_one_side: flag.default(false),
  precision,
  trainable: flag.default(true),
  seed,
  exclude_types: typePairs.default([]),
  env_protection: real({ least: 0 }).default(0),
};

const seE2A = section({
  type: z.literal("se_e2_a"),
  sel: leaf<number[] | string>(
    'a list with the number of neighbours of each type, "auto" or "auto:factor"',
    (value) => autoSel(value) || isCounts(value),
  ).default("auto"),
  ...common,
  set_davg_zero: flag.default(false),
});

const atten = {
  sel: leaf<number | number[] | string>(
    'the number of neighbours, a list of numbers (their sum counts), "auto" or "auto:factor"',
    (value) => autoSel(value) || isCounts(value) || (isCount(value) && value !== 0),
  ).default("auto"),
  ...common,
  attn: whole(1).default(128),
  attn_layer: whole(0).default(2),
  attn_dotr: flag.default(true),
  attn_mask: flag.default(false),
  trainable_ln: flag.default(true),
  ln_eps: nullable(real({ above: 0 }), "a number above 0").default(null),
  tebd_dim: whole(1).default(8),
  use_econf_tebd: flag.default(false),
  use_tebd_bias: flag.default(false),
  scaling_factor: real({ above: 0 }).default(1),
  normalize: flag.default(true),
  temperature: nullable(real(), "a number").default(null),
  concat_output_tebd: flag.default(true),
  lmax: nullable(whole(1), "a whole number of at least 1").default(null),
};

const seAtten = section({
  type: z.literal("se_atten"),
  ...atten,
  stripped_type_embedding: nullable(flag, "true, false").default(null),
  smooth_type_embedding: flag.default(false),
  tebd_input_mode: oneOf("concat", "strip").default("concat"),
  set_davg_zero: flag.default(true),
});

const seAttenV2 = section({
  type: z.literal("se_atten_v2"),
  ...atten,
  set_davg_zero: flag.default(false),
});

/** TensorFlow's net of types, where the input has one. */
const typeEmbedding = section({
  neuron: neurons.min(1, "found []; allowed: at least one width").default([8]),
  activation_function: activation.default("tanh"),
  resnet_dt: flag.default(false),
  precision,
  trainable: flag.default(true),
  seed,
  use_econf_tebd: flag.default(false),
  use_tebd_bias: flag.default(false),
});

const flags = leaf<boolean | boolean[]>(
  "true, false, or a list of them, one per layer",
  (value) =>
    typeof value === "boolean" || (Array.isArray(value) && value.every((item) => typeof item === "boolean")),
);

const isNumberOrNull = (value: unknown): boolean => value === null || Number.isFinite(value);
const numbersOrNulls = leaf<(number | null)[]>(
  "a list of numbers and nulls, one per type",
  (value) => Array.isArray(value) && value.every(isNumberOrNull),
);

const ener = section({
  type: z.literal("ener"),
  numb_fparam: whole(0).default(0),
  numb_aparam: whole(0).default(0),
  default_fparam: nullable(listOf(real(), "a list of numbers"), "a list of numbers").default(null),
  dim_case_embd: whole(0).default(0),
  neuron: neurons.default([120, 120, 120]),
  activation_function: activation.default("tanh"),
  precision,
  resnet_dt: flag.default(true),
  trainable: flags.default(true),
  rcond: nullable(real({ least: 0 }), "a number of at least 0").default(null),
  seed,
  atom_ener: numbersOrNulls.default([]),
  use_aparam_as_mask: flag.default(false),
});

const typeMap = listOf(
  leaf<string>("a type name without blanks", (value) => typeof value === "string" && /^\S+$/.test(value)),
  'a list of type names, such as ["O", "H"]',
);

const outBias = leaf<{ energy: (number | null)[] }>(
  'a section such as {"energy": [null, -187.1]}',
  (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.keys(value).join() === "energy" &&
    numbersOrNulls.safeParse((value as { energy: unknown }).energy).success,
);

/** The `model` section (deepmd.md 1.2 to 1.5) after aliases were renamed and what is not supported was refused. */
export const modelSchema = section({
  type: z.literal("standard"),
  type_map: nullable(typeMap, "a list of type names").default(null),
  data_stat_nbatch: whole(1).default(10),
  data_stat_protect: real({ above: 0 }).default(0.01),
  data_bias_nsample: whole(1).default(10),
  pair_exclude_types: typePairs.default([]),
  atom_exclude_types: listOf(whole(0), "a list of type numbers").default([]),
  preset_out_bias: nullable(outBias, 'a section such as {"energy": [null, -187.1]}').default(null),
  srtab_add_bias: flag.default(true),
  model_branch_alias: listOf(text, "a list of texts").default([]),
  type_embedding: typeEmbedding.nullable().default(null),
  info: leaf<Record<string, unknown>>(
    "a section",
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  ).default({}),
  bridging_method: text.default("None"),
  bridging_r_inner: real().default(0.5),
  bridging_r_outer: real().default(0.8),
  descriptor: z.discriminatedUnion("type", [seAtten, seAttenV2, seE2A], variantError),
  fitting_net: ener,
});

/** A checked `model` section with all defaults, as the schema gives it. */
export type CheckedModel = z.output<typeof modelSchema>;
export type SeE2AConfig = z.output<typeof seE2A>;
export type TypeEmbeddingConfig = z.output<typeof typeEmbedding>;
export type EnerFittingConfig = z.output<typeof ener>;

/**
 * `se_atten` (`dpa1`) with all keys; `se_atten_v2` is the same with `tebd_input_mode` "strip" and
 * `smooth_type_embedding` true, which stand here although its own section does not have them.
 */
export type SeAttenConfig = Omit<z.output<typeof seAtten>, "type" | "stripped_type_embedding"> & {
  type: "se_atten" | "se_atten_v2";
};

/** The `model` section: canonical keys in the spelling of the file, every default filled in. */
export type ModelConfig = Omit<CheckedModel, "descriptor" | "fitting_net"> & {
  /** Whose rules the numbers follow where DeePMD-kit's backends differ; no key of an input. */
  rules: Rules;
  descriptor: SeAttenConfig | SeE2AConfig;
  fitting_net: EnerFittingConfig;
};
