import type { Lines } from "./lines.js";

/** A piece of an XML text, in its order. Texts lie between tags; blank ones are left out. */
export type XmlEvent =
  | { readonly kind: "open"; readonly name: string; readonly attributes: ReadonlyMap<string, string> }
  | { readonly kind: "close"; readonly name: string }
  | { readonly kind: "text"; readonly text: string };

const maxDepth = 200;
const maxTag = 1 << 16;
const maxText = 1 << 20;

/**
 * The tags and texts of an XML file, checked to be nested rightly and closed. Comments and instructions are passed over;
 * document types are refused, so that no entity of a file is ever expanded.
 *
 * @throws AtomgradError FORMAT with the line
 */
export function* xmlEvents(lines: Lines): Generator<XmlEvent> {
  const open: string[] = [];
  for (const piece of pieces(lines)) {
    if (piece[0] !== "<") {
      if (piece.trim() !== "") yield { kind: "text", text: unescaped(piece) };
      continue;
    }
    if (piece.startsWith("<?")) continue;
    const found = /^<(\/?)([A-Za-z_][\w.:-]*)([^]*?)(\/?)>$/.exec(piece);
    if (found === null)
      throw lines.error(`${JSON.stringify(piece.slice(0, 40))} is no tag that is known here`);
    const [, slash, name, rest, single] = found;
    if (slash === "/") {
      const last = open.pop();
      if (last !== name) throw lines.error(`</${name}> stands where </${last ?? "nothing"}> is expected`);
      yield { kind: "close", name };
      continue;
    }
    if (open.length >= maxDepth) throw lines.error(`tags are nested more than ${maxDepth} deep`);
    yield { kind: "open", name, attributes: attributesOf(rest) };
    if (single === "/") yield { kind: "close", name };
    else open.push(name);
  }
  if (open.length > 0)
    throw lines.error(`ends inside <${open.at(-1)!}>; the file was cut short or is still being written`);
}

/** Tags with their brackets, and what lies between them; comments are left out. */
function* pieces(lines: Lines): Generator<string> {
  /** What stands open at the end of a line: a text, or a tag. Not to be looked into while it grows, which copies it. */
  let held = "";
  let isTag = false;
  let inComment = false;
  for (let line = lines.next(); line !== null; line = lines.next()) {
    let at = 0;
    if (held !== "" || inComment) line = `\n${line}`;
    while (at < line.length) {
      if (inComment) {
        const end = line.indexOf("-->", at);
        inComment = end < 0;
        at = inComment ? line.length : end + 3;
        continue;
      }
      if (held === "") isTag = line[at] === "<";
      if (isTag && held === "" && line.startsWith("<!--", at)) {
        inComment = true;
        at += 4;
        continue;
      }
      const end = line.indexOf(isTag ? ">" : "<", at);
      const stop = end < 0 ? line.length : isTag ? end + 1 : end;
      held += line.slice(at, stop);
      at = stop;
      if (held.length > (isTag ? maxTag : maxText))
        throw lines.error(`a ${isTag ? "tag" : "text"} of more than ${isTag ? maxTag : maxText} characters`);
      if (end < 0) break;
      yield held;
      held = "";
    }
  }
  if (inComment || held.trim() !== "")
    throw lines.error(
      `${inComment ? "a comment" : JSON.stringify(held.trim().slice(0, 40))} has no end; the file was cut short`,
    );
}

function attributesOf(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name, double, single] of text.matchAll(/([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g))
    found.set(name, unescaped(double ?? single));
  return found;
}

const entities: ReadonlyMap<string, string> = new Map([
  ["lt", "<"],
  ["gt", ">"],
  ["amp", "&"],
  ["quot", '"'],
  ["apos", "'"],
]);

function unescaped(text: string): string {
  return text.includes("&")
    ? text.replace(/&(\w+);/g, (whole, name: string) => entities.get(name) ?? whole)
    : text;
}
