import { integers, type Field } from "../structure.js";
import { fieldOfWords } from "./field-text.js";
import { parseReal, shown } from "./numbers.js";
import type { WordSpans } from "./word-spans.js";

/**
 * A column of a table, row by row: numbers where the first word is one, else texts. Numbers are kept as such and texts once
 * each, so that a column takes some eight bytes a row.
 */
export class WordColumn {
  private readonly values: Float64Array;
  /** Whole numbers beyond those that float64 tells apart; from the first of these on. */
  private wide: BigInt64Array | null = null;
  private isWhole = true;
  /** Places of the words of a column of texts among all that occur. */
  private places: Map<string, number> | null = null;

  /**
   * @param rows how many there will be
   * @param isText whether its words are texts, also where they look like numbers
   */
  constructor(rows: number, isText = false) {
    this.values = new Float64Array(rows);
    if (isText) this.places = new Map();
  }

  /** Takes word `k` of the line for `row`; rows come in order. Gives what is wrong with it, if anything. */
  put(row: number, spans: WordSpans, k: number): string | null {
    const value = spans.decimal(k);
    if (this.places === null && value === value && this.wide === null) {
      this.values[row] = value;
      this.isWhole &&= spans.isWhole(k);
      return null;
    }
    return this.putWord(row, spans.word(k));
  }

  /** The numbers; null for a column of texts. Rows in their order. */
  get numbers(): Float64Array | null {
    return this.places === null ? this.values : null;
  }

  /** Whether all are whole numbers. */
  get holdsWhole(): boolean {
    return this.places === null && this.isWhole;
  }

  /** The texts of a column as its words spell them; null for one of numbers. */
  texts(order: Uint32Array): string[] | null {
    if (this.places === null) return null;
    const words = [...this.places.keys()];
    return Array.from(order, (row) => words[this.values[row]]);
  }

  /** All rows in the given order as a field: whole numbers, reals, truth values, else texts. */
  field(order: Uint32Array): Field {
    const shape = [order.length];
    const { values, wide, places } = this;
    if (places !== null) {
      const isTruth = fieldOfWords([...places.keys()], [places.size]).kind === "boolean";
      const texts = this.texts(order)!;
      return isTruth ? fieldOfWords(texts, shape) : { kind: "text", shape, data: texts };
    }
    if (wide !== null) return { kind: "integer", shape, data: BigInt64Array.from(order, (row) => wide[row]) };
    const data = Float64Array.from(order, (row) => values[row]);
    return this.isWhole ? { kind: "integer", shape, data: integers(data) } : { kind: "real", shape, data };
  }

  private putWord(row: number, word: string): string | null {
    if (row === 0 && parseReal(word) === null) this.places = new Map();
    const { places } = this;
    if (places !== null) {
      const place = places.get(word) ?? places.size;
      if (place === places.size) places.set(word, place);
      this.values[row] = place;
      return null;
    }
    const value = parseReal(word);
    if (value === null) return `${shown(word)} stands where a number is needed`;
    if (this.isWhole && /^[-+]?\d{1,18}$/.test(word)) {
      this.wide ??= BigInt64Array.from(this.values, (x, k) => (k < row ? BigInt(x) : 0n));
      this.wide[row] = BigInt(word);
    } else {
      this.isWhole = false;
      this.wide = null;
    }
    this.values[row] = value;
    return null;
  }
}

/** The rows 0, 1, ... in the order of their numbers; equal ones keep theirs. */
export function orderOf(numbers: Float64Array): Uint32Array {
  const order = Uint32Array.from(numbers, (_, k) => k);
  let sorted = true;
  for (let k = 1; k < numbers.length && sorted; k++) sorted = numbers[k - 1] <= numbers[k];
  return sorted ? order : order.sort((a, b) => numbers[a] - numbers[b] || a - b);
}
