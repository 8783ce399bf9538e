/** Smallest, largest and mean of the finite ones of some numbers. */
export class Range {
  min = Infinity;
  max = -Infinity;
  sum = 0;
  count = 0;

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    this.sum += value;
    this.count++;
  }

  toJson(): { min: number; max: number; mean: number; count: number } {
    return { min: this.min, max: this.max, mean: this.sum / this.count, count: this.count };
  }
}
