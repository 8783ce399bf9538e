/**
 * The entries of a JSON object, each value as it is spelled: `1.0` is a real number to whoever wrote it, `1` a whole one,
 * which `JSON.parse` cannot tell apart. The text must be valid JSON. Of keys that stand twice the last counts.
 */
export function jsonEntries(object: string): Map<string, string> {
  return new Map(entriesOf(object));
}

/** A key that stands in a JSON object twice; null where there is none. The text must be valid JSON. */
export function repeatedKey(object: string): string | null {
  const keys = new Set<string>();
  for (const [key] of entriesOf(object)) {
    if (keys.has(key)) return key;
    keys.add(key);
  }
  return null;
}

function* entriesOf(object: string): Generator<readonly [string, string]> {
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;
  let depth = 0;
  let key: string | null = null;
  let start = -1;
  for (let match = token.exec(object); match !== null; match = token.exec(object)) {
    const [mark] = match;
    if (mark === "{" || mark === "[") depth++;
    else if (mark === "}" || mark === "]") depth--;
    if (depth === 1 && key === null && mark[0] === '"') key = JSON.parse(mark) as string;
    else if (depth === 1 && start < 0 && mark === ":") start = token.lastIndex;
    else if (start >= 0 && (depth === 0 || (depth === 1 && mark === ","))) {
      yield [key!, object.slice(start, match.index).trim()];
      [key, start] = [null, -1];
    }
  }
}
