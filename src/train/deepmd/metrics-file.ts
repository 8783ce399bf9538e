import { LineFile } from "../../data/line-file.js";
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
  private readonly file: LineFile | undefined;

  constructor(path: string | undefined) {
    if (path !== undefined) this.file = new LineFile(path, false);
  }

  write(row: MetricsRow, columns: readonly string[]): void {
    if (this.file === undefined) return;
    const line: Record<string, number> = { step: row.step, lr: row.lr };
    for (const name of columns) line[`${name}_trn`] = row.training[name];
    if (row.validation !== undefined) for (const name of columns) line[`${name}_val`] = row.validation[name];
    this.file.write(`${JSON.stringify(line)}\n`);
  }

  close(): void {
    this.file?.close();
  }
}
