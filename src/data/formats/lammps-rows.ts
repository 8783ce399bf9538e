import type { Lines } from "../text/lines.js";
import { WordColumn } from "../text/word-column.js";
import type { WordSpans } from "../text/word-spans.js";

/** The lines of a section with one per atom, as columns: as many as its first line has. */
export class LammpsRows {
  count = 0;
  /** Columns of every row. */
  width = 0;
  private columns: readonly WordColumn[] = [];

  /** @param atoms how many the header announces */
  constructor(
    private readonly lines: Lines,
    private readonly title: string,
    private readonly atoms: number,
  ) {}

  add(spans: WordSpans, words: number): void {
    const { lines, title, atoms } = this;
    if (this.count >= atoms)
      throw lines.error(
        `the header announces ${Math.max(0, atoms)} atoms, the section ${title} holds more; correct the header`,
      );
    if (this.count === 0) {
      if (2 * atoms * words > lines.size + 1)
        throw lines.error(
          `${atoms} atoms of ${words} columns are announced, more than a file of ${lines.size} bytes can hold`,
        );
      this.columns = Array.from({ length: words }, () => new WordColumn(atoms));
      this.width = words;
    }
    if (words !== this.width)
      throw lines.error(
        `${words} columns in a row of the section ${title}, whose first row has ${this.width}; complete the row`,
      );
    for (let k = 0; k < words; k++) {
      const bad = this.columns[k].put(this.count, spans, k);
      if (bad !== null) throw lines.error(`column ${k + 1} of the section ${title}: ${bad}`);
    }
    this.count++;
  }

  /** The numbers of a column. */
  numbers(at: number, what: string): Float64Array {
    const numbers = at < this.width ? this.columns[at].numbers : null;
    if (numbers !== null) return numbers;
    const found = at < this.width ? "holds names" : `has rows of ${this.width} words`;
    throw this.lines.error(`the section ${this.title} ${found} where ${what} is needed`);
  }

  /** The same, whole numbers that a float64 tells apart. */
  wholeNumbers(at: number, what: string): Float64Array {
    const numbers = this.numbers(at, what);
    const bad = numbers.subarray(0, this.count).find((value) => !Number.isSafeInteger(value));
    if (bad === undefined) return numbers;
    throw this.lines.error(
      `the section ${this.title} holds ${bad} in column ${at + 1}, where ${what}, a whole number, is needed; correct it, or name the atom style after "Atoms #"`,
    );
  }

  /** The words of a column in the order of rows: names, or whole numbers. */
  words(at: number, what: string, order: Uint32Array): string[] {
    const names = at < this.width ? this.columns[at].texts(order) : null;
    if (names !== null) return names;
    const numbers = this.wholeNumbers(at, what);
    return Array.from(order, (row) => String(numbers[row]));
  }

  holdsWhole(at: number): boolean {
    return this.columns[at].holdsWhole;
  }

  missing(id: number): never {
    throw this.lines.error(`the section ${this.title} has no row for the atom with the id ${id}`);
  }
}
