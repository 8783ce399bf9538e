import { closeSync, openSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { AtomgradError } from "../../tensor/error.js";
import type { Errors } from "./energy-loss.js";

/** A displayed row, unrounded. */
export interface MetricsRow {
  readonly step: number;
  readonly lr: number;
  readonly training: Errors;
  readonly validation: Errors | undefined;
  /** False where the time is not to be shown (`time_training`). */
  readonly timed?: boolean;
}

/** JSON lines beside lcurve.out: `step, lr, rmse_trn, rmse_e_trn, ...` and the `_val` ones. No path: writes nothing. */
export class MetricsFile {
  private readonly file: number | undefined;

  constructor(path: string | undefined) {
    if (path === undefined) return;
    try {
      this.file = openSync(path, "w");
    } catch (cause) {
      throw new AtomgradError("FILE", `${basename(path)}: cannot be written; change --metrics`, { cause });
    }
  }

  write(row: MetricsRow, columns: readonly string[]): void {
    if (this.file === undefined) return;
    const line: Record<string, number> = { step: row.step, lr: row.lr };
    for (const name of columns) line[`${name}_trn`] = row.training[name];
    if (row.validation !== undefined) for (const name of columns) line[`${name}_val`] = row.validation[name];
    writeSync(this.file, `${JSON.stringify(line)}\n`);
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file);
  }
}
