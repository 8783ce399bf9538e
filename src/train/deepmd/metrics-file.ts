import { existsSync, readFileSync } from "node:fs";
import { writeFileAtomicSync } from "../../data/atomic-write.js";
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

  /** @param restartedAt the step a restart goes on from: rows up to it stay; undefined: the file begins empty */
  constructor(path: string | undefined, restartedAt?: number) {
    if (path === undefined) return;
    if (restartedAt !== undefined) cutMetrics(path, restartedAt);
    this.file = new LineFile(path, restartedAt !== undefined);
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

/** Takes away the rows after `step`, which a killed run wrote beyond its last checkpoint, and a row cut short. */
function cutMetrics(path: string, step: number): void {
  if (!existsSync(path)) return;
  const kept = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => stepOf(line) <= step);
  writeFileAtomicSync(path, kept.map((line) => `${line}\n`).join(""));
}

function stepOf(line: string): number {
  try {
    return (JSON.parse(line) as { step: number }).step;
  } catch {
    return Infinity;
  }
}
