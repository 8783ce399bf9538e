import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FileSpec, putSystem, waterFiles } from "../data/deepmd-folder.js";

/** What a test changes in the tiny training: whole sections are merged key by key. */
export interface TinyChanges {
  readonly descriptor?: object;
  readonly fitting?: object;
  readonly model?: object;
  readonly rate?: object;
  readonly loss?: object;
  readonly training?: object;
  /** Files of the system `water`; null leaves one out. */
  readonly files?: Record<string, FileSpec>;
}

/** The input of a se_atten training of 100 weights on three frames of water, all paths relative to its folder. */
export function tinyInput(changes: TinyChanges = {}): Record<string, unknown> {
  return {
    model: {
      type_map: ["O", "H"],
      descriptor: {
        type: "se_atten",
        sel: 4,
        rcut: 3,
        rcut_smth: 0.5,
        neuron: [2, 4],
        axis_neuron: 2,
        attn: 4,
        attn_layer: 1,
        smooth_type_embedding: true,
        seed: 1,
        ...changes.descriptor,
      },
      fitting_net: { neuron: [4, 4], seed: 1, ...changes.fitting },
      ...changes.model,
    },
    learning_rate: { type: "exp", start_lr: 1e-3, stop_lr: 1e-4, decay_steps: 10, ...changes.rate },
    loss: { type: "ener", ...changes.loss },
    training: {
      training_data: { systems: ["water"], batch_size: 1 },
      numb_steps: 5,
      seed: 3,
      disp_freq: 1,
      save_freq: 1,
      max_ckpt_keep: 3,
      save_ckpt: "model",
      ...changes.training,
    },
  };
}

/** Writes the system and `input.json` of the tiny training into a folder. */
export function putTinyTraining(folder: string, changes: TinyChanges = {}): void {
  putSystem(join(folder, "water"), { ...waterFiles(), ...changes.files });
  writeFileSync(join(folder, "input.json"), JSON.stringify(tinyInput(changes), null, 2));
}
