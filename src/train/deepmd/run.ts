import { mkdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { removeStaleTemporariesSync, writeFileAtomicSync } from "../../data/atomic-write.js";
import { readText } from "../../data/read-file.js";
import { type DeepmdInput, parseDeepmdInput } from "../../models/deepmd/config/deepmd-input.js";
import { formatOutJson } from "../../models/deepmd/config/out-json.js";
import { EnergyModel } from "../../models/deepmd/energy-model.js";
import { encodeModel, type ModelFile, readModel } from "../../models/deepmd/model-file.js";
import { openCpu } from "../../backends/cpu/cpu.js";
import { AtomgradError } from "../../tensor/error.js";
import { learningRateSchedule } from "../learning-rate.js";
import { CheckpointFolder } from "./checkpoint.js";
import { EnergyLoss, type Errors } from "./energy-loss.js";
import { cutLcurve, Lcurve } from "./lcurve.js";
import { DataSet } from "./load-data.js";
import { MetricsFile, type MetricsRow } from "./metrics-file.js";
import { freshWeights, neighbourStatistics, resolveSel } from "./prepare-model.js";
import { EnergyTrainer } from "./trainer.js";

export interface TrainOptions {
  /** Weights to start from; a new learning-rate schedule. */
  initModel?: string;
  /** A checkpoint to go on from: step, optimiser and schedule too. */
  restart?: string;
  skipNeighborStat?: boolean;
  /** JSON lines, one per displayed row, unrounded. */
  metrics?: string;
  /** Where the completed input goes (default out.json). */
  output?: string;
  /** Stops after the current step, saving a checkpoint. */
  signal?: AbortSignal;
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

/** Trains what an `input.json` of DeePMD-kit says. Errors name the file and key; nothing is written before all is checked. */
export async function trainDeepmd(inputPath: string, options: TrainOptions = {}): Promise<TrainResult> {
  const run = await TrainingRun.prepare(inputPath, options);
  try {
    return await run.train();
  } finally {
    run.close();
  }
}

class TrainingRun {
  private constructor(
    private readonly input: DeepmdInput,
    private readonly options: TrainOptions,
    private readonly steps: number,
    private readonly firstStep: number,
    private readonly model: EnergyModel,
    private readonly minDistance: number | null,
    private readonly trainer: EnergyTrainer,
    private readonly loss: EnergyLoss,
    private readonly training: DataSet,
    private readonly validation: DataSet | undefined,
  ) {}

  static async prepare(inputPath: string, options: TrainOptions): Promise<TrainingRun> {
    openCpu();
    const say = options.onMessage ?? (() => undefined);
    const name = basename(inputPath);
    const { input, notes } = parseDeepmdInput(readText(inputPath, largestInput), name);
    for (const note of notes) say(`${name}: ${note}`);
    const seed = input.training.seed ?? 0;
    const loss = new EnergyLoss(input.loss);
    const start = await startingPoint(options);
    const training = DataSet.load(input.training.training_data, input.model.type_map, seed, "train");
    const { validation_data: section } = input.training;
    const validation =
      section === null ? undefined : DataSet.load(section, input.model.type_map, seed, "validation");
    const neighbours =
      options.skipNeighborStat === true
        ? undefined
        : neighbourStatistics(training, input.model.descriptor.rcut);
    const { model: config, warning } = resolveSel(start?.config ?? input.model, neighbours);
    if (warning !== undefined) say(`warning: ${warning}`);
    const steps =
      input.training.numb_steps ??
      Math.ceil((input.training.numb_epoch ?? 1) * training.plan.batchesPerEpoch);
    const model = new EnergyModel(config, start?.weights ?? freshWeights(config, training, seed));
    const trainer = new EnergyTrainer({
      model,
      loss,
      rate: learningRateSchedule(input.learning_rate, steps),
      startRate: input.learning_rate.start_lr,
      optimizer: input.optimizer,
      maxNorm: input.training.gradient_max_norm,
    });
    const state = options.restart === undefined ? undefined : start?.training;
    if (state !== undefined) trainer.optimizer.importState(state.optimizer, state.step);
    const minDistance = neighbours?.minDistance ?? start?.minDistance ?? null;
    const complete = { ...input, model: config };
    writeFileAtomicSync(options.output ?? "out.json", formatOutJson(complete));
    return new TrainingRun(
      complete,
      options,
      steps,
      state?.step ?? 0,
      model,
      minDistance,
      trainer,
      loss,
      training,
      validation,
    );
  }

  async train(): Promise<TrainResult> {
    const { training: settings, learning_rate: rateConfig } = this.input;
    const rate = learningRateSchedule(rateConfig, this.steps);
    const checkpoints = this.checkpoints();
    const restarting = this.options.restart !== undefined;
    if (restarting) cutLcurve(settings.disp_file, this.firstStep);
    const lcurve = new Lcurve(
      settings.disp_file,
      this.loss.columns,
      this.validation !== undefined,
      restarting,
    );
    const metrics = new MetricsFile(this.options.metrics);
    let step = this.firstStep;
    let saved = -1;
    try {
      while (step < this.steps && this.options.signal?.aborted !== true) {
        const errors = this.trainer.update(step, this.training.batch(step));
        step++;
        if (step === 1 || step % settings.disp_freq === 0) {
          const row = { step, lr: rate(step - 1), training: errors, validation: this.validate(step - 1) };
          lcurve.write({
            step,
            rate: row.lr,
            training: { ...row.training },
            validation: row.validation && { ...row.validation },
          });
          metrics.write(row, this.loss.columns);
          this.options.onRow?.(row);
        }
        if (step % settings.save_freq === 0) saved = this.save(checkpoints, step);
        this.options.onStep?.(step, this.steps);
        // Without this turn of the event loop signals and progress would never be seen.
        await nextTurn();
      }
      if (saved !== step) this.save(checkpoints, step);
    } finally {
      lcurve.close();
      metrics.close();
    }
    return { model: checkpoints.path(step), steps: step, interrupted: step < this.steps };
  }

  close(): void {
    this.trainer.dispose();
    this.model.dispose();
  }

  private checkpoints(): CheckpointFolder {
    const { save_ckpt: prefix, max_ckpt_keep: keep } = this.input.training;
    const folder = dirname(prefix);
    try {
      mkdirSync(folder, { recursive: true });
    } catch (cause) {
      throw new AtomgradError("FILE", `${basename(folder)}: cannot be created for training.save_ckpt`, {
        cause,
      });
    }
    removeStaleTemporariesSync(folder);
    return new CheckpointFolder(prefix, keep);
  }

  private save(checkpoints: CheckpointFolder, step: number): number {
    const file: ModelFile = {
      config: this.input.model,
      weights: this.model.weights(),
      minDistance: this.minDistance,
      training: { step, optimizer: this.trainer.optimizer.exportState(), input: formatOutJson(this.input) },
    };
    checkpoints.save(step, encodeModel(file));
    return step;
  }

  /** Errors over `numb_btch` validation batches, averaged with the number of atoms as weight. */
  private validate(step: number): Errors | undefined {
    if (this.validation === undefined) return undefined;
    const count = this.input.training.validation_data?.numb_btch ?? 1;
    const totals: Record<keyof Errors, number> = { rmse: 0, rmse_e: 0, rmse_f: 0, rmse_v: 0 };
    let weight = 0;
    for (let k = 0; k < count; k++) {
      const batch = this.validation.batch(step * count + k);
      const errors = this.trainer.evaluate(step, batch);
      const atoms = batch.system.atomCount;
      weight += atoms;
      for (const key of Object.keys(totals) as (keyof Errors)[]) totals[key] += errors[key] * atoms;
    }
    for (const key of Object.keys(totals) as (keyof Errors)[]) totals[key] /= weight;
    return totals;
  }
}

async function startingPoint({ initModel, restart }: TrainOptions): Promise<ModelFile | undefined> {
  const path = restart ?? initModel;
  if (path === undefined) return undefined;
  const file = await readModel(path);
  if (restart !== undefined && file.training === undefined)
    throw new AtomgradError(
      "FORMAT",
      `${basename(path)}: holds no optimiser state to restart from; use --init-model to start from its weights`,
    );
  return file;
}
