import type { CheckedModel } from "./schema-model.js";
import type { LearningRateConfig, TrainingConfig } from "./schema-training.js";

/** What the keys of the `model` section must fulfil together; each line names a path. */
export function modelProblems(model: CheckedModel): string[] {
  const { descriptor, fitting_net: fitting, type_map: typeMap } = model;
  const lines: string[] = [];
  const say = (path: string, what: string): number => lines.push(`model.${path}: ${what}`);
  if (typeMap !== null) {
    const twice = typeMap.find((type, k) => typeMap.indexOf(type) !== k);
    if (twice !== undefined) say("type_map", `"${twice}" stands there twice; name each type once`);
    if (typeMap.length === 0) say("type_map", "is empty; name at least one type");
  } else if (descriptor.type !== "se_e2_a" || typeof descriptor.sel === "string") {
    say("type_map", 'is missing; list the names of all types, such as ["O", "H"]');
  }
  const types = typeMap?.length ?? (Array.isArray(descriptor.sel) ? descriptor.sel.length : 0);
  checkDescriptor(descriptor, types, say);
  checkFitting(fitting, types, say);
  const outside = (type: number): boolean => type >= types;
  if (model.atom_exclude_types.some(outside)) say("atom_exclude_types", unknownType(types));
  if (model.pair_exclude_types.flat().some(outside)) say("pair_exclude_types", unknownType(types));
  const preset = model.preset_out_bias?.energy;
  if (preset !== undefined && preset.length !== types) {
    say(
      "preset_out_bias.energy",
      `${preset.length} entries; ${types} are needed, one per type (null: from the data)`,
    );
  }
  return lines;
}

function unknownType(types: number): string {
  return `names a type that does not exist; types are numbered 0 to ${types - 1}`;
}

function checkDescriptor(
  descriptor: CheckedModel["descriptor"],
  types: number,
  say: (path: string, what: string) => void,
): void {
  const { rcut, rcut_smth: smooth, neuron, axis_neuron: axis, sel } = descriptor;
  if (smooth >= rcut) say("descriptor.rcut_smth", `found ${smooth}; allowed: a number below rcut (${rcut})`);
  const width = neuron[neuron.length - 1];
  if (axis > width) {
    say("descriptor.axis_neuron", `found ${axis}; allowed: at most the last entry of neuron (${width})`);
  }
  if (descriptor.exclude_types.flat().some((type) => type >= types)) {
    say("descriptor.exclude_types", unknownType(types));
  }
  if (descriptor.type === "se_e2_a" && Array.isArray(sel) && sel.length !== types) {
    say("descriptor.sel", `${sel.length} entries; ${types} are needed, one per type of type_map`);
  }
  if (Array.isArray(sel) && sel.every((count) => count === 0)) {
    say("descriptor.sel", "is zero for every type; give the largest number of neighbours");
  }
}

function checkFitting(
  fitting: CheckedModel["fitting_net"],
  types: number,
  say: (path: string, what: string) => void,
): void {
  const { atom_ener: atomEner, default_fparam: fparam, numb_fparam: count, neuron, trainable } = fitting;
  if (atomEner.length > types) say("fitting_net.atom_ener", `${atomEner.length} entries for ${types} types`);
  if (fparam !== null && fparam.length !== count) {
    say("fitting_net.default_fparam", `${fparam.length} numbers; numb_fparam asks for ${count}`);
  }
  if (Array.isArray(trainable) && trainable.length !== neuron.length + 1) {
    say(
      "fitting_net.trainable",
      `${trainable.length} entries; ${neuron.length + 1} are needed, one per layer`,
    );
  }
}

/** What the keys of `training` and `learning_rate` must fulfil together. */
export function trainingProblems(training: TrainingConfig, rate: LearningRateConfig): string[] {
  const lines: string[] = [];
  const { numb_steps: steps, numb_epoch: epochs } = training;
  if (steps === null && epochs === null)
    lines.push("training.numb_steps: is missing; give it, or numb_epoch");
  if (steps !== null && epochs !== null)
    lines.push("training: numb_steps and numb_epoch exclude each other; keep one");
  if (training.stat_file === null && training.stat_file_mode === "read")
    lines.push('training.stat_file: is missing; stat_file_mode "read" needs it');
  if (rate.stop_lr !== null && rate.stop_lr_ratio !== null) {
    lines.push("learning_rate: stop_lr and stop_lr_ratio exclude each other; keep one");
  }
  if (rate.warmup_steps > 0 && rate.warmup_ratio !== null) {
    lines.push("learning_rate: warmup_steps and warmup_ratio exclude each other; keep one");
  }
  if (steps !== null && rate.warmup_steps >= steps) {
    lines.push(
      `learning_rate.warmup_steps: found ${rate.warmup_steps}; allowed: less than numb_steps (${steps})`,
    );
  }
  return lines;
}
