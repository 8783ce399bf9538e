import { AtomgradError } from "../tensor/error.js";
import { batchCounts, batchSizes, systemProbabilities } from "./deepmd-sampling.js";
import type { BatchSizeRule, SystemSize } from "./deepmd-sampling.js";

/**
 * One 32-bit word of a counter-based generator (Philox): the same arguments give the same word everywhere. Streams are
 * below 2^32, indexes below 2^53.
 */
export type RandomWord = (seed: number, stream: number, index: number) => number;

/** How batches are made; keys as in `training_data` of an input. */
export interface BatchPlanOptions {
  readonly batchSize: BatchSizeRule;
  readonly autoProb?: string;
  readonly sysProbs?: readonly number[] | null;
  readonly seed: number;
  readonly random: RandomWord;
  /** Ranks share one sequence of batches: rank r of n takes number step * n + r. */
  readonly rank?: number;
  readonly rankCount?: number;
  /** Validation draws from streams of its own, so that it does not depend on how much was trained. */
  readonly purpose?: "train" | "validation";
  /** Section of the input, for messages. */
  readonly where?: string;
}

/** Frames of one system that make a batch. */
export interface Batch {
  readonly system: number;
  readonly frames: Int32Array;
}

/** Draws that are balanced together: long enough to look random, short enough to be made in no time. */
const longestBlock = 4096;
const streamBase = { train: 0x40000000, validation: 0x80000000 } as const;

/**
 * The batches of a run, each a pure function of seed and step: a restart at step k gives the batches an uninterrupted
 * run would have, without replaying the steps before it.
 *
 * Systems are drawn in blocks of a few thousand draws: a block holds every system in proportion to its probability (the
 * fractions are carried over), in random order. A system's draws walk through its frames in an order that is shuffled
 * anew for every pass; the last batch of a pass may be short. So every frame of a system is used once before any is
 * used again.
 */
export class BatchPlan {
  /** Frames per batch of every system (0: left out). */
  readonly sizes: Int32Array;
  /** Batches one pass over a system takes. */
  readonly counts: Int32Array;
  readonly probabilities: Float64Array;
  /** Batches of one pass over all systems. */
  readonly batchesPerEpoch: number;

  private readonly blockLength: number;
  private readonly phases: Float64Array;
  private readonly stream: number;
  private block: Block | null = null;
  private readonly orders: (Order | undefined)[] = [];

  /** @throws AtomgradError CONFIG when the options do not fit the systems */
  constructor(
    private readonly systems: readonly SystemSize[],
    private readonly options: BatchPlanOptions,
  ) {
    const { autoProb = "prob_sys_size", sysProbs = null, where, purpose = "train", seed, random } = options;
    if (systems.length === 0)
      throw new AtomgradError("CONFIG", `${where ?? "training_data"}.systems: no system is given`);
    this.sizes = batchSizes(options.batchSize, systems, where);
    this.counts = batchCounts(systems, this.sizes);
    this.probabilities = systemProbabilities(autoProb, sysProbs, this.counts, where);
    this.batchesPerEpoch = this.counts.reduce((sum, count) => sum + count, 0);
    this.blockLength = Math.min(this.batchesPerEpoch, Math.max(longestBlock, systems.length));
    this.stream = streamBase[purpose];
    const phaseStream = this.stream + systems.length + 1;
    this.phases = Float64Array.from(systems, (_, k) => random(seed, phaseStream, k) / 2 ** 32);
  }

  /** The batch of `step` (from 0) on this rank. */
  at(step: number): Batch {
    const { rank = 0, rankCount = 1 } = this.options;
    const draw = step * rankCount + rank;
    const block = this.blockOf(draw);
    const system = block.systems[draw - block.start];
    const pass = Math.floor(block.ordinals[draw - block.start] / this.counts[system]);
    const number = block.ordinals[draw - block.start] - pass * this.counts[system];
    const size = this.sizes[system];
    return { system, frames: this.orderOf(system, pass).slice(number * size, (number + 1) * size) };
  }

  /** As many frames of a system as `batches` batches have, drawn at random, in file order. */
  sample(system: number, batches: number): Int32Array {
    return this.orderOf(system, 0)
      .slice(0, batches * this.sizes[system])
      .sort();
  }

  /** Draws of a system before block `number`. */
  private drawsBefore(number: number, system: number): number {
    return Math.floor(this.probabilities[system] * this.blockLength * number + this.phases[system]);
  }

  private startOf(number: number): number {
    let start = 0;
    for (let system = 0; system < this.systems.length; system++) start += this.drawsBefore(number, system);
    return start;
  }

  private blockOf(draw: number): Block {
    if (this.block !== null && draw >= this.block.start && draw < this.block.end) return this.block;
    let number = Math.floor(draw / this.blockLength);
    while (this.startOf(number) > draw) number--;
    while (this.startOf(number + 1) <= draw) number++;
    this.block = this.makeBlock(number);
    return this.block;
  }

  private makeBlock(number: number): Block {
    const start = this.startOf(number);
    const end = this.startOf(number + 1);
    const systems = new Int32Array(end - start);
    const ordinals = new Float64Array(end - start);
    const next = Array.from(this.systems, (_, system) => this.drawsBefore(number, system));
    let filled = 0;
    for (let system = 0; system < this.systems.length; system++) {
      const more = this.drawsBefore(number + 1, system) - next[system];
      systems.fill(system, filled, filled + more);
      filled += more;
    }
    this.shuffle(systems, this.stream, start);
    for (let k = 0; k < systems.length; k++) ordinals[k] = next[systems[k]]++;
    return { start, end, systems, ordinals };
  }

  private orderOf(system: number, pass: number): Int32Array {
    const known = this.orders[system];
    if (known?.pass === pass) return known.frames;
    const { frames: count } = this.systems[system];
    const frames = Int32Array.from({ length: count }, (_, k) => k);
    this.shuffle(frames, this.stream + 1 + system, pass * count);
    this.orders[system] = { pass, frames };
    return frames;
  }

  /** Fisher-Yates with the words `from`, `from` + 1, ... of a stream. */
  private shuffle(values: Int32Array, stream: number, from: number): void {
    const { seed, random } = this.options;
    for (let k = values.length - 1; k > 0; k--) {
      const j = Math.floor((random(seed, stream, from + k) / 2 ** 32) * (k + 1));
      const held = values[k];
      values[k] = values[j];
      values[j] = held;
    }
  }
}

interface Block {
  /** Draws [start, end) of the run. */
  readonly start: number;
  readonly end: number;
  readonly systems: Int32Array;
  /** How many draws of the same system came before, counted from the start of the run. */
  readonly ordinals: Float64Array;
}

interface Order {
  readonly pass: number;
  readonly frames: Int32Array;
}
