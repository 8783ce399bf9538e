import { AtomgradError } from "../../tensor/error.js";
import type { Lines } from "../text/lines.js";
import { LongText } from "../text/long-text.js";
import { WordSpans } from "../text/word-spans.js";

/** Letters of a text between semicolons: measured intensities take some ten millions. */
const longestText = 1 << 26;
const [semicolon, doubleQuote, singleQuote, hash] = [59, 34, 39, 35];

/** A word, a quoted text or a text field of a CIF. */
export interface CifToken {
  readonly word: string;
  readonly quoted: boolean;
  /** Its value, NaN where it is no plain number or has an uncertainty. */
  readonly decimal: number;
}

/** The tokens of a CIF (1.1), one after the other, without a string for each. */
export class CifTokens implements CifToken {
  /** Line in which the token that was taken last begins. */
  line = 0;
  /** The tokens of a line in which some are quoted. */
  private pieces: readonly Pick<CifToken, "word" | "quoted">[] | null = null;
  private count = 0;
  private at = -1;

  /** @param spans room for the words of a line, which readers of many short texts share */
  constructor(
    private readonly lines: Lines,
    private readonly spans = new WordSpans(),
  ) {}

  /** Goes on to the next token; false after the last one. */
  take(): boolean {
    this.at++;
    while (this.at >= this.count) if (!this.readLine()) return false;
    return true;
  }

  get word(): string {
    return this.pieces?.[this.at].word ?? this.spans.word(this.at);
  }

  get quoted(): boolean {
    return this.pieces?.[this.at].quoted ?? false;
  }

  get decimal(): number {
    return this.pieces === null ? this.spans.decimal(this.at) : NaN;
  }

  /** The word in lower case if it is one that is no value: a tag, `data_...`, `loop_`, `save_...`; else null. */
  get mark(): string | null {
    if (this.pieces === null ? !isMarkStart(this.spans.firstCode(this.at)) : this.quoted) return null;
    const word = this.word;
    return /^(?:_|data_|loop_|save_|global_|stop_)/i.test(word) ? word.toLowerCase() : null;
  }

  fail(line: number, what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.lines.name}: line ${line}: ${what}`);
  }

  private readLine(): boolean {
    const { lines, spans } = this;
    if (!lines.take()) return false;
    this.at = 0;
    this.pieces = null;
    this.line = lines.number;
    if (lines.start < lines.end && lines.text.charCodeAt(lines.start) === semicolon) {
      this.pieces = this.textField();
      this.count = this.pieces.length;
      return true;
    }
    this.count = spans.find(lines.text, lines.start, lines.end);
    for (let k = 0; k < this.count; k++) {
      const code = spans.firstCode(k);
      if (code !== singleQuote && code !== doubleQuote && code !== hash) continue;
      this.pieces = piecesOf(lines.text.slice(lines.start, lines.end));
      this.count = this.pieces.length;
      break;
    }
    return true;
  }

  /** The text from a semicolon that begins a line to the next of that kind, and what stands behind that. */
  private textField(): readonly Pick<CifToken, "word" | "quoted">[] {
    const { lines } = this;
    const text = new LongText(longestText);
    text.add(lines.text.slice(lines.start + 1, lines.end));
    for (let line = lines.next(); line !== null; line = lines.next()) {
      if (line[0] === ";") return [{ word: text.toString(), quoted: true }, ...piecesOf(line.slice(1))];
      if (!text.add("\n") || !text.add(line))
        throw this.fail(this.line, `the text field that begins here has more than ${longestText} letters`);
    }
    throw this.fail(this.line, "the text field that begins here has no end");
  }
}

/** Whether a word that begins so may be one that is no value: `_`, and d, g, l, s in either case. */
function isMarkStart(code: number): boolean {
  const lower = code | 32;
  return code === 95 || lower === 100 || lower === 103 || lower === 108 || lower === 115;
}

/** The tokens of a line, up to a comment. A quote ends a text where a blank or the end of the line follows it. */
function piecesOf(line: string): Pick<CifToken, "word" | "quoted">[] {
  const found: Pick<CifToken, "word" | "quoted">[] = [];
  const word = /\s*(\S+)/y;
  const ends = new Map(["'", '"'].map((quote) => [quote, new RegExp(`${quote}(?=\\s|$)`, "g")]));
  for (let match = word.exec(line); match !== null && match[1][0] !== "#"; match = word.exec(line)) {
    const start = word.lastIndex - match[1].length;
    const end = ends.get(line[start]);
    if (end !== undefined) {
      end.lastIndex = start + 1;
      const close = end.exec(line);
      if (close !== null) {
        found.push({ word: line.slice(start + 1, close.index), quoted: true });
        word.lastIndex = close.index + 1;
        continue;
      }
      // No text that begins further on has an end either.
      ends.delete(line[start]);
    }
    found.push({ word: match[1], quoted: false });
  }
  return found;
}
