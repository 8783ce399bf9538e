import { BatchPlan, type RandomWord } from "../../data/deepmd-batches.js";
import { readDeepmdSystem } from "../../data/deepmd-npy.js";
import type { DeepmdSystem } from "../../data/deepmd-system.js";
import { findDeepmdSystems } from "../../data/deepmd-systems.js";
import type { ModelConfig } from "../../models/deepmd/config/schema-model.js";
import type { TrainingDataConfig, ValidationDataConfig } from "../../models/deepmd/config/schema-training.js";
import { philox4x32 } from "../../tensor/philox.js";
import { labelledBatch, type LabelledBatch } from "./labelled-batch.js";

const randomWord: RandomWord = (seed, stream, index) =>
  philox4x32(
    [index >>> 0, Math.floor(index / 2 ** 32) >>> 0, stream >>> 0, 0],
    [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0],
  )[0];

/** What statistics are taken over. */
export type StatisticsSource = Pick<DataSet, "statisticsBatches">;

/** The systems of one section of an input, and the batches drawn from them. */
export class DataSet {
  readonly plan: BatchPlan;

  private constructor(
    readonly systems: readonly DeepmdSystem[],
    section: TrainingDataConfig | ValidationDataConfig,
    seed: number,
    purpose: "train" | "validation",
  ) {
    this.plan = new BatchPlan(
      systems.map((system) => ({ name: system.name, frames: system.frameCount, atoms: system.atomCount })),
      {
        batchSize: section.batch_size,
        autoProb: section.auto_prob,
        sysProbs: section.sys_probs,
        seed,
        random: randomWord,
        purpose,
        where: purpose === "train" ? "training.training_data" : "training.validation_data",
      },
    );
  }

  /** Reads every system. Errors: FILE, FORMAT, VALUE, CONFIG. */
  static load(
    section: TrainingDataConfig | ValidationDataConfig,
    model: ModelConfig,
    seed: number,
    purpose: "train" | "validation",
  ): DataSet {
    const folders = findDeepmdSystems(section.systems, section.rglob_patterns);
    const { type_map: typeMap, fitting_net: fitting } = model;
    const options = {
      typeMap: typeMap ?? undefined,
      fparam: fitting.numb_fparam,
      aparam: fitting.numb_aparam,
    };
    const systems = folders.map((folder) => readDeepmdSystem(folder, options));
    return new DataSet(systems, section, seed, purpose);
  }

  /** The batch of update number `step` (from 0). */
  batch(step: number): LabelledBatch {
    const { system, frames } = this.plan.at(step);
    return labelledBatch(this.systems[system], frames);
  }

  /** The first `count` batches of every system, in file order: what statistics are taken over. */
  *statisticsBatches(count: number): IterableIterator<{ system: DeepmdSystem; frames: Int32Array }> {
    for (const [k, system] of this.systems.entries()) {
      const frames = Math.min(system.frameCount, count * this.plan.sizes[k]);
      yield { system, frames: Int32Array.from({ length: frames }, (_, f) => f) };
    }
  }
}
