import { grad } from "../../autograd/grad.js";
import { Adam, AdamW } from "../../nn/optimizer.js";
import { globalNorm } from "../../nn/clip.js";
import type { OptimizerConfig } from "../../models/deepmd/config/schema-training.js";
import { graphOfFrames } from "../../models/deepmd/build-graph.js";
import type { EnergyModel } from "../../models/deepmd/energy-model.js";
import type { Weights } from "../../models/deepmd/parameters.js";
import { predict } from "../../models/deepmd/prediction.js";
import { AtomgradError } from "../../tensor/error.js";
import { scope } from "../../tensor/scope.js";
import { type Tensor, zeros } from "../../tensor/tensor.js";
import type { LearningRateSchedule } from "../learning-rate.js";
import type { Ranks } from "../ranks.js";
import { MasterWeights } from "./master-weights.js";
import type { EnergyLoss, Errors } from "./energy-loss.js";
import type { LabelledBatch } from "./labelled-batch.js";

export interface TrainerOptions {
  readonly model: EnergyModel;
  readonly loss: EnergyLoss;
  readonly rate: LearningRateSchedule;
  readonly startRate: number;
  readonly optimizer: OptimizerConfig;
  /** Clip the gradient to this norm; null: do not. */
  readonly maxNorm: number | null;
  /** Processes that train together: every update takes the mean of their gradients. */
  readonly ranks?: Ranks;
}

/** One update of an energy model per call, and evaluation with the same loss. */
export class EnergyTrainer {
  private readonly optimizer: Adam | AdamW;
  private readonly masters: MasterWeights;
  private readonly names: string[];
  private readonly variables: Tensor[];
  private norm = NaN;

  constructor(private readonly options: TrainerOptions) {
    const { model, optimizer } = options;
    const trainable = new Map([...model.parameters.tensors].filter(([name]) => isTrainable(model, name)));
    this.names = [...trainable.keys()];
    this.variables = [...trainable.values()];
    this.masters = new MasterWeights(model, trainable);
    const { adam_beta1: beta1, adam_beta2: beta2, weight_decay: weightDecay } = optimizer;
    const Optimizer = optimizer.type === "AdamW" ? AdamW : Adam;
    this.optimizer = new Optimizer(this.masters.instead(trainable), {
      ...{ beta1, beta2, weightDecay, eps: 1e-8 },
      epsilonHat: model.config.rules === "tf",
    });
  }

  /**
   * One update with batch number `step` (from 0); returns the errors before it.
   *
   * Errors: NUMERIC when the loss or the gradient is not finite; the parameters are left as they were.
   */
  update(step: number, batch: LabelledBatch): Errors {
    const { model, loss, rate, startRate, maxNorm } = this.options;
    return scope(() => {
      const graph = graphOfFrames(model, batch.system, batch.frames);
      const prediction = predict(model, graph, { createGraph: true, virial: loss.hasVirial });
      const { loss: value, errors } = loss.evaluate(
        prediction,
        batch,
        loss.prefactors(rate(step), startRate),
      );
      const before = errors();
      assertFinite(before.rmse, "loss", step, batch);
      // Nets of types that no atom of the batch has get gradients of 0, as in DeePMD-kit: their momentum goes on.
      const own = grad(value, this.variables, { allowUnused: true }).map(
        (g, k) => g ?? zeros(this.variables[k].shape, { dtype: this.variables[k].dtype }),
      );
      const grads = this.options.ranks?.mean(own) ?? own;
      const norm = globalNorm(grads);
      this.norm = norm;
      assertFinite(norm, "gradient", step, batch);
      this.optimizer.step(grads, rate(step), maxNorm !== null && norm > maxNorm ? maxNorm / norm : 1);
      this.masters.round();
      return before;
    });
  }

  /** Errors on a batch with the prefactors of `step`, without an update. */
  evaluate(step: number, batch: LabelledBatch): Errors {
    const { model, loss, rate, startRate } = this.options;
    return scope(() => {
      const graph = graphOfFrames(model, batch.system, batch.frames);
      const prediction = predict(model, graph, { createGraph: false, virial: loss.hasVirial });
      return loss.evaluate(prediction, batch, loss.prefactors(rate(step), startRate)).errors();
    });
  }

  /** Norm of the last update's gradient, before clipping. */
  get gradientNorm(): number {
    return this.norm;
  }

  /** Names of the trained parameters, in the optimiser's order. */
  get trained(): readonly string[] {
    return this.names;
  }

  /** What a restart needs beside the weights, exact. */
  exportState(): Map<string, Float64Array> {
    return new Map([...this.optimizer.exportState(), ...this.masters.exportState()]);
  }

  /** Goes on after `steps` updates. Errors: FORMAT for missing or misfit arrays. */
  importState(state: ReadonlyMap<string, Float64Array>, steps: number): void {
    this.optimizer.importState(state, steps);
    this.masters.importState(state);
  }

  dispose(): void {
    this.optimizer.dispose();
    this.masters.dispose();
  }
}

function isTrainable(model: EnergyModel, name: string): boolean {
  const { descriptor, fitting_net: fitting, type_embedding: types } = model.config;
  if (name.startsWith("descriptor.type_embedding.") && types !== null) return types.trainable;
  if (name.startsWith("descriptor.")) {
    if (name.includes(".attn_layer_norm.") && "trainable_ln" in descriptor && !descriptor.trainable_ln)
      return false;
    return descriptor.trainable;
  }
  if (typeof fitting.trainable === "boolean") return fitting.trainable;
  // TensorFlow freezes layer by layer; PyTorch all of them unless every entry is true.
  const layer = Number(/\.layers\.(\d+)\./.exec(name)?.[1]);
  return model.config.rules === "tf" ? fitting.trainable[layer] : fitting.trainable.every(Boolean);
}

/** Refuses weights that the update number `step` (from 0) on a batch broke. Errors: NUMERIC. */
export function assertFiniteWeights(weights: Weights, step: number, batch: LabelledBatch): void {
  for (const [name, { data }] of weights) {
    const bad = data.find((value) => !Number.isFinite(value));
    if (bad !== undefined) assertFinite(bad, `weight ${name}`, step, batch);
  }
}

function assertFinite(value: number, what: string, step: number, batch: LabelledBatch): void {
  if (Number.isFinite(value)) return;
  throw new AtomgradError(
    "NUMERIC",
    `training stopped at step ${step + 1}: the ${what} is ${value} for frames ${[...batch.frames].join(", ")} of ${batch.system.name}; ` +
      "check these frames' labels and overlaps, or lower learning_rate.start_lr (nothing was written after the last checkpoint)",
  );
}
