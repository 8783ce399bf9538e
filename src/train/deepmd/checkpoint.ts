import { existsSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import { writeFileAtomicSync } from "../../data/atomic-write.js";

/** Names checkpoints `<save_ckpt>-<step>.safetensors` and keeps the newest `keep` of them (0: all). */
export class CheckpointFolder {
  constructor(
    private readonly prefix: string,
    private readonly keep: number,
  ) {}

  path(step: number): string {
    return `${this.prefix}-${step}.safetensors`;
  }

  /** Writes a checkpoint under a temporary name, syncs and renames it, then removes the oldest beyond `keep`. */
  save(step: number, content: Uint8Array[]): string {
    const path = this.path(step);
    writeFileAtomicSync(path, content);
    if (this.keep > 0)
      for (const old of this.steps().slice(0, -this.keep)) rmSync(this.path(old), { force: true });
    return path;
  }

  /** Steps of the checkpoints there are, oldest first. */
  steps(): number[] {
    const folder = dirname(this.prefix);
    if (!existsSync(folder)) return [];
    const start = `${basename(this.prefix)}-`;
    return readdirSync(folder)
      .map((name) => (name.startsWith(start) ? /^(\d+)\.safetensors$/.exec(name.slice(start.length)) : null))
      .filter((match) => match !== null)
      .map((match) => Number(match[1]))
      .sort((a, b) => a - b);
  }

  newest(): string | undefined {
    const steps = this.steps();
    return steps.length === 0 ? undefined : this.path(steps[steps.length - 1]);
  }
}
