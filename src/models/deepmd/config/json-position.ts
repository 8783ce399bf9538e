/** Where a JSON text breaks the syntax, and what stands there instead of what. */
export interface JsonProblem {
  readonly offset: number;
  readonly message: string;
}

type State = "value" | "firstItem" | "key" | "firstKey" | "colon" | "next" | "end";

const token =
  /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)))/y;

const expected: Record<State, string> = {
  value: "a value",
  firstItem: 'a value or "]"',
  key: "a key in double quotes",
  firstKey: 'a key in double quotes or "}"',
  colon: '":" after the key',
  next: "",
  end: "nothing more",
};

/** Finds the first syntax error of a text that is not JSON; null when the text is JSON. Never recursive. */
export function findJsonProblem(text: string): JsonProblem | null {
  const open: { mark: "{" | "["; offset: number }[] = [];
  let state: State = "value";
  let lastComma = -1;
  token.lastIndex = 0;
  for (;;) {
    const start = token.lastIndex;
    const found = token.exec(text);
    const offset = start + /^[ \t\n\r]*/.exec(text.slice(start))![0].length;
    if (found === null) return atNoToken(text, offset, state, open);
    const [, mark, string, other] = found;
    const top = open.at(-1)?.mark;
    if (mark === "{" || mark === "[") {
      if (state !== "value" && state !== "firstItem") return wrong(text, offset, state, top);
      open.push({ mark, offset });
      state = mark === "{" ? "firstKey" : "firstItem";
    } else if (mark === "}" || mark === "]") {
      if (
        (state === "key" || state === "value") &&
        offset > lastComma &&
        lastComma >= 0 &&
        closes(mark, top)
      ) {
        return { offset: lastComma, message: `a comma stands before "${mark}"; remove it` };
      }
      const ends = state === "next" || (mark === "}" ? state === "firstKey" : state === "firstItem");
      if (!ends || !closes(mark, top)) return wrong(text, offset, state, top);
      open.pop();
      state = open.length === 0 ? "end" : "next";
    } else if (mark === ",") {
      if (state !== "next") return wrong(text, offset, state, top);
      lastComma = offset;
      state = top === "{" ? "key" : "value";
      continue;
    } else if (mark === ":") {
      if (state !== "colon") return wrong(text, offset, state, top);
      state = "value";
    } else if (string !== undefined && (state === "key" || state === "firstKey")) {
      state = "colon";
    } else if ((string ?? other) !== undefined && (state === "value" || state === "firstItem")) {
      state = open.length === 0 ? "end" : "next";
    } else {
      return wrong(text, offset, state, top);
    }
    lastComma = -1;
  }
}

/** "line 3, column 7" of an offset, both counted from 1. */
export function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return `line ${line}, column ${offset - before.lastIndexOf("\n")}`;
}

function closes(mark: "}" | "]", top: "{" | "[" | undefined): boolean {
  return (mark === "}" && top === "{") || (mark === "]" && top === "[");
}

function wrong(text: string, offset: number, state: State, top: "{" | "[" | undefined): JsonProblem {
  const needed = state === "next" ? `"," or "${top === "{" ? "}" : "]"}"` : expected[state];
  return { offset, message: `${needed} is expected, found ${shown(text, offset)}` };
}

function atNoToken(
  text: string,
  offset: number,
  state: State,
  open: readonly { mark: "{" | "["; offset: number }[],
): JsonProblem | null {
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
  if (/^(NaN|-?Infinity)/.test(text.slice(offset))) {
    return { offset, message: `${shown(text, offset)} is not a JSON number; give a finite one` };
  }
  if (/^(True|False|None)\b/.test(text.slice(offset))) {
    return { offset, message: `${shown(text, offset)} is Python; JSON says true, false, null` };
  }
  return wrong(text, offset, state, open.at(-1)?.mark);
}

function shown(text: string, offset: number): string {
  const word = /^(?:"[^"\n]{0,30}"?|[^\s,:{}[\]"]{1,30}|.)/su.exec(text.slice(offset, offset + 40));
  return word === null ? "the end" : word[0];
}
