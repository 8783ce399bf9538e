import { parseReal, wordsOf } from "../text/numbers.js";

/** Whether a line may be an atom's of a file without Properties: a name and three numbers. */
export function isAtomLine(line: string): boolean {
  const words = wordsOf(line);
  return words.length >= 4 && [1, 2, 3].every((k) => parseReal(words[k]) !== null);
}

/** Whether a frame can begin with these two lines. A comment may be a whole number too; an atom follows it. */
export function startsXyzFrame(line: string, next: string): boolean {
  return /^\d{1,15}$/.test(line) && (next.includes("=") || !isAtomLine(next));
}

/** The comments of the frames that begin in a piece of text; empty for a text that does not begin with a frame. */
export function xyzComments(text: string): { readonly comments: readonly string[]; readonly atom: string } {
  const comments: string[] = [];
  let atom = "";
  let at = text.length - text.trimStart().length;
  const line = (): string | null => {
    if (at >= text.length) return null;
    const end = text.indexOf("\n", at);
    const found = text.slice(at, end < 0 ? text.length : end);
    at = end < 0 ? text.length : end + 1;
    return found;
  };
  for (let head = line(); head !== null; head = line()) {
    if (head.trim() === "") continue;
    const comment = /^\d{1,15}$/.test(head.trim()) ? line() : null;
    if (comment === null) break;
    comments.push(comment);
    for (let left = Number(head); left > 0 && at < text.length; left--) {
      const next = line()!;
      if (comments.length === 1 && atom === "") atom = next;
    }
  }
  return { comments, atom };
}
