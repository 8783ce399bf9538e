import { isObject } from "./parse-text.js";
import type { Json, JsonObject } from "./parse-text.js";
import { configError } from "./problems.js";

/**
 * Brings older inputs of DeePMD-kit to the present form, as DeePMD-kit does (deepmd.md 1.1): v0 (one flat section), v1
 * (`training.systems`), warm-up and optimiser keys inside `training`. `converted` names what was done.
 */
export function convertOldInput(input: JsonObject, name: string): { input: JsonObject; converted: string[] } {
  const converted: string[] = [];
  let current = input;
  if (!("model" in current) && ["sel_a", "filter_neuron", "use_smooth"].some((key) => key in current)) {
    current = fromVersion0(current);
    converted.push("the flat form of DeePMD-kit 0.x was converted");
  }
  const training = current.training;
  if (isObject(training)) {
    const section = { ...training };
    current = { ...current, training: section };
    if ("systems" in section) {
      current = fromVersion1(current, section, name);
      converted.push('"training.systems" and its companions were moved into "training.training_data"');
    }
    delete section.numb_test;
    current = moveWarmup(current, section, name);
    current = moveOptimizer(current, section);
    for (const key of ["training_data", "validation_data"]) {
      const data = section[key];
      if (isObject(data)) section[key] = without(data, ["set_prefix"]);
    }
  }
  return { input: current, converted };
}

function fromVersion0(flat: JsonObject): JsonObject {
  const descriptor: JsonObject = {
    type: "se_a",
    ...renamed(flat, { sel_a: "sel", filter_neuron: "neuron", n_axis_neuron: "axis_neuron" }),
    ...picked(flat, ["rcut", "rcut_smth", "axis_neuron", "seed", "type_one_side"]),
  };
  if ("rcut" in flat && !("rcut_smth" in flat)) descriptor.rcut_smth = flat.rcut;
  if ("resnet_dt" in flat && "filter_resnet_dt" in flat) descriptor.resnet_dt = flat.filter_resnet_dt;
  const fitting: JsonObject = {
    ...renamed(flat, {
      n_neuron: "neuron",
      fitting_neuron: "neuron",
      resnet_dt: "resnet_dt",
      fitting_resnet_dt: "resnet_dt",
    }),
    ...picked(flat, ["seed", "numb_fparam"]),
  };
  const rate: JsonObject = {
    type: "exp",
    ...picked(flat, ["decay_steps", "decay_rate", "start_lr", "stop_lr"]),
  };
  const loss = picked(
    flat,
    ["e", "f", "v", "ae", "pf"].flatMap((term) => [`start_pref_${term}`, `limit_pref_${term}`]),
  );
  const training = picked(flat, [
    "systems",
    "set_prefix",
    "batch_size",
    "sys_probs",
    "sys_weights",
    "auto_prob",
    "auto_prob_style",
    "stop_batch",
    "seed",
    "disp_file",
    "disp_freq",
    "save_freq",
    "save_ckpt",
    "disp_training",
    "time_training",
    "profiling",
    "profiling_file",
  ]);
  const model: JsonObject = { ...picked(flat, ["type_map"]), descriptor, fitting_net: fitting };
  return { model, learning_rate: rate, loss, training };
}

function fromVersion1(input: JsonObject, training: JsonObject, name: string): JsonObject {
  if ("training_data" in training) {
    throw configError(name, [
      'training: both "systems" (version 1) and "training_data" (version 2) are given; keep "training_data"',
    ]);
  }
  const keys = [
    "systems",
    "set_prefix",
    "batch_size",
    "sys_prob",
    "sys_probs",
    "sys_weights",
    "auto_prob",
    "auto_prob_style",
  ];
  const data = picked(training, keys);
  if ("sys_prob" in data) {
    data.sys_probs = data.sys_prob;
    delete data.sys_prob;
  }
  for (const key of [...keys, "load_ckpt"]) delete training[key];
  training.training_data = data;
  const rate = input.learning_rate;
  return isObject(rate) ? { ...input, learning_rate: stopRateOf(rate, training) } : input;
}

/** Version 1 gave the decay rate where version 2 wants the last learning rate. */
function stopRateOf(rate: JsonObject, training: JsonObject): JsonObject {
  const steps = training.stop_batch ?? training.numb_steps;
  const { decay_rate: decay, decay_steps: every = 5000, start_lr: start = 1e-3 } = rate;
  if (
    typeof decay !== "number" ||
    typeof steps !== "number" ||
    typeof every !== "number" ||
    typeof start !== "number"
  ) {
    return rate;
  }
  const stop = start * Math.exp((Math.log(decay) * steps) / every);
  return { ...without(rate, ["decay_rate"]), stop_lr: stop };
}

function moveWarmup(input: JsonObject, training: JsonObject, name: string): JsonObject {
  const keys = ["warmup_steps", "warmup_ratio", "warmup_start_factor"].filter((key) => key in training);
  if (keys.length === 0) return input;
  const rate = isObject(input.learning_rate) ? input.learning_rate : {};
  const both = keys.find((key) => key in rate);
  if (both !== undefined) {
    throw configError(name, [`training.${both}: also given as learning_rate.${both}; keep the latter`]);
  }
  const moved = picked(training, keys);
  for (const key of keys) delete training[key];
  return { ...input, learning_rate: { ...rate, ...moved } };
}

function moveOptimizer(input: JsonObject, training: JsonObject): JsonObject {
  const isOld = (key: string): boolean =>
    /^(opt_type|kf_.*|weight_decay|adam_beta[12]|momentum|muon_momentum|lr_adjust|lr_adjust_coeff)$/.test(
      key,
    );
  const keys = Object.keys(training).filter(isOld);
  if (keys.length === 0) return input;
  const { opt_type: type, ...moved } = picked(training, keys);
  for (const key of keys) delete training[key];
  const optimizer = isObject(input.optimizer) ? input.optimizer : {};
  return { ...input, optimizer: { ...optimizer, ...moved, ...(type === undefined ? {} : { type }) } };
}

function picked(from: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.filter((key) => key in from).map((key) => [key, from[key]]));
}

function renamed(from: JsonObject, names: Readonly<Record<string, string>>): JsonObject {
  const entries: [string, Json][] = Object.entries(names)
    .filter(([key]) => key in from)
    .map(([key, canonical]) => [canonical, from[key]]);
  return Object.fromEntries(entries);
}

function without(from: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(from).filter(([key]) => !keys.includes(key)));
}
