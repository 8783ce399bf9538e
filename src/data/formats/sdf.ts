import { makeStructure, textField, type Field, type Structure } from "../structure.js";
import { fieldOfWords } from "../text/field-text.js";
import type { Lines } from "../text/lines.js";
import { withLines } from "../text/lines.js";
import { LongText } from "../text/long-text.js";
import { parseInteger, parseReal, shown, wordsOf } from "../text/numbers.js";
import type { StructureFormat } from "./format.js";
import { samplePieces, startsByLines } from "./sample-text.js";
import { elementOfName } from "./species.js";

/** Structure-data files of molecules: molfiles V2000 and V3000 with data items, separated by `$$$$`. */
export const sdf: StructureFormat = {
  name: "sdf",
  extensions: [".sdf", ".mol", ".sd"],
  sniff: ({ text }) => /^(?:.*\r?\n){3}[ \d]{6}.*V[23]000/.test(text),
  read: (path) => withLines(path, readMolecules),
  sample: (path, count) => samplePieces(path, count, { starts: moleculeStarts, read: readMolecules }),
};

/** Letters of a data item. */
const longestItem = 1 << 24;
const mostItems = 10_000;

function moleculeStarts(piece: string, from: number, most: number): number[] {
  const after = startsByLines(piece, from, most, (_line, _next, before) => before.startsWith("$$$$"));
  return from === 0 ? [0, ...after].slice(0, most) : after;
}

interface Molecule {
  readonly atomicNumbers: number[];
  readonly positions: number[];
}

function* readMolecules(lines: Lines): Generator<Structure> {
  while (hasMore(lines)) {
    const title = lines.need("the name of a molecule").trim();
    lines.need("the program line");
    lines.need("the comment line");
    const counts = lines.need("the counts line");
    const molecule: Molecule = { atomicNumbers: [], positions: [] };
    if (counts.includes("V3000")) readV3000(lines, molecule);
    else readV2000(lines, molecule, counts);
    const info = readItems(lines);
    if (title !== "" && !info.has("name")) info.set("name", textField(title));
    yield makeStructure({
      atomicNumbers: Int32Array.from(molecule.atomicNumbers),
      positions: Float64Array.from(molecule.positions),
      info,
      keys: ["atoms", ...info.keys()],
    });
  }
}

/** Whether anything but blank lines is left; the lines of a molecule may be blank, so only its end decides. */
function hasMore(lines: Lines): boolean {
  const blank: string[] = [];
  for (
    let line = lines.peek();
    line !== null && line.trim() === "" && blank.length < 2;
    line = lines.peek()
  ) {
    const skipped = lines.next()!;
    blank.push(skipped);
    if (lines.peek() === null) return false;
    lines.putBack(skipped);
    return looksLikeHeader(lines);
  }
  return lines.peek() !== null;
}

/** A molecule without a name begins with a blank line; its fourth line holds the counts. */
function looksLikeHeader(lines: Lines): boolean {
  const taken = [lines.next(), lines.next(), lines.next(), lines.next()];
  for (const line of taken.reverse()) if (line !== null) lines.putBack(line);
  return taken.some((line) => line !== null && line.trim() !== "");
}

function readV2000(lines: Lines, molecule: Molecule, counts: string): void {
  const atoms = parseInteger(counts.slice(0, 3).trim());
  const bonds = parseInteger(counts.slice(3, 6).trim()) ?? 0;
  if (atoms === null || atoms < 0)
    throw lines.error(`${shown(counts.trim())} is no counts line of a molfile`);
  for (let atom = 0; atom < atoms; atom++) {
    const line = lines.need(`atom ${atom + 1} of ${atoms}`);
    const fixed = [line.slice(0, 10), line.slice(10, 20), line.slice(20, 30), line.slice(31, 34)].map(
      (part) => part.trim(),
    );
    const words = parseReal(fixed[2]) === null ? wordsOf(line) : fixed;
    addAtom(lines, molecule, words[3], words.slice(0, 3));
  }
  for (let bond = 0; bond < bonds; bond++) lines.need(`bond ${bond + 1} of ${bonds}`);
  // Properties follow; a table without an end was cut short.
  for (let line = lines.need("M  END"); !line.startsWith("M  END"); line = lines.need("M  END"))
    if (/^(?:\$\$\$\$|>)/.test(line))
      throw lines.error(`${shown(line.trim())} stands where "M  END" is expected, which ends every molfile`);
}

function readV3000(lines: Lines, molecule: Molecule): void {
  let inAtoms = false;
  for (let line = lines.need("M  END"); !line.startsWith("M  END"); line = lines.need("M  END")) {
    const text = line.replace(/^M\s+V30\s*/, "").trim();
    if (/^BEGIN ATOM/.test(text)) inAtoms = true;
    else if (/^END ATOM/.test(text)) inAtoms = false;
    else if (inAtoms) {
      const words = wordsOf(text);
      addAtom(lines, molecule, words[1], words.slice(2, 5));
    }
  }
}

function addAtom(lines: Lines, molecule: Molecule, name: string | undefined, words: readonly string[]): void {
  const z = /^(?:A|Q|\*|R#?\d*|L|LP)$/.test(name ?? "") ? 0 : elementOfName(name ?? "");
  if (z === null) throw lines.error(`${shown(name ?? "")} is no element`);
  const position = words.map(parseReal);
  if (position.length !== 3 || position.includes(null))
    throw lines.error(`${shown(words.join(" "))} stands where three coordinates are needed`);
  molecule.atomicNumbers.push(z);
  molecule.positions.push(...(position as number[]));
}

/** Data items up to the end of the molecule: `> <NAME>`, lines of values, a blank line. */
function readItems(lines: Lines): Map<string, Field> {
  const info = new Map<string, Field>();
  let name: string | null = null;
  let count = 0;
  let values = new LongText(longestItem);
  const keep = (): void => {
    if (name !== null) info.set(name, itemField(values.toString(), count));
    name = null;
    count = 0;
    values = new LongText(longestItem);
  };
  let isOpen = false;
  let line = lines.next();
  for (; line !== null && !line.startsWith("$$$$"); line = lines.next()) {
    const head = /^>[^<]*<([^>]*)>/.exec(line);
    if (head !== null) {
      keep();
      name = head[1];
      isOpen = true;
    } else if (line.trim() === "") {
      keep();
      isOpen = false;
    } else if (name === null) isOpen ||= line.startsWith(">");
    else if (!values.add(count++ === 0 ? line : `\n${line}`))
      throw lines.error(
        `the data item ${shown(name)} is longer than ${longestItem} characters; leave it out`,
      );
    if (info.size > mostItems) throw lines.error(`a molecule of more than ${mostItems} data items; split it`);
  }
  if (line === null && isOpen)
    throw lines.error(
      `ends within the data item ${shown(name ?? "")}, behind which a blank line is expected; the file was cut short`,
    );
  keep();
  return info;
}

function itemField(text: string, lineCount: number): Field {
  const field = fieldOfWords([text.trim()], []);
  return lineCount === 1 && text.trim() !== "" && field.kind !== "text" ? field : textField(text);
}
