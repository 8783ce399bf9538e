import type { Errors } from "./energy-loss.js";

/** Weighted means of errors, column by column: of validation batches, or of the steps since the last row (`disp_avg`). */
export class RunningErrors {
  private readonly totals = new Map<string, number>();
  private weight = 0;

  add(errors: Errors, weight = 1): void {
    for (const [name, value] of Object.entries(errors))
      this.totals.set(name, (this.totals.get(name) ?? 0) + value * weight);
    this.weight += weight;
  }

  /** The means since the last call; empty when nothing was added. */
  take(): Errors {
    const means = Object.fromEntries([...this.totals].map(([name, total]) => [name, total / this.weight]));
    this.totals.clear();
    this.weight = 0;
    return means;
  }
}
