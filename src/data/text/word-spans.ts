import { wordsOf } from "./numbers.js";

/** Powers of ten that float64 holds exactly. */
const powers = Float64Array.from({ length: 23 }, (_, k) => Number(`1e${k}`));
/** Whole numbers below this are exact, and so is their quotient by an exact power of ten but for one rounding. */
const largestExact = 2 ** 53;

/** Where the words of a line stand, so that numbers are read without a string for each. */
export class WordSpans {
  private line = "";
  private starts = new Int32Array(64);
  private ends = new Int32Array(64);
  /** The words of a line with letters beyond ASCII, whose blanks may be others. */
  private words: string[] | null = null;

  /** Finds the words of a line; gives their number. */
  find(line: string): number {
    this.line = line;
    this.words = null;
    let count = 0;
    let start = -1;
    for (let k = 0; k < line.length; k++) {
      const code = line.charCodeAt(k);
      if (code > 127) return (this.words = wordsOf(line)).length;
      if (code === 32 || (code >= 9 && code <= 13)) {
        if (start >= 0) this.set(count++, start, k);
        start = -1;
      } else if (start < 0) start = k;
    }
    if (start >= 0) this.set(count++, start, line.length);
    return count;
  }

  word(k: number): string {
    return this.words?.[k] ?? this.line.slice(this.starts[k], this.ends[k]);
  }

  /**
   * The value of a word such as `-12.034`, correctly rounded: digits that make a whole number below 2^53, divided by a
   * power of ten (Clinger's fast path). NaN for every other word, numbers among them.
   */
  decimal(k: number): number {
    if (this.words !== null) return NaN;
    const { line } = this;
    const end = this.ends[k];
    let at = this.starts[k];
    const sign = line.charCodeAt(at);
    if (sign === 45 || sign === 43) at++;
    let value = 0;
    let point = -1;
    const first = at;
    for (; at < end; at++) {
      const digit = line.charCodeAt(at) - 48;
      if (digit >= 0 && digit <= 9) value = 10 * value + digit;
      else if (digit === -2 && point < 0) point = at;
      else return NaN;
    }
    const digits = end - first - (point < 0 ? 0 : 1);
    const decimals = point < 0 ? 0 : end - point - 1;
    if (digits === 0 || decimals > 22 || value >= largestExact) return NaN;
    value /= powers[decimals];
    return sign === 45 ? -value : value;
  }

  private set(k: number, start: number, end: number): void {
    if (k === this.starts.length) {
      const [starts, ends] = [new Int32Array(2 * k), new Int32Array(2 * k)];
      starts.set(this.starts);
      ends.set(this.ends);
      [this.starts, this.ends] = [starts, ends];
    }
    this.starts[k] = start;
    this.ends[k] = end;
  }
}
