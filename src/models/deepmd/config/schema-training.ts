import { z } from "zod";
import {
  flag,
  leaf,
  listOf,
  nullable,
  oneOf,
  real,
  section,
  seed,
  text,
  variantError,
  whole,
} from "./schema-parts.js";

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1;
const isPositive = (value: unknown): boolean => Number.isFinite(value) && (value as number) > 0;
const isBatchRule = (value: unknown): boolean =>
  typeof value === "string" && /^(auto|(auto|max|filter|mixed):\d+)$/.test(value);

const data = {
  systems: leaf<string | string[]>(
    "a folder, or a list of system folders",
    (value) =>
      (typeof value === "string" && value !== "") ||
      (Array.isArray(value) &&
        value.length > 0 &&
        value.every((item) => typeof item === "string" && item !== "")),
  ),
  rglob_patterns: nullable(listOf(text, "a list of patterns"), "a list of patterns").default(null),
  batch_size: leaf<number | number[] | string>(
    'a number, a list with one number per system, "auto", "auto:N", "max:N" or "filter:N"',
    (value) =>
      isCount(value) ||
      isBatchRule(value) ||
      (Array.isArray(value) && value.length > 0 && value.every(isCount)),
  ).default("auto"),
  auto_prob: leaf<string>(
    '"prob_uniform", "prob_sys_size" or "prob_sys_size; a:b:weight; ..."',
    (value) => typeof value === "string" && /^prob_(uniform$|sys_size\s*(;|$))/.test(value),
  ).default("prob_sys_size"),
  sys_probs: nullable(listOf(real(), "a list of numbers"), "a list with one number per system").default(null),
};

const trainingData = section({ ...data, min_pair_dist: real({ least: 0 }).default(0) });
const validationData = section({ ...data, numb_btch: whole(1).default(1) });

const optionalNumber = nullable(real({ above: 0 }), "a number above 0").default(null);

/** The `training` section (deepmd.md 1.9). */
export const trainingSchema = section({
  training_data: trainingData,
  validation_data: validationData.nullable().default(null),
  stat_file: nullable(
    leaf<string>("a path", (value) => typeof value === "string" && value.trim() !== ""),
    "a path",
  ).default(null),
  stat_file_mode: oneOf("update", "read").default("update"),
  numb_steps: nullable(whole(1), "a whole number of at least 1").default(null),
  numb_epoch: optionalNumber,
  seed,
  disp_file: text.default("lcurve.out"),
  disp_freq: whole(1).default(1000),
  save_freq: whole(1).default(1000),
  save_dir: nullable(text, "a path").default(null),
  save_ckpt: text.default("model.ckpt"),
  max_ckpt_keep: whole(0).default(5),
  ckpt_keep_ratio: nullable(
    leaf<number>("a number between 0 and 1", (value) => isPositive(value) && (value as number) < 1),
    "a number between 0 and 1",
  ).default(null),
  enable_ema: flag.default(false),
  ema_decay: leaf<number>(
    "a number of at least 0 and below 1",
    (value) => Number.isFinite(value) && (value as number) >= 0 && (value as number) < 1,
  ).default(0.999),
  ema_ckpt_keep: nullable(whole(1), "a whole number of at least 1").default(null),
  change_bias_after_training: flag.default(false),
  disp_training: flag.default(true),
  time_training: flag.default(true),
  disp_avg: flag.default(false),
  profiling: flag.default(false),
  profiling_file: text.default("timeline.json"),
  enable_profiler: flag.default(false),
  tensorboard: flag.default(false),
  tensorboard_log_dir: text.default("log"),
  tensorboard_freq: whole(1).default(1),
  gradient_max_norm: optionalNumber,
  acc_freq: whole(1).default(1),
  zero_stage: whole(0).default(0),
  neighbor_graph_method: text.default("auto"),
  enable_compile: flag.default(false),
  enable_tf32: flag.default(false),
});

