/**
 * The entries of a JSON object, each value as it is spelled: `1.0` is a real number to whoever wrote it, `1` a whole one,
 * which `JSON.parse` cannot tell apart. The text must be valid JSON. Of keys that stand twice the last counts.
 */
export function jsonEntries(object: string): Map<string, string> {
  const entries = new Map<string, string>();
  eachEntry(object, (key, value) => {
    entries.set(key, value);
    return true;
  });
  return entries;
}

/** A key that stands in a JSON object twice; null where there is none. The text must be valid JSON. */
export function repeatedKey(object: string): string | null {
  const keys = new Set<string>();
  let repeated: string | null = null;
  eachEntry(object, (key) => {
    if (keys.has(key)) repeated = key;
    keys.add(key);
    return repeated === null;
  });
  return repeated;
}

const [quote, backslash, comma, colon, open, close, openList, closeList] = [34, 92, 44, 58, 123, 125, 91, 93];

/** @param visit gives whether to go on */
function eachEntry(object: string, visit: (key: string, value: string) => boolean): void {
  let depth = 0;
  let key: string | null = null;
  let start = -1;
  for (let at = 0; at < object.length; at++) {
    const code = object.charCodeAt(at);
    if (code === quote) {
      const from = at;
      at = stringEnd(object, at);
      if (depth === 1 && key === null) key = JSON.parse(object.slice(from, at + 1)) as string;
      continue;
    }
    if (code === open || code === openList) depth++;
    else if (code === close || code === closeList) depth--;
    else if (code === colon && depth === 1 && start < 0) start = at + 1;
    const isEnd = depth === 0 || (depth === 1 && code === comma);
    if (!isEnd || start < 0) continue;
    if (!visit(key!, object.slice(start, at).trim())) return;
    [key, start] = [null, -1];
  }
}

/** Where the quote stands that closes the string which begins at `at`. */
function stringEnd(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end;
    while (text.charCodeAt(before - 1) === backslash) before--;
    if ((end - before) % 2 === 0) return end;
  }
  return text.length - 1;
}
