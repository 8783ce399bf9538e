import type { Command } from "commander";
import { findDeepmdSystems } from "../data/deepmd-systems.js";
import { readDeepmdSystem } from "../data/deepmd-npy.js";
import { DeepPot } from "../models/deepmd/deep-pot.js";
import { AtomgradError } from "../tensor/error.js";
import { averageErrors, compareSystem, type SystemErrors } from "../train/deepmd/test-errors.js";
import { DetailFiles } from "../train/deepmd/test-detail.js";
import { formatAverage, formatSystem } from "../train/deepmd/test-report.js";

interface Flags {
  model: string;
  system: string;
  numbTest: string;
  detailFile?: string;
}

export function addTestCommand(program: Command): void {
  program
    .command("test")
    .description("compare a model with the labels of DeePMD systems")
    .requiredOption("-m, --model <MODEL>", "a model file (.safetensors, .dp, .yaml)")
    .requiredOption("-s, --system <SYSTEM>", "a DeePMD system, or a folder searched for systems")
    .option("-n, --numb-test <N>", "frames of each system to test; 0: all", "0")
    .option("-d, --detail-file <PREFIX>", "write label and prediction of every value to PREFIX.*.out")
    .addHelpText(
      "after",
      "\nExample:\n  atomgrad test -m model.ckpt-2000.safetensors -s data/quaternary -d detail",
    )
    .action(async (flags: Flags) => {
      const most = Number(flags.numbTest);
      if (!Number.isInteger(most) || most < 0)
        throw new AtomgradError("CONFIG", `-n ${flags.numbTest}: give a whole number of frames, 0 for all`);
      const folders = findDeepmdSystems(flags.system);
      const pot = await DeepPot.load(flags.model);
      const detail = flags.detailFile === undefined ? undefined : new DetailFiles(flags.detailFile);
      const all: SystemErrors[] = [];
      for (const folder of folders) {
        const system = readDeepmdSystem(folder, { typeMap: pot.typeMap });
        const compared = compareSystem(
          pot,
          system,
          most === 0 ? system.frameCount : Math.min(most, system.frameCount),
        );
        all.push(compared.errors);
        detail?.add(folder, compared);
        console.log(formatSystem(folder, compared.errors));
      }
      detail?.write();
      console.log(formatAverage(averageErrors(all), folders.length));
    });
}
