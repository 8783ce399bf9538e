import { basename } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { removeStaleTemporariesSync, writeFileAtomicSync } from "../../data/atomic-write.js";
import { readText } from "../../data/read-file.js";
import { type DeepmdInput, parseDeepmdInput } from "../../models/deepmd/config/deepmd-input.js";
import type { ModelConfig } from "../../models/deepmd/config/schema-model.js";
import { changeTypes } from "../../models/deepmd/change-types.js";
import type { Rules } from "../../models/deepmd/settings.js";
import { formatOutJson } from "../../models/deepmd/config/out-json.js";
import { EnergyModel } from "../../models/deepmd/energy-model.js";
import { encodeModel } from "../../models/deepmd/model-file.js";
import { hostArrays } from "../../models/deepmd/parameters.js";
import { openCpu } from "../../backends/cpu/cpu.js";
import { Ema } from "../../nn/ema.js";
import { AtomgradError } from "../../tensor/error.js";
import { learningRateSchedule } from "../learning-rate.js";
import { openRanks, type Ranks } from "../ranks.js";
import { changeBias } from "./change-bias.js";
import { assertTrainable } from "./check-data.js";
import { averagesPrefix, CheckpointFolder, checkpointsToKeep } from "./checkpoint.js";
import { EnergyLoss, type Errors } from "./energy-loss.js";
import { cutLcurve, Lcurve } from "./lcurve.js";
import type { LabelledBatch } from "./labelled-batch.js";
import { DataSet } from "./load-data.js";
import { MetricsFile, type MetricsRow } from "./metrics-file.js";
import { checkOutputs, makeCheckpointFolder } from "./output-places.js";
import { freshWeights, neighbourStatistics, resolveSel } from "./prepare-model.js";
import { RunningErrors } from "./running-errors.js";
import { StatisticsCache } from "./statistics-cache.js";
import {
  modelFrom,
  startingConfig,
  type StartingModel,
  startingPoint,
  type StartingPoint,
} from "./starting-point.js";
import { TensorBoardFile } from "./tensorboard.js";
import { assertFiniteWeights, EnergyTrainer } from "./trainer.js";

export interface TrainOptions extends StartingPoint {
  /** Whose rules a new model follows; default: TensorFlow's where the input has keys of its own, else PyTorch's. */
  rules?: Rules;
  skipNeighborStat?: boolean;
  /** JSON lines, one per displayed row, unrounded. */
  metrics?: string;
  /** Where the completed input goes (default out.json). */
  output?: string;
  /** Stops after the current step, saving a checkpoint. */
  signal?: AbortSignal;
  /** Everything is read and checked, and the first step comes next: until here a killed run leaves nothing behind. */
  onBegin?: () => void;
  onMessage?: (text: string) => void;
  onRow?: (row: MetricsRow) => void;
  /** After every step: updates done and in all. */
  onStep?: (done: number, total: number) => void;
}

export interface TrainResult {
  /** The newest checkpoint. */
  readonly model: string;
  readonly steps: number;
  readonly interrupted: boolean;
}

const largestInput = 1 << 24;

function outJson({ output }: TrainOptions): string {
  return output ?? "out.json";
}

/**
 * Trains what an `input.json` of DeePMD-kit says. Errors name the file and key; nothing is written, and
 * no earlier output replaced, before all is checked and the first step has gone well.
 *
 * Started by `mpirun`, the processes train together: each takes batches of its own, every update the mean of their gradients; the
 * first one writes.
 */
export async function trainDeepmd(inputPath: string, options: TrainOptions = {}): Promise<TrainResult> {
  const run = await TrainingRun.prepare(inputPath, options);
  try {
    options.onBegin?.();
    return await run.train();
  } finally {
    run.close();
  }
}

interface Parts {
  readonly input: DeepmdInput;
  readonly options: TrainOptions;
  readonly steps: number;
  readonly firstStep: number;
  readonly model: EnergyModel;
  readonly minDistance: number | null;
  readonly statistics: StatisticsCache | undefined;
  readonly trainer: EnergyTrainer;
  readonly averages: Ema | undefined;
  readonly loss: EnergyLoss;
  readonly training: DataSet;
  readonly validation: DataSet | undefined;
  readonly ranks: Ranks;
}

