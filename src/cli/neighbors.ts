import type { Command } from "commander";
import { basename } from "node:path";
import { openCpu } from "../backends/cpu/cpu.js";
import type { Structure } from "../data/structure.js";
import { openStructures } from "../data/structures.js";
import { type NeighborList, neighborListInParts } from "../geometry/neighbor-list.js";
import { AtomgradError } from "../tensor/error.js";
import { realOption } from "./options.js";
import { writeOut } from "./standard-output.js";

export const neighborsExample = "atomgrad neighbors crystals.extxyz --rcut 5.0 --json";

interface Flags {
  readonly rcut: string;
  readonly json?: boolean;
}

/** Pairs put into one piece of text. */
const pairsPerPiece = 4096;

/** `atomgrad neighbors`: the full directed neighbour list of every structure of a file. */
export function addNeighborsCommand(program: Command): void {
  program
    .command("neighbors")
    .description("neighbour lists of structures: all pairs closer than a cutoff, periodic images included")
    .argument("<STRUCTURES>", "a structure file or folder (extxyz, POSCAR, CIF, ...)")
    .requiredOption("--rcut <R>", "cutoff radius, angstrom; pairs at exactly this distance are left out")
    .option("--json", "one JSON object a line: index, natoms, count, pairs [i, j, Sx, Sy, Sz], distances")
    .addHelpText(
      "after",
      `\nD = r_j - r_i + S . cell with the positions as they stand in the file. Without --json: counts only.\n\nExample:\n  ${neighborsExample}`,
    )
    .action(async (path: string, flags: Flags) => {
      const rcut = realOption(flags.rcut, "--rcut", 0);
      const { frames } = await openStructures(path);
      openCpu();
      let index = 0;
      for (const structure of frames) {
        const where = `${basename(path)}: structure ${index}`;
        const text = flags.json === true ? jsonLine(index, structure, rcut) : summary(index, structure, rcut);
        if (!writeOut(naming(text, where))) return;
        index++;
      }
    });
}

/** Errors of the search get to know where the structure stands. */
function* naming(pieces: Iterable<string>, where: string): Generator<string> {
  try {
    yield* pieces;
  } catch (error) {
    if (!(error instanceof AtomgradError)) throw error;
    throw new AtomgradError(error.code, `${where}: ${error.message}`, { cause: error });
  }
}

function* summary(index: number, structure: Structure, rcut: number): Generator<string> {
  let [count, nearest] = [0, Infinity];
  for (const part of neighborListInParts(structure, rcut)) {
    count = part.total;
    nearest = part.distance.reduce((a, b) => Math.min(a, b), nearest);
  }
  const distance = count > 0 ? `, nearest ${nearest.toFixed(6)} angstrom` : "";
  yield `structure ${index}: ${structure.atomicNumbers.length} atoms, ${count} pairs${distance}\n`;
}

/** Searches twice, first for the pairs and then for their distances, so that long lists are never held. */
function* jsonLine(index: number, structure: Structure, rcut: number): Generator<string> {
  let written = 0;
  for (const part of neighborListInParts(structure, rcut)) {
    if (written === 0)
      yield `{"index":${index},"natoms":${structure.atomicNumbers.length},"count":${part.total},"pairs":[`;
    for (let e = 0; e < part.count; e += pairsPerPiece)
      yield (written + e > 0 ? "," : "") + pairsText(part, e, Math.min(part.count, e + pairsPerPiece));
    written = Math.max(written + part.count, 1);
  }
  yield '],"distances":[';
  written = 0;
  for (const { count, distance } of neighborListInParts(structure, rcut)) {
    for (let e = 0; e < count; e += pairsPerPiece)
      yield (written + e > 0 ? "," : "") + distance.subarray(e, e + pairsPerPiece).join(",");
    written += count;
  }
  yield "]}\n";
}

function pairsText({ edgeIndex: [j, i], edgeShift: s }: NeighborList, from: number, to: number): string {
  let text = "";
  for (let e = from; e < to; e++) {
    if (e > from) text += ",";
    text += `[${i[e]},${j[e]},${s[3 * e]},${s[3 * e + 1]},${s[3 * e + 2]}]`;
  }
  return text;
}
