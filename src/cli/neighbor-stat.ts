import type { Command } from "commander";
import { neighborStatistics } from "../train/deepmd/neighbor-statistics.js";
import { pythonText } from "../models/deepmd/python-text.js";
import { realOption } from "./options.js";

export const neighborStatExample = "atomgrad neighbor-stat -s data -r 6.0 -t Nb Mo Ta W --mixed-type";

interface Flags {
  system: string;
  rcut: string;
  typeMap?: string[];
  mixedType?: boolean;
}

export function addNeighborStatCommand(program: Command): void {
  program
    .command("neighbor-stat")
    .description("shortest distance and largest numbers of neighbours in DeePMD systems")
    .requiredOption(
      "-s, --system <SYSTEM>",
      "a DeePMD system, a folder searched for systems, or HDF5 or LMDB data",
    )
    .requiredOption("-r, --rcut <RCUT>", "cutoff radius, angstrom")
    .option("-t, --type-map <TYPE...>", "names of the types (default: those of the data)")
    .option("--mixed-type", "count neighbours of all types together, as se_atten's sel does")
    .addHelpText("after", `\nExample:\n  ${neighborStatExample}`)
    .action(async (flags: Flags) => {
      const rcut = realOption(flags.rcut, "-r", 0);
      const found = await neighborStatistics(flags.system, rcut, flags.typeMap, "-t");
      if (flags.typeMap === undefined && found.typeMap !== null)
        console.log(`type_map: ${pythonText(found.typeMap, () => false)}`);
      const sizes = flags.mixedType === true ? [found.total] : [...found.byType];
      console.log(
        `min_nbor_dist: ${Number.isFinite(found.minDistance) ? found.minDistance.toFixed(6) : "inf"}`,
      );
      console.log(`max_nbor_size: ${numpyList(sizes)}`);
    });
}

/** A list of whole numbers as numpy prints it: padded to one width. */
function numpyList(values: readonly number[]): string {
  const width = Math.max(...values.map((value) => String(value).length));
  return `[${values.map((value) => String(value).padStart(width)).join(" ")}]`;
}