/** What the leading process writes while it trains. */
interface RunFiles {
  readonly lcurve: Lcurve;
  readonly metrics: MetricsFile;
  readonly board: TensorBoardFile | undefined;
  readonly checkpoints: CheckpointFolder;
  readonly averaged: CheckpointFolder | undefined;
}

/** The model before the first step: fresh, as a file has it, or fine-tuned to the data. */
function firstModel(
  config: ModelConfig,
  start: StartingModel | undefined,
  data: DataSet,
  seed: number,
  cache: StatisticsCache | undefined,
): EnergyModel {
  if (start === undefined) return new EnergyModel(config, freshWeights(config, data, seed, cache));
  if (start.kind !== "finetune") return modelFrom(config, start.weights, start.name);
  const old = start.config.type_map ?? [];
  const same = old.join(" ") === (config.type_map ?? []).join(" ");
  const weights = same
    ? start.weights
    : changeTypes(start.weights, old, config, freshWeights(config, data, seed, cache));
  const model = modelFrom(config, weights, start.name);
  changeBias(model, data);
  return model;
}

/** Errors about settings get to know which file these are from. */
async function namingInput<R>(name: string, prepare: () => Promise<R>): Promise<R> {
  try {
    return await prepare();
  } catch (error) {
    const isOfInput = error instanceof AtomgradError && error.code === "CONFIG";
    if (!isOfInput || error.message.startsWith("-")) throw error;
    throw new AtomgradError("CONFIG", `${name}: ${error.message}`, { cause: error });
  }
}

class TrainingRun {
  private constructor(private readonly parts: Parts) {}

  static async prepare(inputPath: string, options: TrainOptions): Promise<TrainingRun> {
    openCpu();
    const ranks = openRanks();
    const say = (ranks.rank === 0 ? options.onMessage : undefined) ?? (() => undefined);
    const name = basename(inputPath);
    const { input, notes } = parseDeepmdInput(readText(inputPath, largestInput), name, options.rules);
    for (const note of notes) say(`${name}: ${note}`);
    return namingInput(name, () => TrainingRun.of(input, options, ranks, say));
  }

  private static async of(
    input: DeepmdInput,
    options: TrainOptions,
    ranks: Ranks,
    say: (text: string) => void,
  ): Promise<TrainingRun> {
    if (ranks.rank === 0) checkOutputs(input.training, outJson(options), options.metrics);
    const seed = input.training.seed ?? 0;
    const start = await startingPoint(options, input.model.type_map ?? undefined);
    const asked =
      start === undefined
        ? input.model
        : startingConfig(input.model, start, options.usePretrainScript === true);
    const loss = new EnergyLoss(input.loss, asked.rules);
    const training = await DataSet.open(input.training.training_data, asked, seed, "train");
    const { validation_data: section } = input.training;
    const validation = section === null ? undefined : await DataSet.open(section, asked, seed, "validation");
    assertTrainable(training, asked, loss, options.skipNeighborStat !== true);
    if (validation !== undefined) assertTrainable(validation, asked, loss, false);
    const neighbours =
      options.skipNeighborStat === true
        ? undefined
        : neighbourStatistics(training, asked.descriptor.rcut, asked.type_map?.length ?? 0);
    const { model: config, warning } = resolveSel(asked, neighbours);
    if (warning !== undefined) say(`warning: ${warning}`);
    const steps =
      input.training.numb_steps ??
      Math.ceil(((input.training.numb_epoch ?? 1) * training.plan.batchesPerEpoch) / ranks.size);
    // Weights of a file stand with statistics of their own.
    const needed = start === undefined || start.kind === "finetune";
    const statistics = needed ? await StatisticsCache.open(input.training, config) : undefined;
    const model = firstModel(config, start, training, seed, statistics);
    if (statistics?.isUsed === true) say(statistics.note);
    const trainer = new EnergyTrainer({
      model,
      loss,
      rate: learningRateSchedule(input.learning_rate, steps),
      startRate: input.learning_rate.start_lr,
      optimizer: input.optimizer,
      maxNorm: input.training.gradient_max_norm,
      ranks,
    });
    const state = options.restart === undefined ? undefined : start?.training;
    if (state !== undefined) trainer.importState(state.optimizer, state.step);
    const { enable_ema: averaged, ema_decay: decay } = input.training;
    const averages = averaged ? new Ema(model.parameters.tensors, decay) : undefined;
    if (averages !== undefined && state !== undefined && state.averages.size > 0)
      averages.loadState(state.averages);
    return new TrainingRun({
      input: { ...input, model: config },
      options,
      steps,
      firstStep: state?.step ?? 0,
      model,
      minDistance: neighbours?.minDistance ?? start?.minDistance ?? null,
      statistics,
      trainer,
      averages,
      loss,
      training,
      validation,
      ranks,
    });
  }

