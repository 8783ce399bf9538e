import { AtomgradError } from "../../tensor/error.js";

/** A value of protobuf's text format: a message, quoted bytes, or a word (number, name, true). */
export type TextValue = TextMessage | Uint8Array | string;

/** A message: its fields in order, names repeated where the file repeats them. */
export interface TextMessage {
  readonly fields: readonly (readonly [name: string, value: TextValue])[];
}

const maxDepth = 100;

/**
 * Parses protobuf's text format: fields, nested messages, lists, strings with C escapes, comments.
 *
 * @throws AtomgradError FORMAT, with the line
 */
export function parseTextFormat(text: string, name: string): TextMessage {
  return new TextReader(text, name).message(null, 0);
}

class TextReader {
  private readonly token =
    /(?:[\s,;]|#[^\n]*)*(?:([A-Za-z_][\w./]*)|([-+]?[\d.][\w.+-]*|-\s*(?:inf|nan)\w*)|(["'])|([{}<>[\]:]))/y;
  private word: string | null = null;
  private quote = "";
  private mark = "";
  private atEnd = false;

  constructor(
    private readonly text: string,
    private readonly name: string,
  ) {
    this.advance();
  }

  message(close: string | null, depth: number): TextMessage {
    if (depth > maxDepth) throw this.bad(`messages nested more than ${maxDepth} deep`);
    const fields: [string, TextValue][] = [];
    while (!this.atEnd && (close === null || this.mark !== close)) {
      if (this.word === null) throw this.bad("something else than a field's name");
      const name = this.word;
      this.advance();
      if (this.is(":")) this.advance();
      if (this.is("[")) {
        this.advance();
        while (!this.is("]")) fields.push([name, this.value(depth)]);
        this.advance();
      } else fields.push([name, this.value(depth)]);
    }
    if (close !== null) {
      if (this.atEnd) throw this.bad("a message that does not end; the file was cut short");
      this.advance();
    }
    return { fields };
  }

  private is(mark: string): boolean {
    return this.mark === mark;
  }

  private value(depth: number): TextValue {
    if (this.atEnd) throw this.bad("a field without a value; the file was cut short");
    if (this.mark === "{" || this.mark === "<") {
      const close = this.mark === "{" ? "}" : ">";
      this.advance();
      return this.message(close, depth + 1);
    }
    if (this.quote !== "") return this.quoted();
    if (this.word === null) throw this.bad("a field without a value");
    const { word } = this;
    this.advance();
    return word;
  }

  /** Strings that stand side by side are one. */
  private quoted(): Uint8Array {
    const pieces: Uint8Array[] = [];
    while (this.quote !== "") {
      const start = this.token.lastIndex;
      let end = start;
      while (this.text[end] !== this.quote) {
        if (end >= this.text.length || this.text[end] === "\n")
          throw this.bad("a text without its closing quote");
        end += this.text[end] === "\\" ? 2 : 1;
      }
      pieces.push(unescapeBytes(this.text.slice(start, end), () => this.bad("an unknown escape in a text")));
      this.token.lastIndex = end + 1;
      this.advance();
    }
    return pieces.length === 1 ? pieces[0] : Uint8Array.from(pieces.flatMap((piece) => [...piece]));
  }

  private advance(): void {
    const from = this.token.lastIndex;
    const found = this.token.exec(this.text);
    this.word = found?.[1] ?? found?.[2] ?? null;
    this.quote = found?.[3] ?? "";
    this.mark = found?.[4] ?? "";
    this.atEnd = found === null;
    if (found !== null) return;
    const skipped = /(?:[\s,;]|#[^\n]*)*/y;
    skipped.lastIndex = from;
    skipped.exec(this.text);
    this.token.lastIndex = skipped.lastIndex;
    if (skipped.lastIndex < this.text.length) throw this.bad("something that is no field");
  }

  private bad(what: string): AtomgradError {
    const line = this.text.slice(0, this.token.lastIndex).split("\n").length;
    return new AtomgradError("FORMAT", `${this.name}: line ${line}: ${what}; not a readable protobuf text`);
  }
}

const simple: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
  "'": 39,
  '"': 34,
  "?": 63,
};

/** C escapes: octal, hexadecimal and letters; other characters are UTF-8. */
function unescapeBytes(text: string, bad: () => AtomgradError): Uint8Array {
  if (!text.includes("\\")) return new TextEncoder().encode(text);
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at);
    if (code !== 92) {
      if (code < 128) bytes[length++] = code;
      else for (const byte of new TextEncoder().encode(text[at])) bytes[length++] = byte;
      at++;
      continue;
    }
    const next = text[at + 1];
    const octal = /^[0-7]{1,3}/.exec(text.slice(at + 1, at + 4));
    const hex = /^[xX]([0-9a-fA-F]{1,2})/.exec(text.slice(at + 1, at + 4));
    if (octal !== null) {
      bytes[length++] = parseInt(octal[0], 8) & 255;
      at += 1 + octal[0].length;
    } else if (hex !== null) {
      bytes[length++] = parseInt(hex[1], 16);
      at += 1 + hex[0].length;
    } else if (Object.hasOwn(simple, next)) {
      bytes[length++] = simple[next];
      at += 2;
    } else throw bad();
  }
  return bytes.slice(0, length);
}
