import { BatchPlan, type RandomWord } from "../../data/deepmd-batches.js";
import { readDeepmdSystem } from "../../data/deepmd-npy.js";
import type { DeepmdReadOptions } from "../../data/deepmd-read-options.js";
import { eachDeepmdSystem } from "../../data/deepmd-open.js";
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

function readOptions({ fitting_net: fitting, type_map: typeMap }: ModelConfig): DeepmdReadOptions {
  return { typeMap: typeMap ?? undefined, fparam: fitting.numb_fparam, aparam: fitting.numb_aparam };
}

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

  /** Reads every system of folders. Errors: FILE, FORMAT, VALUE, CONFIG. */
  static load(
    section: TrainingDataConfig | ValidationDataConfig,
    model: ModelConfig,
    seed: number,
    purpose: "train" | "validation",
  ): DataSet {
    const folders = findDeepmdSystems(section.systems, section.rglob_patterns);
    const systems = folders.map((folder) => readDeepmdSystem(folder, readOptions(model)));
    return new DataSet(systems, section, seed, purpose);
  }

  /** The same of every kind of data: folders, `.lmdb`, and groups of `.hdf5` files. Errors: FILE, FORMAT, SHAPE, NUMERIC, VALUE, CONFIG. */
  static async open(
    section: TrainingDataConfig | ValidationDataConfig,
    model: ModelConfig,
    seed: number,
    purpose: "train" | "validation",
  ): Promise<DataSet> {
    const systems: DeepmdSystem[] = [];
    const each = eachDeepmdSystem(section.systems, readOptions(model), section.rglob_patterns);
    for await (const system of each) systems.push(system);
    return new DataSet(systems, section, seed, purpose);
  }

  /** The batch of update number `step` (from 0). */
  batch(step: number): LabelledBatch {
    const { system, frames } = this.plan.at(step);
    return labelledBatch(this.systems[system], frames);
  }

  /**
   * `count` batches of every system, drawn at random as DeePMD-kit's PyTorch backend does: what statistics are taken over. The
   * first ones of a file may be all of one kind.
   */
  *statisticsBatches(count: number): IterableIterator<{ system: DeepmdSystem; frames: Int32Array }> {
    for (const [k, system] of this.systems.entries()) yield { system, frames: this.plan.sample(k, count) };
  }
}
