import type { Field } from "../structure.js";
import { fieldOfWords, fieldToJson, formatItem, parseNestedList } from "../text/field-text.js";

const jsonMark = "_JSON ";

/** Keys that say how a frame is read, nearly always the same; their fields are shared and not to be handed on. */
const sharedKeys: ReadonlySet<string> = new Set(["Properties", "pbc", "Lattice"]);

/**
 * Reads comment lines of extended XYZ. The values of `Properties`, `pbc` and `Lattice` are understood once as long as they
 * stay the same from frame to frame.
 */
export class CommentReader {
  private readonly last = new Map<string, { readonly token: Token; readonly field: Field }>();

  /**
   * The `key=value` pairs of a comment line, as ASE and libAtoms write them: bare words, "quoted" or {braced} values with
   * backslash escapes, `[lists]`, and values that begin with `_JSON`. A key alone is true. Not many more than `most` pairs
   * are read.
   */
  parse(line: string, most: number): Map<string, Field> {
    const found = new Map<string, Field>();
    const scanner = new Scanner(line);
    for (let key = scanner.token("="); key !== null && found.size <= most; key = scanner.token("=")) {
      if (scanner.takeEquals()) found.set(key.text, this.value(key.text, scanner.token("")));
      else if (key.text !== "") found.set(key.text, { kind: "boolean", shape: [], data: Uint8Array.of(1) });
    }
    return found;
  }

  private value(key: string, token: Token | null): Field {
    if (token === null) return textValue("");
    if (!sharedKeys.has(key)) return typedValue(token);
    const last = this.last.get(key);
    if (last?.token.text === token.text && last.token.isList === token.isList) return last.field;
    const field = typedValue(token);
    this.last.set(key, { token, field });
    return field;
  }
}

interface Token {
  readonly text: string;
  /** Whether it is a list in square brackets, which stay in `text`. */
  readonly isList: boolean;
}

class Scanner {
  private at = 0;

  constructor(private readonly line: string) {}

  /** The next word; quotes and brackets hold it together. Null at the end of the line. */
  token(stop: string): Token | null {
    this.skipSpace();
    if (this.at >= this.line.length) return null;
    if (stop === "" && this.line[this.at] === "[") return { text: this.list(), isList: true };
    const usual = this.usualToken(stop);
    if (usual !== null) return { text: usual, isList: false };
    let text = "";
    let close = "";
    for (; this.at < this.line.length; this.at++) {
      const char = this.line[this.at];
      if (char === "\\" && this.at + 1 < this.line.length) text += this.line[++this.at];
      else if (close !== "") {
        if (char === close) close = "";
        else text += char;
      } else if (char === '"' || char === "'") close = char;
      else if (char === "{") close = "}";
      else if (char === stop || char === " " || char === "\t") break;
      else text += char;
    }
    return { text, isList: false };
  }

  /** A bare word, or a quoted one without escapes; null, and nothing taken, for all others. */
  private usualToken(stop: string): string | null {
    const { line, at } = this;
    if (line[at] === '"') {
      const close = line.indexOf('"', at + 1);
      const after = line[close + 1] ?? " ";
      if (close < 0 || (after !== " " && after !== "\t" && after !== stop)) return null;
      const text = line.slice(at + 1, close);
      if (text.includes("\\")) return null;
      this.at = close + 1;
      return text;
    }
    let end = at;
    for (; end < line.length; end++) {
      const char = line[end];
      if (char === stop || char === " " || char === "\t") break;
      if (char === "\\" || char === '"' || char === "'" || char === "{") return null;
    }
    this.at = end;
    return line.slice(at, end);
  }

  takeEquals(): boolean {
    this.skipSpace();
    if (this.line[this.at] !== "=") return false;
    this.at++;
    return true;
  }

  private skipSpace(): void {
    while (this.line[this.at] === " " || this.line[this.at] === "\t") this.at++;
  }

  private list(): string {
    const start = this.at;
    let depth = 0;
    let quoted = false;
    for (; this.at < this.line.length; this.at++) {
      const char = this.line[this.at];
      if (char === "\\") this.at++;
      else if (char === '"') quoted = !quoted;
      else if (!quoted && char === "[") depth++;
      else if (!quoted && char === "]" && --depth === 0) {
        this.at++;
        break;
      }
    }
    return this.line.slice(start, this.at);
  }
}

function typedValue({ text, isList }: Token): Field {
  if (isList) return parseNestedList(text) ?? textValue(text);
  if (text.startsWith(jsonMark)) return jsonValue(text.slice(jsonMark.length)) ?? textValue(text);
  return wordsValue(text) ?? textValue(text);
}

/** Numbers or truth values between blanks or commas; null for anything else. */
function wordsValue(text: string): Field | null {
  const words = /[\s,]/.test(text)
    ? text.split(/[\s,]+/).filter((word) => word !== "")
    : text === ""
      ? []
      : [text];
  if (words.length === 0) return null;
  const field = fieldOfWords(words, words.length === 1 ? [] : [words.length]);
  return field.kind === "text" ? null : field;
}

function jsonValue(text: string): Field | null {
  const trimmed = text.trim();
  if (trimmed.startsWith("[")) {
    const list = parseNestedList(trimmed);
    if (list !== null) return list;
  }
  try {
    const value: unknown = JSON.parse(trimmed);
    if (typeof value === "string") return textValue(value);
    if (typeof value === "number" || typeof value === "boolean") return fieldOfWords([trimmed], []);
    return { kind: "json", shape: [], data: [trimmed] };
  } catch {
    return null;
  }
}

function textValue(text: string): Field {
  return { kind: "text", shape: [], data: [text] };
}

/** `key=value` such that `parseComment` and ASE read the same name, type and shape back. */
export function formatPair(key: string, field: Field): string {
  return `${/^[^\s"'={}[\]\\]+$/.test(key) ? key : quoted(key)}=${formatValue(field)}`;
}

function formatValue(field: Field): string {
  const { kind, shape, data } = field;
  if (kind === "text" && shape.length === 0) return formatText(data[0] as string);
  if (kind !== "text" && kind !== "json") {
    if (shape.length === 0) return formatItem(field, 0);
    if (shape.length === 1 && shape[0] > 1)
      return `"${Array.from({ length: shape[0] }, (_, k) => formatItem(field, k)).join(" ")}"`;
  }
  return quoted(jsonMark + fieldToJson(field));
}

/** Texts that would be read as something else, or that do not fit on one line, travel as JSON. */
function formatText(text: string): string {
  // To Python, and so to ASE, 0_0 is a number.
  const isNumber = wordsValue(text.replace(/(?<=\d)_(?=\d)/g, "")) !== null;
  const misread = text.trim() === "" || text.startsWith(jsonMark) || isNumber;
  if (misread || /[\n\r]/.test(text)) return quoted(jsonMark + JSON.stringify(text));
  return /^[^\s"'={}[\]\\]+$/.test(text) ? text : quoted(text);
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}
