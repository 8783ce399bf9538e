import type { Command } from "commander";
import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { writeFilesAtomicSync, type FileToWrite } from "../data/atomic-write.js";
import { readDeepmdSystem } from "../data/deepmd-npy.js";
import { encodeNpy } from "../data/npy.js";
import { DeepPot } from "../models/deepmd/deep-pot.js";
import { AtomgradError } from "../tensor/error.js";

interface Flags {
  model: string;
  system: string;
  output: string;
  atomic?: boolean;
  precision?: string;
}

export function addEvalCommand(program: Command): void {
  program
    .command("eval")
    .description("energies, forces and virials of a DeePMD system, as npy files")
    .requiredOption("-m, --model <MODEL>", "a model file (.safetensors, .dp, .yaml)")
    .requiredOption("-s, --system <SYSTEM>", "a DeePMD system folder")
    .requiredOption("-o, --output <DIR>", "where energy.npy, force.npy, virial.npy, atom_energy.npy go")
    .option("--atomic", "also write atom_virial.npy")
    .option("--precision <TYPE>", "compute in f32 or f64 (default: the model's)")
    .addHelpText(
      "after",
      "\nExample:\n  atomgrad eval -m model.ckpt-2000.safetensors -s data/quaternary -o results",
    )
    .action(async (flags: Flags) => {
      if (flags.precision !== undefined && flags.precision !== "f32" && flags.precision !== "f64")
        throw new AtomgradError("CONFIG", `--precision ${flags.precision}: allowed are f32 and f64`);
      const pot = await DeepPot.load(flags.model, { precision: flags.precision });
      const system = readDeepmdSystem(flags.system, { typeMap: pot.typeMap });
      const { frameCount: nf, atomCount: n } = system;
      const result = pot.evalSync(system.positions, system.cells, system.types, {
        atomic: true,
        frames: nf,
      });
      const file = (name: string, width: number, data: Float64Array): FileToWrite => ({
        path: join(flags.output, `${name}.npy`),
        content: encodeNpy({ dtype: "f8", shape: [nf, width], data }),
      });
      try {
        mkdirSync(flags.output, { recursive: true });
      } catch (cause) {
        throw new AtomgradError(
          "FILE",
          `${basename(flags.output)}: the output folder cannot be made; change -o`,
          { cause },
        );
      }
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
