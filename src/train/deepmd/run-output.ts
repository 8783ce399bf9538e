import { removeStaleTemporariesSync, writeFileAtomicSync } from "../../data/atomic-write.js";
import { formatOutJson } from "../../models/deepmd/config/out-json.js";
import { encodeModel } from "../../models/deepmd/model-file.js";
import { hostArrays } from "../../models/deepmd/parameters.js";
import { learningRateSchedule } from "../learning-rate.js";
import { averagesPrefix, CheckpointFolder, checkpointsToKeep } from "./checkpoint.js";
import type { Errors } from "./energy-loss.js";
import { cutLcurve, Lcurve } from "./lcurve.js";
import { MetricsFile, type MetricsRow } from "./metrics-file.js";
import { makeCheckpointFolder } from "./output-places.js";
import { batchOf, type PreparedRun } from "./prepare-run.js";
import { RunningErrors } from "./running-errors.js";
import { TensorBoardFile } from "./tensorboard.js";
import { outJson } from "./train-options.js";
import { assertFiniteWeights } from "./trainer.js";

interface Files {
  readonly lcurve: Lcurve;
  readonly metrics: MetricsFile;
  readonly board: TensorBoardFile | undefined;
  readonly checkpoints: CheckpointFolder;
  readonly averaged: CheckpointFolder | undefined;
}

/** What the leading process of a training writes: the completed input, rows, curves, checkpoints. */
export class RunOutput {
  private constructor(
    private readonly run: PreparedRun,
    private readonly files: Files,
  ) {}

  /** Begins everything that is written; what stands there from an earlier run is replaced. Errors: FILE. */
  static async open(run: PreparedRun): Promise<RunOutput> {
    const { input, options, firstStep, loss, validation, averages, statistics } = run;
    makeCheckpointFolder(input.training);
    if (statistics?.isUsed === true) await statistics.save();
    const board = input.training.tensorboard
      ? new TensorBoardFile(input.training.tensorboard_log_dir)
      : undefined;
    writeFileAtomicSync(outJson(options), formatOutJson(input));
    const { save_ckpt: prefix, disp_file: path } = input.training;
    const checkpoints = checkpointFolder(run, prefix, false);
    const averaged = averages === undefined ? undefined : checkpointFolder(run, averagesPrefix(prefix), true);
    const restarting = options.restart !== undefined;
    if (restarting) cutLcurve(path, firstStep);
    return new RunOutput(run, {
      lcurve: new Lcurve(path, loss.columns, validation !== undefined, restarting),
      metrics: new MetricsFile(options.metrics, restarting ? firstStep : undefined),
      board,
      checkpoints,
      averaged,
    });
  }

  /** What is told of update number `step` (from 1); `recent`: the errors since the last row. */
  record(step: number, errors: Errors, recent: RunningErrors): void {
    const { tensorboard_freq: logEvery, disp_training: shown, disp_freq: every } = this.run.input.training;
    const isDue = (frequency: number): boolean => step === 1 || step % frequency === 0;
    if (isDue(logEvery)) this.files.board?.write(step, this.curves(step, errors));
    if (shown && isDue(every)) this.show(step, errors, recent);
  }

  /** Saves a checkpoint, and the averages where they are kept. Errors: NUMERIC for weights that are not finite. */
  async save(step: number): Promise<void> {
    const { input, model, minDistance, trainer, averages } = this.run;
    const { checkpoints, averaged } = this.files;
    const training = {
      step,
      optimizer: trainer.exportState(),
      averages: averages === undefined ? new Map() : hostArrays(await averages.exportState()),
      input: formatOutJson(input),
    };
    const weights = model.weights();
    if (step > 0) assertFiniteWeights(weights, step - 1, batchOf(this.run, step - 1));
    checkpoints.save(step, encodeModel({ config: input.model, weights, minDistance, training }));
    if (averages === undefined) return;
    const mean = await averages.withAverages(() => model.weights());
    averaged?.save(
      step,
      encodeModel({ config: input.model, weights: mean, minDistance, training: undefined }),
    );
  }

  close(): void {
    const { lcurve, metrics, board } = this.files;
    for (const file of [lcurve, metrics, board]) file?.close();
  }

  private rate(step: number): number {
    const { input, steps } = this.run;
    return learningRateSchedule(input.learning_rate, steps)(step - 1);
  }

  /** What TensorBoard shows of a step, by DeePMD-kit's tags. */
  private curves(step: number, errors: Errors): Record<string, number> {
    const { input, trainer } = this.run;
    const norm = input.training.gradient_max_norm === null ? {} : { "grad/total_norm": trainer.gradientNorm };
    const values = { lr: this.rate(step), loss: errors.rmse ** 2, ...errors, ...norm };
    return Object.fromEntries(Object.entries(values).map(([tag, value]) => [`Default/${tag}`, value]));
  }

  private show(step: number, errors: Errors, recent: RunningErrors): void {
    const { input, loss, options } = this.run;
    const row: MetricsRow = {
      step,
      lr: this.rate(step),
      training: input.training.disp_avg ? recent.take() : errors,
      validation: this.validate(step - 1),
      timed: input.training.time_training,
    };
    this.files.lcurve.write({ step, rate: row.lr, training: row.training, validation: row.validation });
    this.files.metrics.write(row, loss.columns);
    options.onRow?.(row);
  }

  /** Errors over `numb_btch` validation batches, averaged with the number of real atoms as weight. */
  private validate(step: number): Errors | undefined {
    const { validation, input, trainer } = this.run;
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

function checkpointFolder(
  { input: { training }, steps, firstStep }: PreparedRun,
  prefix: string,
  averages: boolean,
): CheckpointFolder {
  const folder = CheckpointFolder.folderOf(prefix, training.save_dir);
  removeStaleTemporariesSync(folder);
  const own = averages ? training.ema_ckpt_keep : null;
  const kept = own === null || training.ckpt_keep_ratio !== null ? checkpointsToKeep(training, steps) : own;
  return new CheckpointFolder(prefix, training.save_dir, kept, firstStep);
}
