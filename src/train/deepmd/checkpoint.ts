import { readdirSync, rmSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { writeFileAtomicSync } from "../../data/atomic-write.js";
import type { TrainingConfig } from "../../models/deepmd/config/schema-training.js";

/** How many checkpoints of a run are kept, at the end of `steps` updates (0: all). */
export function checkpointsToKeep(training: TrainingConfig, steps: number): number {
  const { ckpt_keep_ratio: ratio, save_freq: every, max_ckpt_keep: most } = training;
  return ratio === null ? most : Math.max(1, Math.ceil(ratio * Math.max(1, Math.ceil(steps / every))));
}

/** `<prefix>_ema`, before the last dot of the prefix: where averaged weights go. */
export function averagesPrefix(prefix: string): string {
  const extension = extname(prefix);
  return `${prefix.slice(0, prefix.length - extension.length)}_ema${extension}`;
}

/**
 * Names checkpoints `<save_ckpt>-<step>.safetensors` and keeps the newest `keep` of this run (0: all). What an earlier run
 * left under the same name is neither counted nor removed; a restart counts what stands there up to its first step.
 */
export class CheckpointFolder {
  private readonly own: number[];

  /**
   * @param prefix `save_ckpt`; @param folder `save_dir`: where the numbered files go, the prefix's own folder by default
   * @param firstStep of a restart, 0 for a new run
   */
  constructor(
    private readonly prefix: string,
    private readonly folder: string | null,
    private readonly keep: number,
    firstStep: number,
  ) {
    this.own = firstStep === 0 ? [] : this.present().filter((step) => step <= firstStep);
  }

  /** Where the checkpoints are. */
  static folderOf(prefix: string, folder: string | null): string {
    return folder ?? dirname(prefix);
  }

  /** The file of a step. */
  static pathOf(prefix: string, folder: string | null, step: number): string {
    return folder === null
      ? `${prefix}-${step}.safetensors`
      : join(folder, `${basename(prefix)}-${step}.safetensors`);
  }

  path(step: number): string {
    return CheckpointFolder.pathOf(this.prefix, this.folder, step);
  }

  /** Writes a checkpoint under a temporary name, syncs and renames it, then removes the oldest beyond `keep`. */
  save(step: number, content: Uint8Array[]): string {
    const path = this.path(step);
    writeFileAtomicSync(path, content);
    if (!this.own.includes(step)) this.own.push(step);
    while (this.keep > 0 && this.own.length > this.keep)
      rmSync(this.path(this.own.shift()!), { force: true });
    return path;
  }

  /** Steps of the checkpoints under this name, oldest first. */
  private present(): number[] {
    const start = `${basename(this.prefix)}-`;
    return readdirSync(CheckpointFolder.folderOf(this.prefix, this.folder))
      .map((name) => (name.startsWith(start) ? /^(\d+)\.safetensors$/.exec(name.slice(start.length)) : null))
      .filter((match) => match !== null)
      .map((match) => Number(match[1]))
      .sort((a, b) => a - b);
  }
}