  async train(): Promise<TrainResult> {
    const { input, options, steps, firstStep, ranks } = this.parts;
    const leads = ranks.rank === 0;
    let files: RunFiles | undefined;
    let step = firstStep;
    let saved = -1;
    try {
      const recent = new RunningErrors();
      while (step < steps && !ranks.any(options.signal?.aborted === true)) {
        const errors = this.update(step, recent);
        step++;
        // What stands there from an earlier run is replaced only now, when a step has gone well.
        if (leads) {
          files ??= await this.openFiles();
          this.record(files, step, errors, recent);
          if (step % input.training.save_freq === 0) saved = await this.save(files, step);
          options.onStep?.(step, steps);
        }
        // Without this turn of the event loop signals and progress would never be seen.
        await nextTurn();
      }
      if (step === steps && steps > firstStep && input.training.change_bias_after_training) {
        changeBias(this.parts.model, this.parts.training);
        saved = -1;
      }
      if (leads && saved !== step) await this.save((files ??= await this.openFiles()), step);
    } finally {
      for (const file of [files?.lcurve, files?.metrics, files?.board]) file?.close();
    }
    const model = CheckpointFolder.pathOf(input.training.save_ckpt, input.training.save_dir, step);
    return { model, steps: step, interrupted: step < steps };
  }

  close(): void {
    const { trainer, averages, model } = this.parts;
    trainer.dispose();
    averages?.dispose();
    model.dispose();
  }

  private update(step: number, recent: RunningErrors): Errors {
    const { trainer, averages, input } = this.parts;
    const errors = trainer.update(step, this.batch(step));
    averages?.update();
    if (input.training.disp_avg) recent.add(errors);
    return errors;
  }

  /** Batch of the update number `step` (from 0): the processes take the batches of a run in turn. */
  private batch(step: number): LabelledBatch {
    const { training, ranks } = this.parts;
    return training.batch(step * ranks.size + ranks.rank);
  }

  /** Begins everything that the run writes. Errors: FILE. */
  private async openFiles(): Promise<RunFiles> {
    const { input, options, firstStep, loss, validation, averages, statistics } = this.parts;
    makeCheckpointFolder(input.training);
    if (statistics?.isUsed === true) await statistics.save();
    const board = input.training.tensorboard
      ? new TensorBoardFile(input.training.tensorboard_log_dir)
      : undefined;
    writeFileAtomicSync(outJson(options), formatOutJson(input));
    const { save_ckpt: prefix, disp_file: path } = input.training;
    const checkpoints = this.checkpoints(prefix, false);
    const averaged = averages === undefined ? undefined : this.checkpoints(averagesPrefix(prefix), true);
    const restarting = options.restart !== undefined;
    if (restarting) cutLcurve(path, firstStep);
    return {
      lcurve: new Lcurve(path, loss.columns, validation !== undefined, restarting),
      metrics: new MetricsFile(options.metrics, restarting ? firstStep : undefined),
      board,
      checkpoints,
      averaged,
    };
  }

