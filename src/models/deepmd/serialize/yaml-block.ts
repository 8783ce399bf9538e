/**
 * A reader for the block style in which PyYAML writes model files: mappings and sequences by indentation, one-line
 * scalars, anchors and aliases. A general YAML reader needs several seconds and a gigabyte for what is read here in a
 * fraction of a second. Everything else is left to that reader.
 */

/** Thrown for text that is outside this subset; it may still be YAML. */
export class OutsideSubset extends Error {}

/** Thrown for text whose structure is too large or too deep to be a model. */
export class TooLarge extends Error {}

export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };

const maxDepth = 64;
/** List items and keys together. */
const maxNodes = 6e6;

const keyPattern = /(?:"([^"\\\n]*)"|'([^'\n]*)'|([A-Za-z_][^\s:#]*)):(?= |\r?\n|$)/y;
const numberPattern = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/;
/** Plain words: names, paths, and versions such as 3.2.0 or 2.5.0+cu124. */
const wordPattern = /^(?:[A-Za-z_/.][^:#]*|\d+\.\d+\.\d[\w.+-]*)$/;
const specialWord = /^(?:True|TRUE|False|FALSE|Null|NULL|\.(?:nan|NaN|NAN|inf|Inf|INF)|\.\.\.)$/;
const anchorPattern = /&([A-Za-z0-9_]+)(?: +|(?=\r?\n|$))/y;
const aliasPattern = /^\*([A-Za-z0-9_]+)$/;

/** Parses a document of the subset. */
export function parseYamlBlock(text: string): Plain {
  return new BlockReader(text).document();
}

class BlockReader {
  /** Where the next token begins, and its column; -1 at the end of the text. */
  private at = 0;
  private column = 0;
  private nodes = 0;
  /** Values by anchor; undefined while the value is being read. */
  private readonly anchors = new Map<string, Plain | undefined>();

  constructor(private readonly text: string) {}

  document(): Plain {
    if (this.text.startsWith("---")) this.at = this.endOfLine(0);
    this.toContent(this.at);
    if (this.column < 0) return null;
    const value = this.node(0);
    if (this.column >= 0) throw new OutsideSubset();
    return value;
  }

  /** Moves to the first content of this line or a later one, `from` standing at a line's start or inside its spaces. */
  private toContent(from: number): void {
    const { text } = this;
    let start = from;
    for (;;) {
      let k = start;
      while (text.charCodeAt(k) === 32) k++;
      const code = text.charCodeAt(k);
      if (Number.isNaN(code)) {
        this.column = -1;
        this.at = text.length;
        return;
      }
      if (code === 35 || code === 9) throw new OutsideSubset();
      if (code !== 10 && code !== 13) {
        this.column = k - (text.lastIndexOf("\n", k) + 1);
        this.at = k;
        return;
      }
      start = text.indexOf("\n", k) + 1;
      if (start === 0) start = text.length;
    }
  }

  private endOfLine(from: number): number {
    const end = this.text.indexOf("\n", from);
    return end < 0 ? this.text.length : end + 1;
  }

  private isItem(): boolean {
    if (this.text.charCodeAt(this.at) !== 45) return false;
    const next = this.text.charCodeAt(this.at + 1);
    return next === 32 || next === 10 || next === 13 || Number.isNaN(next);
  }

  private node(depth: number): Plain {
    if (depth > maxDepth) throw new TooLarge();
    const { column } = this;
    const anchor = this.match(anchorPattern);
    if (anchor !== null) return this.anchored(anchor, () => this.nested(column - 1, depth + 1));
    if (this.isItem()) return this.sequence(this.column, depth);
    keyPattern.lastIndex = this.at;
    if (keyPattern.test(this.text)) return this.mapping(this.column, depth);
    return this.scalar();
  }

  /** An anchor stands before a scalar, or alone in the line before its value; `below` reads the latter. */
  private anchored(name: string, below: () => Plain): Plain {
    if (this.anchors.has(name)) throw new OutsideSubset();
    this.anchors.set(name, undefined);
    const value = this.onSameLine() ? this.scalar() : below();
    this.anchors.set(name, value);
    return value;
  }

  private match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return null;
    this.at = pattern.lastIndex;
    return found[1];
  }

  /** After a token: whether more follows in this line; then the cursor stands on it. */
  private onSameLine(): boolean {
    let k = this.at;
    while (this.text.charCodeAt(k) === 32) k++;
    const code = this.text.charCodeAt(k);
    if (code === 35) throw new OutsideSubset();
    if (code === 10 || code === 13 || Number.isNaN(code)) return false;
    this.column = k - (this.text.lastIndexOf("\n", k) + 1);
    this.at = k;
    return true;
  }

  /** The value in the lines below, which must be indented more than `column`; null where there is none. */
  private nested(column: number, depth: number): Plain {
    this.toContent(this.endOfLine(this.at));
    if (this.text.charCodeAt(this.at) === 38) throw new OutsideSubset();
    return this.column > column ? this.node(depth) : null;
  }

  private sequence(column: number, depth: number): Plain[] {
    const items: Plain[] = [];
    while (this.column === column && this.isItem()) {
      if (++this.nodes > maxNodes) throw new TooLarge();
      this.at++;
      items.push(this.onSameLine() ? this.node(depth + 1) : this.nested(column, depth + 1));
    }
    if (this.column > column) throw new OutsideSubset();
    return items;
  }

  private mapping(column: number, depth: number): { [key: string]: Plain } {
    const entries = new Map<string, Plain>();
    while (this.column === column && !this.isItem()) {
      keyPattern.lastIndex = this.at;
      const found = keyPattern.exec(this.text);
      if (found === null) throw new OutsideSubset();
      if (++this.nodes > maxNodes) throw new TooLarge();
      const key = found[1] ?? found[2] ?? found[3];
      if (entries.has(key) || /^(?:null|true|false)$/i.test(found[3] ?? "")) throw new OutsideSubset();
      this.at = keyPattern.lastIndex;
      entries.set(key, this.valueOf(column, depth));
    }
    if (this.column > column) throw new OutsideSubset();
    return Object.fromEntries(entries);
  }

  /** The value of a key: in its line, or below; a sequence below may stand at the column of its key. */
  private valueOf(column: number, depth: number): Plain {
    if (!this.onSameLine()) return this.below(column, depth);
    const anchor = this.match(anchorPattern);
    return anchor === null ? this.scalar() : this.anchored(anchor, () => this.below(column, depth));
  }

  private below(column: number, depth: number): Plain {
    this.toContent(this.endOfLine(this.at));
    if (this.text.charCodeAt(this.at) === 38) throw new OutsideSubset();
    if (this.column > column || (this.column === column && this.isItem())) return this.node(depth + 1);
    return null;
  }

  /** A scalar that ends with its line. */
  private scalar(): Plain {
    const end = this.endOfLine(this.at);
    const word = this.text.slice(this.at, end).trimEnd();
    const column = this.column;
    this.toContent(end);
    if (this.column > column) throw new OutsideSubset();
    if (numberPattern.test(word)) return Number(word);
    return this.word(word);
  }

  private word(word: string): Plain {
    switch (word) {
      case "null":
      case "~":
        return null;
      case "true":
        return true;
      case "false":
        return false;
      case "[]":
        return [];
      case "{}":
        return {};
      case ".nan":
        return NaN;
      case ".inf":
        return Infinity;
      case "-.inf":
        return -Infinity;
    }
    const alias = aliasPattern.exec(word);
    if (alias !== null) {
      const value = this.anchors.get(alias[1]);
      if (value === undefined) throw new OutsideSubset();
      return value;
    }
    const quoted = /^"([^"\\]*)"$|^'([^']*)'$/.exec(word);
    if (quoted !== null) return quoted[1] ?? quoted[2];
    if (!wordPattern.test(word) || specialWord.test(word)) throw new OutsideSubset();
    return word;
  }
}
