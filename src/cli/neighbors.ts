import type { Command } from "commander";
import { basename } from "node:path";
import { openCpu } from "../backends/cpu/cpu.js";
import type { Structure } from "../data/structure.js";
import { openStructures } from "../data/structures.js";
import { type NeighborList, neighborList } from "../geometry/neighbor-list.js";
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
        const list = listOf(structure, rcut, `${basename(path)}: structure ${index}`);
        const pieces =
          flags.json === true ? jsonLine(index, structure, list) : summary(index, structure, list);
        if (!writeOut(pieces)) return;
        index++;
      }
    });
}

function listOf({ positions, cell, pbc }: Structure, rcut: number, where: string): NeighborList {
  try {
    return neighborList(positions, cell, pbc, rcut);
  } catch (error) {
    if (!(error instanceof AtomgradError)) throw error;
    throw new AtomgradError(error.code, `${where}: ${error.message}`, { cause: error });
  }
}

function* summary(index: number, { atomicNumbers }: Structure, list: NeighborList): Generator<string> {
  const nearest = list.distance.reduce((a, b) => Math.min(a, b), Infinity);
  const distance = list.count > 0 ? `, nearest ${nearest.toFixed(6)} angstrom` : "";
  yield `structure ${index}: ${atomicNumbers.length} atoms, ${list.count} pairs${distance}\n`;
}

function* jsonLine(index: number, { atomicNumbers }: Structure, list: NeighborList): Generator<string> {
  const { count, distance } = list;
  yield `{"index":${index},"natoms":${atomicNumbers.length},"count":${count},"pairs":[`;
  for (let e = 0; e < count; e += pairsPerPiece) yield pairsText(list, e, Math.min(count, e + pairsPerPiece));
  yield '],"distances":[';
  for (let e = 0; e < count; e += pairsPerPiece)
    yield (e > 0 ? "," : "") + distance.subarray(e, e + pairsPerPiece).join(",");
  yield "]}\n";
}

function pairsText({ edgeIndex: [j, i], edgeShift: s }: NeighborList, from: number, to: number): string {
  let text = "";
  for (let e = from; e < to; e++) {
    text += `${e > 0 ? "," : ""}[${i[e]},${j[e]},${s[3 * e]},${s[3 * e + 1]},${s[3 * e + 2]}]`;
  }
  return text;
}
