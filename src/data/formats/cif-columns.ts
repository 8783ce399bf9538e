import { parseReal } from "../text/numbers.js";
import type { CifToken } from "./cif-tokens.js";
import { elementOfName } from "./species.js";

/** A column of a loop, of which the file spells the tag so. The base keeps nothing but its length. */
export class CifColumn {
  rows = 0;

  constructor(readonly tag: string) {}

  add(token: CifToken): void {
    this.rows++;
    this.keep?.(token);
  }

  protected keep?(token: CifToken): void;
}

/** Numbers, with or without a standard uncertainty: 1.234(5). NaN stands for `.` and `?`. */
export class NumberColumn extends CifColumn {
  readonly values: number[] = [];
  /** The first value that is no number, and the first of `.` and `?`. */
  bad: string | null = null;
  unknown: string | null = null;

  protected override keep(token: CifToken): void {
    const { decimal } = token;
    this.values.push(decimal === decimal ? decimal : this.other(token));
  }

  private other({ word, quoted }: CifToken): number {
    if (!quoted && /^[.?]$/.test(word)) {
      this.unknown ??= word;
      return NaN;
    }
    const value = numberOf(word);
    if (value === null) this.bad ??= word;
    return value ?? NaN;
  }
}

/** Elements, by the letters with which names such as `Cu1` and `O2-` begin. */
export class ElementColumn extends CifColumn {
  readonly atomicNumbers: number[] = [];
  /** The first name that begins with no element, and the name that came last. */
  bad: string | null = null;
  last = "";

  protected override keep({ word }: CifToken): void {
    this.last = word;
    const letters = /^[A-Za-z]{1,2}/.exec(word)?.[0] ?? "";
    const z = elementOfName(letters) ?? elementOfName(letters.slice(0, 1));
    if (z === null) this.bad ??= word;
    this.atomicNumbers.push(z ?? 0);
  }
}

/** Texts, not more than `most` of them. */
export class TextColumn extends CifColumn {
  readonly texts: string[] = [];

  constructor(
    tag: string,
    private readonly most: number,
  ) {
    super(tag);
  }

  protected override keep({ word }: CifToken): void {
    if (this.rows <= this.most) this.texts.push(word);
  }
}

/** A finite number with or without its standard uncertainty, null for anything else. */
export function numberOf(word: string): number | null {
  const value = parseReal(word.replace(/\(\d+\)$/, ""));
  return value !== null && Number.isFinite(value) ? value : null;
}
