/** Where a JSON text breaks the syntax, and what stands there instead of what. */
export interface JsonProblem {
  readonly offset: number;
  readonly message: string;
}

type State = "value" | "firstItem" | "key" | "firstKey" | "colon" | "next" | "end";

const spaces = /[ \t\n\r]*/y;
const literal = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.])|(?:true|false|null)(?!\w))/y;
const plainCharacters = /[^"\\\u0000-\u001f]*/y;
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

const expected: Record<State, string> = {
  value: "a value",
  firstItem: 'a value or "]"',
  key: "a key in double quotes",
  firstKey: 'a key in double quotes or "}"',
  colon: '":" after the key',
  next: "",
  end: "nothing more",
};

type Kind = "{" | "}" | "[" | "]" | "," | ":" | "string" | "literal";

interface Token {
  readonly kind: Kind;
  readonly end: number;
}

interface Opened {
  readonly mark: "{" | "[";
  readonly offset: number;
}

/** Finds the first syntax error of a text that is not JSON; null when the text is JSON. Never recursive. */
export function findJsonProblem(text: string): JsonProblem | null {
  const open: Opened[] = [];
  let state: State = "value";
  let comma = -1;
  for (let offset = skip(spaces, text, 0); ; offset = skip(spaces, text, offset)) {
    const token = tokenAt(text, offset);
    if (token === null) return atNoToken(text, offset, state, open);
    const { kind } = token;
    const top = open.at(-1)?.mark;
    const after = nextState(kind, state, top);
    if (after === null) {
      const closing = comma >= 0 && (kind === "}" || kind === "]") && closes(kind, top);
      if (closing) return { offset: comma, message: `a comma stands before "${kind}"; remove it` };
      return wrong(text, offset, state, top);
    }
    if (kind === "{" || kind === "[") open.push({ mark: kind, offset });
    if (kind === "}" || kind === "]") open.pop();
    comma = kind === "," ? offset : -1;
    state = after === "next" && open.length === 0 ? "end" : after;
    offset = token.end;
  }
}

/** What may follow a token; null where the token may not stand. */
function nextState(kind: Kind, state: State, top: Opened["mark"] | undefined): State | null {
  const value = state === "value" || state === "firstItem";
  switch (kind) {
    case "{":
      return value ? "firstKey" : null;
    case "[":
      return value ? "firstItem" : null;
    case "}":
      return top === "{" && (state === "next" || state === "firstKey") ? "next" : null;
    case "]":
      return top === "[" && (state === "next" || state === "firstItem") ? "next" : null;
    case ",":
      return state === "next" ? (top === "{" ? "key" : "value") : null;
    case ":":
      return state === "colon" ? "value" : null;
    case "string":
      return state === "key" || state === "firstKey" ? "colon" : value ? "next" : null;
    case "literal":
      return value ? "next" : null;
  }
}

function tokenAt(text: string, offset: number): Token | null {
  const character = text[offset];
  if (character === undefined) return null;
  if ("{}[],:".includes(character)) return { kind: character as Kind, end: offset + 1 };
  if (character !== '"') {
    const end = skip(literal, text, offset);
    return end > offset ? { kind: "literal", end } : null;
  }
  for (let at = offset + 1; ;) {
    at = skip(plainCharacters, text, at);
    if (text[at] === '"') return { kind: "string", end: at + 1 };
    const end = skip(escape, text, at);
    if (end === at) return null;
    at = end;
  }
}

/** The end of what a sticky pattern matches at `offset`, or `offset`. */
function skip(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset;
  return pattern.test(text) ? pattern.lastIndex : offset;
}

/** "line 3, column 7" of an offset, both counted from 1. */
export function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return `line ${line}, column ${offset - before.lastIndexOf("\n")}`;
}

function closes(mark: "}" | "]", top: Opened["mark"] | undefined): boolean {
  return (mark === "}" && top === "{") || (mark === "]" && top === "[");
}

function wrong(text: string, offset: number, state: State, top: Opened["mark"] | undefined): JsonProblem {
  const needed = state === "next" ? `"," or "${top === "{" ? "}" : "]"}"` : expected[state];
  return { offset, message: `${needed} is expected, found ${shown(text, offset)}` };
}

function atNoToken(text: string, offset: number, state: State, open: readonly Opened[]): JsonProblem | null {
  if (offset >= text.length) {
    const last = open.at(-1);
    if (last === undefined) return state === "end" ? null : { offset, message: "the text is empty" };
    const line = lineAndColumn(text, last.offset);
    return { offset, message: `the text ends, but the "${last.mark}" of ${line} is not closed` };
  }
  const here = text.slice(offset, offset + 2);
  if (here === "//" || here === "/*" || here[0] === "#") {
    return { offset, message: 'comments are not JSON; use a key that begins with "_", such as "_comment"' };
  }
  if (here[0] === "'") return { offset, message: "single quotes are not JSON; use double quotes" };
  if (here[0] === '"')
    return { offset, message: "a text is not closed, or holds a line break or a wrong escape" };
  if (/^(NaN|-?Infinity)/.test(text.slice(offset, offset + 12))) {
    return { offset, message: `${shown(text, offset)} is not a JSON number; give a finite one` };
  }
  if (/^(True|False|None)\b/.test(text.slice(offset, offset + 12))) {
    return { offset, message: `${shown(text, offset)} is Python; JSON says true, false, null` };
  }
  return wrong(text, offset, state, open.at(-1)?.mark);
}

function shown(text: string, offset: number): string {
  const word = /^(?:"[^"\n]{0,30}"?|[^\s,:{}[\]"]{1,30}|.)/su.exec(text.slice(offset, offset + 40));
  return word === null ? "the end" : word[0];
}
