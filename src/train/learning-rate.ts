import type { LearningRateConfig } from "../models/deepmd/config/schema-training.js";

/** The learning rate of update number `step`, counted from 0. */
export type LearningRateSchedule = (step: number) => number;

/** A rate that is not given ends here. */
const defaultStopRate = 5e-8;
/** An exponential decay towards 0 would be undefined; this is its floor. */
const leastStopRate = 1e-10;

/**
 * The schedule of a `learning_rate` section over `steps` updates (deepmd.md 1.7): linear warm-up, then exponential
 * decay in stairs, a cosine, or warm-up, stable, decay (wsd).
 */
export function learningRateSchedule(config: LearningRateConfig, steps: number): LearningRateSchedule {
  const start = config.start_lr;
  const stop =
    config.stop_lr ?? (config.stop_lr_ratio !== null ? start * config.stop_lr_ratio : defaultStopRate);
  const warmup = config.warmup_ratio !== null ? Math.floor(config.warmup_ratio * steps) : config.warmup_steps;
  const first = config.warmup_start_factor * start;
  const after = afterWarmup(config, start, stop, steps, steps - warmup);
  return (step) => (step < warmup ? first + ((start - first) * step) / warmup : after(step - warmup));
}

function afterWarmup(
  config: LearningRateConfig,
  start: number,
  stop: number,
  steps: number,
  length: number,
): LearningRateSchedule {
  if (config.type === "exp") return exponential(config, start, stop, length);
  if (config.type === "cosine") {
    const ratio = stop / start;
    return (t) => {
      if (t >= length) return stop;
      return start * (ratio + 0.5 * (1 - ratio) * (1 + Math.cos((Math.PI * t) / length)));
    };
  }
  const phase = Math.max(1, Math.min(Math.floor(config.decay_phase_ratio * steps), length));
  return (t) => {
    if (t >= length) return stop;
    const progress = Math.min(1, Math.max(0, (t - (length - phase)) / phase));
    return progress === 0 ? start : decayed(config.decay_type, start, stop, progress);
  };
}

function exponential(
  config: Extract<LearningRateConfig, { type: "exp" }>,
  start: number,
  stop: number,
  length: number,
): LearningRateSchedule {
  let every = config.decay_steps;
  if (config.decay_rate === null && every >= length) {
    every = Math.floor(length / 10) > 100 ? 100 : Math.floor(length / 100) + 1;
  }
  const natural =
    length > 0 ? Math.exp(Math.log(Math.max(stop, leastStopRate) / start) / (length / every)) : 1;
  const rate = config.decay_rate ?? natural;
  return (t) => Math.max(start * rate ** (config.smooth ? t / every : Math.floor(t / every)), stop);
}

function decayed(
  kind: "inverse_linear" | "cosine" | "linear",
  start: number,
  stop: number,
  progress: number,
): number {
  if (kind === "inverse_linear") return 1 / (progress / stop + (1 - progress) / start);
  if (kind === "cosine") return stop + (start - stop) * 0.5 * (1 + Math.cos(Math.PI * progress));
  return start + (stop - start) * progress;
}
