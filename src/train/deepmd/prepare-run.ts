import { basename } from "node:path";
import { openCpu } from "../../backends/cpu/cpu.js";
import { readText } from "../../data/read-file.js";
import { changeTypes } from "../../models/deepmd/change-types.js";
import { type DeepmdInput, parseDeepmdInput } from "../../models/deepmd/config/deepmd-input.js";
import type { ModelConfig } from "../../models/deepmd/config/schema-model.js";
import { EnergyModel } from "../../models/deepmd/energy-model.js";
import { Ema } from "../../nn/ema.js";
import { AtomgradError } from "../../tensor/error.js";
import { learningRateSchedule } from "../learning-rate.js";
import { openRanks, type Ranks } from "../ranks.js";
import { changeBias } from "./change-bias.js";
import { assertTrainable } from "./check-data.js";
import { EnergyLoss } from "./energy-loss.js";
import type { LabelledBatch } from "./labelled-batch.js";
import { DataSet } from "./load-data.js";
import { checkOutputs } from "./output-places.js";
import { freshWeights, neighbourStatistics, resolveSel } from "./prepare-model.js";
import { modelFrom, startingConfig, type StartingModel, startingPoint } from "./starting-point.js";
import { StatisticsCache } from "./statistics-cache.js";
import { outJson, type TrainOptions } from "./train-options.js";
import { EnergyTrainer } from "./trainer.js";

/** Everything that a training works with. */
export interface PreparedRun {
  /** With the model section as it is trained: `sel` resolved, and that of a file where it counts. */
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

/** Batch of the update number `step` (from 0): the processes take the batches of a run in turn. */
export function batchOf(
  { training, ranks }: Pick<PreparedRun, "training" | "ranks">,
  step: number,
): LabelledBatch {
  return training.batch(step * ranks.size + ranks.rank);
}

type Say = (text: string) => void;

/** Reads and checks all that a training needs and makes its model; writes nothing. Errors name the file and key. */
export async function prepareRun(inputPath: string, options: TrainOptions): Promise<PreparedRun> {
  openCpu();
  const ranks = openRanks();
  const say = (ranks.rank === 0 ? options.onMessage : undefined) ?? (() => undefined);
  const name = basename(inputPath);
  const { input, notes } = parseDeepmdInput(readText(inputPath, largestInput), name, options.rules);
  for (const note of notes) say(`${name}: ${note}`);
  return namingInput(name, () => prepared(input, options, ranks, say));
}

const largestInput = 1 << 24;

const seedOf = ({ training }: DeepmdInput): number => training.seed ?? 0;

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

async function prepared(
  input: DeepmdInput,
  options: TrainOptions,
  ranks: Ranks,
  say: Say,
): Promise<PreparedRun> {
  if (ranks.rank === 0) checkOutputs(input.training, outJson(options), options.metrics);
  const start = await startingPoint(options, input.model.type_map ?? undefined);
  const asked =
    start === undefined
      ? input.model
      : startingConfig(input.model, start, options.usePretrainScript === true);
  const loss = new EnergyLoss(input.loss, asked.rules);
  const data = await openData(input, asked, loss, options);
  const { training } = data;
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
  const model = firstModel(config, start, training, seedOf(input), statistics);
  if (statistics?.isUsed === true) say(statistics.note);
  const state = options.restart === undefined ? undefined : start?.training;
  return {
    ...updating(input, model, loss, steps, ranks, state),
    ...data,
    input: { ...input, model: config },
    options,
    steps,
    firstStep: state?.step ?? 0,
    model,
    minDistance: neighbours?.minDistance ?? start?.minDistance ?? null,
    statistics,
    loss,
    ranks,
  };
}

/** The data of the input, checked for what the loss needs of them. */
async function openData(
  input: DeepmdInput,
  model: ModelConfig,
  loss: EnergyLoss,
  { skipNeighborStat }: TrainOptions,
): Promise<Pick<PreparedRun, "training" | "validation">> {
  const { training_data: section, validation_data: other } = input.training;
  const seed = seedOf(input);
  const training = await DataSet.open(section, model, seed, "train");
  const validation = other === null ? undefined : await DataSet.open(other, model, seed, "validation");
  assertTrainable(training, model, loss, skipNeighborStat !== true);
  if (validation !== undefined) assertTrainable(validation, model, loss, false);
  return { training, validation };
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

/** What changes the weights, and their averages; from where a checkpoint left them. */
function updating(
  { learning_rate: rate, optimizer, training }: DeepmdInput,
  model: EnergyModel,
  loss: EnergyLoss,
  steps: number,
  ranks: Ranks,
  state: StartingModel["training"],
): Pick<PreparedRun, "trainer" | "averages"> {
  const trainer = new EnergyTrainer({
    model,
    loss,
    rate: learningRateSchedule(rate, steps),
    startRate: rate.start_lr,
    optimizer,
    maxNorm: training.gradient_max_norm,
    ranks,
  });
  if (state !== undefined) trainer.importState(state.optimizer, state.step);
  const averages = training.enable_ema ? new Ema(model.parameters.tensors, training.ema_decay) : undefined;
  if (state !== undefined && state.averages.size > 0) averages?.loadState(state.averages);
  return { trainer, averages };
}
