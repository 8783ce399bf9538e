import type { Structure } from "../structure.js";
import { structureLine, withLines } from "../text/lines.js";
import { formatReal } from "../text/numbers.js";
import { writeTextPieces } from "../text/write-text.js";
import { readFrames } from "./extxyz.js";
import type { StructureFormat } from "./format.js";
import { sampleText } from "./sample-text.js";
import { knownName } from "./species.js";
import { isAtomLine, startsXyzFrame, xyzComments } from "./xyz-frames.js";

/** Plain XYZ: number of atoms, a free comment, an element and three coordinates a line. A frame whose comment has `key=value` pairs after all is read as extended XYZ. */
export const xyz: StructureFormat = {
  name: "xyz",
  extensions: [".xyz"],
  sniff: ({ text }) => {
    const { comments, atom } = xyzComments(text);
    return comments.length > 0 && !comments.some((comment) => comment.includes("=")) && isAtomLine(atom);
  },
  read: (path) => withLines(path, readFrames, { longestLine: structureLine }),
  readWanted: (path, wanted) =>
    withLines(path, (lines) => readFrames(lines, wanted), { longestLine: structureLine }),
  sample: (path, count) =>
    sampleText(path, count, { startsFrame: startsXyzFrame, read: readFrames, longestLine: structureLine }),
  write: (path, structures) => writeTextPieces(path, formatFrames(structures)),
};

function* formatFrames(structures: Iterable<Structure>): Generator<string> {
  for (const structure of structures) {
    const { atomicNumbers, positions, info } = structure;
    const comment = info.get("comment");
    const text = comment?.kind === "text" && comment.shape.length === 0 ? String(comment.data[0]) : "";
    let out = `${atomicNumbers.length}\n${text.replace(/[\r\n=]+/g, " ")}\n`;
    for (let atom = 0; atom < atomicNumbers.length; atom++) {
      const at = [0, 1, 2].map((k) => formatReal(positions[3 * atom + k])).join(" ");
      out += `${knownName(structure, atom)} ${at}\n`;
    }
    yield out;
  }
}
