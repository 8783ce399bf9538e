import type { Command } from "commander";
import { join } from "node:path";
import { writeFilesAtomicSync, type FileToWrite } from "../data/atomic-write.js";
import { encodeNpy } from "../data/npy.js";
import { evalSystem, openSystemFor } from "../models/deepmd/eval-system.js";
import { precisionOption, typeMapOption } from "./options.js";
import { openPot } from "./open-pot.js";

export const evalExample = "atomgrad eval -m model.dp -s data/quaternary/n128 -o results --atomic";

interface Flags {
  model: string;
  system: string;
  output: string;
  atomic?: boolean;
  precision?: string;
  typeMap?: string[];
}

export function addEvalCommand(program: Command): void {
  program
    .command("eval")
    .description("energies, forces and virials of a DeePMD system, as npy files")
    .requiredOption("-m, --model <MODEL>", "a model file")
    .requiredOption("-s, --system <SYSTEM>", "a DeePMD system: a folder, or HDF5 or LMDB data that hold one")
    .requiredOption("-o, --output <DIR>", "where energy.npy, force.npy, virial.npy, atom_energy.npy go")
    .option("--atomic", "also write atom_virial.npy")
    .option(...typeMapOption)
    .option("--precision <TYPE>", "compute in f32 or f64 (default: the model's)")
    .addHelpText("after", `\nExample:\n  ${evalExample}`)
    .action(async (flags: Flags) => {
      const pot = await openPot(flags.model, {
        precision: precisionOption(flags.precision),
        typeMap: flags.typeMap,
      });
      const system = await openSystemFor(pot, flags.system);
      const { frameCount: nf, atomCount: n } = system;
      const result = evalSystem(pot, system, { atomic: true });
      const file = (name: string, width: number, data: Float64Array): FileToWrite => ({
        path: join(flags.output, `${name}.npy`),
        content: encodeNpy({ dtype: "f8", shape: [nf, width], data }),
      });
      writeFilesAtomicSync([
        file("energy", 1, result.energy),
        file("force", 3 * n, result.force),
        file("virial", 9, result.virial),
        file("atom_energy", n, result.atomEnergy!),
        ...(flags.atomic === true ? [file("atom_virial", 9 * n, result.atomVirial!)] : []),
      ]);
      console.log(`${nf} frames of ${n} atoms -> ${flags.output}`);
    });
}
