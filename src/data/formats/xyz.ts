import type { Structure } from "../structure.js";
import { formatReal } from "../text/numbers.js";
import { writeTextPieces } from "../text/write-text.js";
import { xyzReading } from "./extxyz.js";
import type { StructureFormat } from "./format.js";
import { knownName } from "./species.js";
import { isAtomLine, xyzComments } from "./xyz-frames.js";

/** Plain XYZ: number of atoms, a free comment, an element and three coordinates a line. A frame whose comment has `key=value` pairs after all is read as extended XYZ. */
export const xyz: StructureFormat = {
  name: "xyz",
  extensions: [".xyz"],
  sniff: ({ text }) => {
    const { comments, atom } = xyzComments(text);
    return comments.length > 0 && !comments.some((comment) => comment.includes("=")) && isAtomLine(atom);
  },
  ...xyzReading,
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
