import { parseReal, wordsOf } from "./numbers.js";

/** Powers of ten that float64 holds exactly. */
const powers = Float64Array.from({ length: 23 }, (_, k) => Number(`1e${k}`));
/** Whole numbers below this are exact, and so is their quotient by an exact power of ten but for one rounding. */
const largestExact = 2 ** 53;

/** Where the words of a line stand and what they are worth as numbers, found without a string for each. */
export class WordSpans {
  private text = "";
  private starts = new Int32Array(64);
  private ends = new Int32Array(64);
  private values = new Float64Array(64);
  private wholes = new Uint8Array(64);
  /** The words of a line with letters beyond ASCII, whose blanks may be others. */
  private words: string[] | null = null;

  /** Finds the words of a line, which may be a part of a text; gives their number. */
  find(text: string, start = 0, end = text.length): number {
    this.text = text;
    this.words = null;
    let count = 0;
    for (let at = start; at < end;) {
      const code = text.charCodeAt(at);
      if (isBlank(code)) at++;
      else {
        if (count === this.starts.length) this.grow();
        const next = this.scanWord(at, end, count++);
        if (next < 0) return (this.words = wordsOf(text.slice(start, end))).length;
        at = next;
      }
    }
    return count;
  }

  word(k: number): string {
    return this.words?.[k] ?? this.text.slice(this.starts[k], this.ends[k]);
  }

  /**
   * The value of a word such as `-12.034` or `1.5e-7`, correctly rounded: digits that make a whole number below 2^53, times or
   * divided by a power of ten that is exact (Clinger's fast path). NaN for every other word, numbers among them.
   */
  decimal(k: number): number {
    return this.words === null ? this.values[k] : NaN;
  }

  /** The value of any word that `parseReal` takes for a number, null for all others. */
  real(k: number): number | null {
    const value = this.decimal(k);
    return Number.isNaN(value) ? parseReal(this.word(k)) : value;
  }

  /** Whether a word whose `decimal` is known has neither point nor exponent. */
  isWhole(k: number): boolean {
    return this.words === null && this.wholes[k] === 1;
  }

  /** The code of a word's first letter. */
  firstCode(k: number): number {
    return this.words?.[k].charCodeAt(0) ?? this.text.charCodeAt(this.starts[k]);
  }

  /** Notes word `k` from `start` on; gives its end, or -1 at a letter beyond ASCII. */
  private scanWord(start: number, end: number, k: number): number {
    const { text } = this;
    const sign = text.charCodeAt(start);
    let at = sign === 45 || sign === 43 ? start + 1 : start;
    const first = at;
    let value = 0;
    let point = -1;
    for (; at < end; at++) {
      const digit = text.charCodeAt(at) - 48;
      if (digit >= 0 && digit <= 9) value = 10 * value + digit;
      else if (digit === -2 && point < 0) point = at;
      else break;
    }
    let power = point < 0 ? 0 : point + 1 - at;
    let isNumber = at - first > (point < 0 ? 0 : 1) && value < largestExact;
    let isWhole = isNumber && point < 0;
    if (isNumber && at + 1 < end && (text.charCodeAt(at) | 32) === 101) {
      const minus = text.charCodeAt(at + 1) === 45;
      const digits = minus || text.charCodeAt(at + 1) === 43 ? at + 2 : at + 1;
      let exponent = 0;
      for (at = digits; at < end && at < digits + 4; at++) {
        const digit = text.charCodeAt(at) - 48;
        if (!(digit >= 0 && digit <= 9)) break;
        exponent = 10 * exponent + digit;
      }
      isNumber = at > digits;
      isWhole = false;
      power += minus ? -exponent : exponent;
    }
    for (; at < end; at++) {
      const code = text.charCodeAt(at);
      if (isBlank(code)) break;
      if (code > 127) return -1;
      isNumber = isWhole = false;
    }
    this.starts[k] = start;
    this.ends[k] = at;
    this.wholes[k] = Number(isWhole);
    if (!isNumber || power < -22 || power > 22) value = NaN;
    else if (power !== 0) value = power < 0 ? value / powers[-power] : value * powers[power];
    this.values[k] = sign === 45 ? -value : value;
    return at;
  }

  private grow(): void {
    const grown = <T extends Int32Array | Float64Array | Uint8Array>(old: T, larger: T): T => {
      larger.set(old);
      return larger;
    };
    const length = 2 * this.starts.length;
    this.starts = grown(this.starts, new Int32Array(length));
    this.ends = grown(this.ends, new Int32Array(length));
    this.values = grown(this.values, new Float64Array(length));
    this.wholes = grown(this.wholes, new Uint8Array(length));
  }
}

function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}
