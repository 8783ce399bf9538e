import { AtomgradError } from "../../tensor/error.js";

/** One data block of a CIF: single items, and loops by their tags. Tags are lower case. */
export interface CifBlock {
  readonly name: string;
  readonly items: Map<string, CifValue>;
  /** Column of a tag, shared rows per loop. */
  readonly loops: Map<string, readonly CifValue[]>;
}

export interface CifValue {
  /** The tag as the file spells it. */
  readonly tag: string;
  readonly text: string;
  readonly quoted: boolean;
}

interface Token {
  readonly text: string;
  readonly quoted: boolean;
  readonly line: number;
}

/** Splits a CIF (1.1) into its data blocks. `name` names the file in messages. */
export function parseCif(text: string, name: string): CifBlock[] {
  const blocks: CifBlock[] = [];
  const tokens = tokenize(text, name);
  let next = tokens.next();
  const fail = (line: number, what: string): never => {
    throw new AtomgradError("FORMAT", `${name}: line ${line}: ${what}`);
  };
  const isMark = (token: Token): boolean =>
    !token.quoted && /^(?:_|data_|loop_|save_|global_|stop_)/i.test(token.text);
  while (next.done !== true) {
    const token = next.value;
    const block = blocks.at(-1);
    const word = token.text.toLowerCase();
    if (!token.quoted && word.startsWith("data_")) {
      blocks.push({ name: token.text.slice(5), items: new Map(), loops: new Map() });
      next = tokens.next();
    } else if (block === undefined) {
      return fail(
        token.line,
        `${JSON.stringify(token.text.slice(0, 40))} stands before the first data_ block`,
      );
    } else if (!token.quoted && word === "loop_") {
      const tags: string[] = [];
      for (
        next = tokens.next();
        next.done !== true && !next.value.quoted && next.value.text[0] === "_";
        next = tokens.next()
      )
        tags.push(next.value.text);
      const columns = tags.map((): CifValue[] => []);
      let count = 0;
      for (; next.done !== true && !isMark(next.value); next = tokens.next())
        if (tags.length > 0)
          columns[count % tags.length].push({ ...next.value, tag: tags[count++ % tags.length] });
      if (tags.length === 0 || count % tags.length !== 0)
        return fail(
          token.line,
          `a loop of ${tags.length} tags holds ${count} values, no whole number of rows`,
        );
      tags.forEach((tag, k) => block.loops.set(tag.toLowerCase(), columns[k]));
    } else if (!token.quoted && token.text[0] === "_") {
      next = tokens.next();
      if (next.done === true || isMark(next.value))
        return fail(token.line, `${token.text.slice(0, 60)} has no value`);
      block.items.set(word, { ...next.value, tag: token.text });
      next = tokens.next();
    } else if (!token.quoted && isMark(token)) next = tokens.next();
    else return fail(token.line, `${JSON.stringify(token.text.slice(0, 40))} stands where a tag is expected`);
  }
  return blocks;
}

/** Words, quoted texts and text fields between semicolons at the beginning of lines. */
function* tokenize(text: string, name: string): Generator<Token, void> {
  const lines = text.split(/\r?\n/);
  for (let k = 0; k < lines.length; k++) {
    if (lines[k][0] === ";") {
      const start = k;
      const parts = [lines[k].slice(1)];
      for (k++; k < lines.length && lines[k][0] !== ";"; k++) parts.push(lines[k]);
      if (k === lines.length)
        throw new AtomgradError(
          "FORMAT",
          `${name}: line ${start + 1}: the text field that begins here has no end`,
        );
      yield { text: parts.join("\n"), quoted: true, line: start + 1 };
      yield* words(lines[k].slice(1), k + 1);
    } else yield* words(lines[k], k + 1);
  }
}

function* words(line: string, number: number): Generator<Token, void> {
  const pattern = /\s*(?:#.*|'((?:[^']|'(?=\S))*)'(?=\s|$)|"((?:[^"]|"(?=\S))*)"(?=\s|$)|(\S+))/y;
  for (let found = pattern.exec(line); found !== null; found = pattern.exec(line)) {
    const [, single, double, bare] = found;
    if (bare !== undefined) yield { text: bare, quoted: false, line: number };
    else if (single !== undefined || double !== undefined)
      yield { text: single ?? double, quoted: true, line: number };
    if (pattern.lastIndex >= line.length) return;
  }
}