const commonRate = {
  start_lr: real({ above: 0 }).default(1e-3),
  stop_lr: nullable(real({ least: 0 }), "a number of at least 0").default(null),
  stop_lr_ratio: optionalNumber,
  warmup_steps: whole(0).default(0),
  warmup_ratio: nullable(real({ least: 0, most: 1 }), "a number from 0 to 1").default(null),
  warmup_start_factor: real({ least: 0 }).default(0),
  scale_by_worker: oneOf("linear", "sqrt", "none").default("linear"),
};

/** The `learning_rate` section (deepmd.md 1.7). */
export const learningRateSchema = z.discriminatedUnion(
  "type",
  [
    section({
      type: z.literal("exp"),
      ...commonRate,
      decay_steps: whole(1).default(5000),
      decay_rate: optionalNumber,
      smooth: flag.default(false),
    }),
    section({ type: z.literal("cosine"), ...commonRate }),
    section({
      type: z.literal("wsd"),
      ...commonRate,
      decay_phase_ratio: real({ above: 0, most: 1 }).default(0.1),
      decay_type: oneOf("inverse_linear", "cosine", "linear").default("inverse_linear"),
    }),
  ],
  variantError,
);

const pref = (value: number): z.ZodDefault<z.ZodType<number, number>> => real({ least: 0 }).default(value);
/** The `loss` section of type `ener` (deepmd.md 1.8). */
export const lossSchema = section({
  type: z.literal("ener"),
  start_pref_e: pref(0.02),
  limit_pref_e: pref(1),
  start_pref_f: pref(1000),
  limit_pref_f: pref(1),
  start_pref_v: pref(0),
  limit_pref_v: pref(0),
  start_pref_h: pref(0),
  limit_pref_h: pref(0),
  start_pref_ae: pref(0),
  limit_pref_ae: pref(0),
  start_pref_pf: pref(0),
  limit_pref_pf: pref(0),
  use_default_pf: flag.default(false),
  relative_f: optionalNumber,
  enable_atom_ener_coeff: flag.default(false),
  start_pref_gf: pref(0),
  limit_pref_gf: pref(0),
  numb_generalized_coord: whole(0).default(0),
  use_huber: flag.default(false),
  huber_delta: leaf<number | [number, number, number]>(
    "a number above 0, or three of them for energy, force, virial",
    (value) => isPositive(value) || (Array.isArray(value) && value.length === 3 && value.every(isPositive)),
  ).default(0.01),
  loss_func: oneOf("mse", "mae").default("mse"),
  f_use_norm: flag.default(false),
  intensive_ener_virial: flag.default(false),
});

const beta = (value: number): z.ZodDefault<z.ZodType<number, number>> =>
  real({ least: 0, most: 1 }).default(value);

/** The `optimizer` section. */
export const optimizerSchema = z.discriminatedUnion(
  "type",
  [
    section({
      type: z.literal("Adam"),
      adam_beta1: beta(0.9),
      adam_beta2: beta(0.999),
      weight_decay: real({ least: 0 }).default(0),
    }),
    section({
      type: z.literal("AdamW"),
      adam_beta1: beta(0.9),
      adam_beta2: beta(0.999),
      weight_decay: real({ least: 0 }).default(0),
    }),
  ],
  variantError,
);

/** The `validating` section; full validation itself is refused before the schema is asked. */
export const validatingSchema = section({
  full_validation: flag.default(false),
  ema_full_validation: flag.default(false),
  validation_freq: whole(1).default(5000),
  save_best: flag.default(true),
  save_best_dir: nullable(text, "a path").default(null),
  max_best_ckpt: whole(1).default(1),
  validation_metric: text.default("E:MAE"),
  full_val_file: text.default("val.log"),
  full_val_start: real({ least: 0 }).default(0.5),
  compiled_infer: flag.default(false),
  tf32_infer: flag.default(false),
  amp_infer: flag.default(false),
});

export type TrainingConfig = z.output<typeof trainingSchema>;
export type TrainingDataConfig = z.output<typeof trainingData>;
export type ValidationDataConfig = z.output<typeof validationData>;
export type LearningRateConfig = z.output<typeof learningRateSchema>;
export type EnerLossConfig = z.output<typeof lossSchema>;
export type OptimizerConfig = z.output<typeof optimizerSchema>;
export type ValidatingConfig = z.output<typeof validatingSchema>;
