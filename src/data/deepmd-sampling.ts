import { AtomgradError } from "../tensor/error.js";

/** What batching needs to know of a system. */
export interface SystemSize {
  readonly frames: number;
  /** Atoms per frame, virtual ones included. */
  readonly atoms: number;
}

/** `batch_size` of an input (deepmd.md 1.9): a number, one number per system, or "auto[:N]", "max:N", "filter:N". */
export type BatchSizeRule = number | readonly number[] | string;

/**
 * Frames per batch of every system. 0: the system is left out ("filter:N" drops systems of more than N atoms).
 *
 * @param where the section of the input, for messages
 * @throws AtomgradError CONFIG for a rule that means nothing or leaves no system
 */
export function batchSizes(
  rule: BatchSizeRule,
  systems: readonly SystemSize[],
  where = "training_data",
): Int32Array {
  const key = `${where}.batch_size`;
  if (typeof rule === "string") return sizesByRule(rule, systems, key);
  const sizes = typeof rule === "number" ? systems.map(() => rule) : rule;
  if (sizes.length !== systems.length) {
    throw new AtomgradError(
      "CONFIG",
      `${key}: ${sizes.length} numbers for ${systems.length} systems; give one for each`,
    );
  }
  sizes.forEach((size, k) => {
    if (Number.isInteger(size) && size > 0) return;
    const place = typeof rule === "number" ? key : `${key}[${k}]`;
    throw new AtomgradError("CONFIG", `${place}: found ${size}; a whole number of at least 1 is needed`);
  });
  return Int32Array.from(sizes);
}

function sizesByRule(rule: string, systems: readonly SystemSize[], key: string): Int32Array {
  const [, name, digits] = /^(auto|max|filter)(?::(\d{1,9}))?$/.exec(rule) ?? [];
  const limit = digits === undefined ? (name === "auto" ? 32 : 0) : Number(digits);
  if (limit < 1) {
    const mixed = rule.startsWith("mixed")
      ? " (batches across systems are not made here: put the systems into one of mixed types with `atomgrad convert --to deepmd-mixed`)"
      : "";
    throw new AtomgradError(
      "CONFIG",
      `${key}: found ${JSON.stringify(rule)}${mixed}; allowed: a number, a list, "auto", "auto:N", "max:N" or "filter:N"`,
    );
  }
  const sizes = Int32Array.from(systems, ({ atoms }) => {
    if (name === "auto") return Math.ceil(limit / atoms);
    if (name === "filter" && atoms > limit) return 0;
    return Math.max(1, Math.floor(limit / atoms));
  });
  if (sizes.every((size) => size === 0)) {
    throw new AtomgradError(
      "CONFIG",
      `${key}: ${JSON.stringify(rule)} leaves no system: all have more than ${limit} atoms`,
    );
  }
  return sizes;
}

/** Batches one pass over a system takes; the last one may be short. */
export function batchCounts(systems: readonly SystemSize[], sizes: ArrayLike<number>): Int32Array {
  return Int32Array.from(systems, ({ frames }, k) => (sizes[k] === 0 ? 0 : Math.ceil(frames / sizes[k])));
}

/**
 * The probability of every system to give the next batch (deepmd.md 1.9); they sum to 1.
 *
 * @param autoProb "prob_uniform", "prob_sys_size" or "prob_sys_size; a:b:weight; ..."
 * @param sysProbs `sys_probs`: one per system, negative ones are filled by `autoProb` from what the others leave; or null
 * @param counts batches of every system; 0 leaves a system out
 */
export function systemProbabilities(
  autoProb: string,
  sysProbs: readonly number[] | null,
  counts: ArrayLike<number>,
  where = "training_data",
): Float64Array {
  const automatic = automaticProbabilities(autoProb, Float64Array.from(counts), `${where}.auto_prob`);
  if (sysProbs === null) return automatic;
  const key = `${where}.sys_probs`;
  if (sysProbs.length !== counts.length) {
    throw new AtomgradError(
      "CONFIG",
      `${key}: ${sysProbs.length} numbers for ${counts.length} systems; give one for each`,
    );
  }
  const open = automatic.map((weight, k) => (sysProbs[k] < 0 ? weight : 0));
  const given = sysProbs.reduce((sum, value) => sum + Math.max(value, 0), 0);
  const filled = sum(open) > 0;
  if (!Number.isFinite(given) || (filled ? given > 1 + 1e-8 : Math.abs(given - 1) > 1e-8)) {
    const needed = filled ? "at most 1" : "1 (negative entries are filled automatically)";
    throw new AtomgradError(
      "CONFIG",
      `${key}: the given probabilities sum to ${Number(given.toPrecision(9))}; their sum must be ${needed}`,
    );
  }
  const rest = Math.max(0, 1 - given) / (filled ? sum(open) : 1);
  return normalise(
    Float64Array.from(sysProbs, (value, k) => (value < 0 ? open[k] * rest : value)),
    counts,
    key,
  );
}

function automaticProbabilities(rule: string, counts: Float64Array, key: string): Float64Array {
  const [name, ...blocks] = rule.split(";").map((part) => part.trim());
  if (name === "prob_uniform" && blocks.length === 0) {
    return normalise(
      counts.map(() => 1),
      counts,
      key,
    );
  }
  if (name !== "prob_sys_size") {
    throw new AtomgradError(
      "CONFIG",
      `${key}: found ${JSON.stringify(rule)}; allowed: "prob_uniform", "prob_sys_size", "prob_sys_size; a:b:weight; ..."`,
    );
  }
  if (blocks.length === 0) return normalise(counts, counts, key);
  const weights = new Float64Array(counts.length);
  for (const block of blocks) {
    const { first, end, weight } = parseBlock(block, counts.length, key);
    const members = counts.subarray(first, end);
    if (weights.subarray(first, end).some((value) => value > 0)) {
      throw new AtomgradError(
        "CONFIG",
        `${key}: block "${block}" overlaps another; every system belongs to at most one`,
      );
    }
    for (let k = first; k < end; k++) weights[k] = (weight * counts[k]) / Math.max(sum(members), 1);
  }
  return normalise(weights, counts, key);
}

function parseBlock(
  block: string,
  systems: number,
  key: string,
): { first: number; end: number; weight: number } {
  const parts = block.split(":").map((part) => (part.trim() === "" ? NaN : Number(part)));
  const [first, end, weight] = parts;
  const whole =
    Number.isInteger(first) && Number.isInteger(end) && first >= 0 && first < end && end <= systems;
  if (parts.length === 3 && whole && weight >= 0 && weight < Infinity) return { first, end, weight };
  throw new AtomgradError(
    "CONFIG",
    `${key}: block "${block}"; needed: first:end:weight with 0 <= first < end <= ${systems} (systems) and a weight of at least 0`,
  );
}

function normalise(weights: Float64Array, counts: ArrayLike<number>, key: string): Float64Array {
  const used = weights.map((weight, k) => (counts[k] > 0 ? weight : 0));
  const total = sum(used);
  if (!(total > 0))
    throw new AtomgradError("CONFIG", `${key}: every system has probability 0; give one a positive weight`);
  return used.map((weight) => weight / total);
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
