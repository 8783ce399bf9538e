import { makeStructure, textField, type Structure } from "../structure.js";
import type { Lines } from "../text/lines.js";
import { withLines } from "../text/lines.js";
import { formatReal, parseInteger, parseReal, shown, wordsOf } from "../text/numbers.js";
import { writeTextPieces } from "../text/write-text.js";
import { WordSpans } from "../text/word-spans.js";
import type { StructureFormat } from "./format.js";
import { readSpecies, speciesName } from "./species.js";
import { sampleText } from "./sample-text.js";

/** Plain XYZ: number of atoms, a free comment, an element and three coordinates a line. */
export const xyz: StructureFormat = {
  name: "xyz",
  extensions: [".xyz"],
  sniff: ({ text }) => {
    const [count, comment, atom] = text.trimStart().split("\n", 3);
    if (!/^\d{1,15}\s*$/.test(count) || comment === undefined || comment.includes("=")) return false;
    return isAtom(atom ?? "");
  },
  read: (path) => withLines(path, readFrames),
  sample: (path, count) => sampleText(path, count, { startsFrame, read: readFrames }),
  write: (path, structures) => writeTextPieces(path, formatFrames(structures)),
};

/** A comment may be a whole number too; an atom follows it. */
function startsFrame(line: string, next: string): boolean {
  return /^\d{1,15}$/.test(line) && !isAtom(next);
}

function isAtom(line: string): boolean {
  const words = wordsOf(line);
  return words.length >= 4 && [1, 2, 3].every((k) => parseReal(words[k]) !== null);
}

function* readFrames(lines: Lines): Generator<Structure> {
  const spans = new WordSpans();
  for (let head = lines.nextFilled(); head !== null; head = lines.nextFilled()) {
    const atoms = parseInteger(head.trim());
    if (atoms === null || atoms < 0)
      throw lines.error(`${shown(head.trim())} stands where the number of atoms of a frame is expected`);
    if (8 * atoms > lines.size)
      throw lines.error(`${atoms} atoms are announced, more than a file of ${lines.size} bytes can hold`);
    const comment = lines.need("the comment line of a frame").trim();
    const positions = new Float64Array(3 * atoms);
    const names: string[] = [];
    for (let atom = 0; atom < atoms; atom++) names.push(readAtom(lines, spans, positions, atom, atoms));
    const species = readSpecies(names);
    if (typeof species === "number")
      throw lines.error(
        `the frame that ends here names ${shown(names[species])}; symbols of elements are needed`,
      );
    yield makeStructure({
      atomicNumbers: species.atomicNumbers,
      species: species.names,
      positions,
      info: comment === "" ? new Map() : new Map([["comment", textField(comment)]]),
      keys: comment === "" ? bareKeys : commentKeys,
    });
  }
}

const bareKeys = ["species", "pos"];
const commentKeys = [...bareKeys, "comment"];

function readAtom(
  lines: Lines,
  spans: WordSpans,
  positions: Float64Array,
  atom: number,
  atoms: number,
): string {
  if (!lines.take()) lines.need(`atom ${atom + 1} of ${atoms}`);
  const count = spans.find(lines.text, lines.start, lines.end);
  if (count < 4) throw lines.error(`${count} words for an atom; element x y z are needed`);
  for (let k = 0; k < 3; k++) {
    const value = spans.real(k + 1);
    if (value === null) throw lines.error(`${shown(spans.word(k + 1))} stands where a coordinate is needed`);
    positions[3 * atom + k] = value;
  }
  return spans.word(0);
}

function* formatFrames(structures: Iterable<Structure>): Generator<string> {
  for (const structure of structures) {
    const { atomicNumbers, positions, info } = structure;
    const comment = info.get("comment");
    const text = comment?.kind === "text" && comment.shape.length === 0 ? String(comment.data[0]) : "";
    let out = `${atomicNumbers.length}\n${text.replace(/[\r\n=]+/g, " ")}\n`;
    for (let atom = 0; atom < atomicNumbers.length; atom++) {
      const at = [0, 1, 2].map((k) => formatReal(positions[3 * atom + k])).join(" ");
      out += `${speciesName(structure, atom)} ${at}\n`;
    }
    yield out;
  }
}
