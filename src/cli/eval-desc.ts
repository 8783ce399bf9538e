import type { Command } from "commander";
import { basename, join, resolve } from "node:path";
import { type FileToWrite, writeFilesAtomicSync } from "../data/atomic-write.js";
import { encodeNpy } from "../data/npy.js";
import { descriptorOfSystem, eachSystemFor } from "../models/deepmd/eval-system.js";
import { AtomgradError } from "../tensor/error.js";
import { precisionOption, typeMapOption } from "./options.js";
import { openPot } from "./open-pot.js";

export const evalDescExample = "atomgrad eval-desc -m model.dp -s data/quaternary/n128 -o desc";

interface Flags {
  model: string;
  system: string;
  output: string;
  precision?: string;
  typeMap?: string[];
}

export function addEvalDescCommand(program: Command): void {
  program
    .command("eval-desc")
    .description("descriptors of the atoms of DeePMD systems, as npy files")
    .requiredOption("-m, --model <MODEL>", "a model file")
    .requiredOption(
      "-s, --system <SYSTEM>",
      "a DeePMD system, a folder searched for systems, or HDF5 or LMDB data",
    )
    .option("-o, --output <DIR>", "where <name of the system folder>.npy [nf, N, D] goes", "desc")
    .option(...typeMapOption)
    .option("--precision <TYPE>", "compute in f32 or f64 (default: the model's)")
    .addHelpText("after", `\nExample:\n  ${evalDescExample}`)
    .action(async (flags: Flags) => {
      const precision = precisionOption(flags.precision);
      const pot = await openPot(flags.model, { precision, typeMap: flags.typeMap });
      const folders: string[] = [];
      const contents: FileToWrite["content"][] = [];
      for await (const system of eachSystemFor(pot, flags.system)) {
        const shape = [system.frameCount, system.atomCount, pot.descriptorWidth];
        folders.push(system.name);
        contents.push(encodeNpy({ dtype: "f8", shape, data: descriptorOfSystem(pot, system) }));
      }
      const names = namesOf(folders);
      const files = contents.map((content, k) => ({ path: join(flags.output, `${names[k]}.npy`), content }));
      writeFilesAtomicSync(files);
      for (const { path } of files) console.log(path);
    });
}

/** Names of the outputs. Two systems of one name would overwrite each other. */
function namesOf(folders: readonly string[]): string[] {
  const names = folders.map((folder) => basename(resolve(folder)));
  const twin = names.findIndex((name, k) => names.indexOf(name) !== k);
  if (twin < 0) return names;
  throw new AtomgradError(
    "FILE",
    `${names[twin]}: "${folders[names.indexOf(names[twin])]}" and "${folders[twin]}" would both be written to ${names[twin]}.npy; give them one at a time`,
  );
}