  private record(files: RunFiles, step: number, errors: Errors, recent: RunningErrors): void {
    const { board, lcurve, metrics } = files;
    const { tensorboard_freq: logEvery } = this.parts.input.training;
    if (board !== undefined && (step === 1 || step % logEvery === 0))
      board.write(step, this.curves(step, errors));
    if (this.isShown(step)) this.show(step, errors, recent, lcurve, metrics);
  }

  /** What TensorBoard shows of a step, by DeePMD-kit's tags. */
  private curves(step: number, errors: Errors): Record<string, number> {
    const { input, steps, trainer } = this.parts;
    const norm = input.training.gradient_max_norm === null ? {} : { "grad/total_norm": trainer.gradientNorm };
    const lr = learningRateSchedule(input.learning_rate, steps)(step - 1);
    const values = { lr, loss: errors.rmse ** 2, ...errors, ...norm };
    return Object.fromEntries(Object.entries(values).map(([tag, value]) => [`Default/${tag}`, value]));
  }

  private isShown(step: number): boolean {
    const { disp_training: shown, disp_freq: every } = this.parts.input.training;
    return shown && (step === 1 || step % every === 0);
  }

  private show(
    step: number,
    errors: Errors,
    recent: RunningErrors,
    lcurve: Lcurve,
    metrics: MetricsFile,
  ): void {
    const { input, steps, loss, options } = this.parts;
    const row: MetricsRow = {
      step,
      lr: learningRateSchedule(input.learning_rate, steps)(step - 1),
      training: input.training.disp_avg ? recent.take() : errors,
      validation: this.validate(step - 1),
      timed: input.training.time_training,
    };
    lcurve.write({ step, rate: row.lr, training: row.training, validation: row.validation });
    metrics.write(row, loss.columns);
    options.onRow?.(row);
  }

  private checkpoints(prefix: string, averages: boolean): CheckpointFolder {
    const { training } = this.parts.input;
    const folder = CheckpointFolder.folderOf(prefix, training.save_dir);
    removeStaleTemporariesSync(folder);
    const own = averages ? training.ema_ckpt_keep : null;
    const kept =
      own === null || training.ckpt_keep_ratio !== null ? checkpointsToKeep(training, this.parts.steps) : own;
    return new CheckpointFolder(prefix, training.save_dir, kept, this.parts.firstStep);
  }

  /** Saves a checkpoint, and the averages where they are kept; returns the step. */
  private async save({ checkpoints, averaged }: RunFiles, step: number): Promise<number> {
    const { input, model, minDistance, trainer, averages } = this.parts;
    const training = {
      step,
      optimizer: trainer.exportState(),
      averages: averages === undefined ? new Map() : hostArrays(await averages.exportState()),
      input: formatOutJson(input),
    };
    const weights = model.weights();
    if (step > 0) assertFiniteWeights(weights, step - 1, this.batch(step - 1));
    checkpoints.save(step, encodeModel({ config: input.model, weights, minDistance, training }));
    if (averaged !== undefined) await this.saveAverages(averaged, step);
    return step;
  }

  private async saveAverages(checkpoints: CheckpointFolder, step: number): Promise<void> {
    const { input, model, minDistance, averages } = this.parts;
    const weights = await averages!.withAverages(() => model.weights());
    checkpoints.save(step, encodeModel({ config: input.model, weights, minDistance, training: undefined }));
  }

  /** Errors over `numb_btch` validation batches, averaged with the number of real atoms as weight. */
  private validate(step: number): Errors | undefined {
    const { validation, input, trainer } = this.parts;
    if (validation === undefined) return undefined;
    const count = input.training.validation_data?.numb_btch ?? 1;
    const mean = new RunningErrors();
    for (let k = 0; k < count; k++) {
      const batch = validation.batch(step * count + k);
      const atoms = batch.realAtoms.reduce((a, b) => a + b, 0);
      mean.add(trainer.evaluate(step, batch), atoms);
    }
    return mean.take();
  }
}
