import type { Command } from "commander";
import { eachSystemFor } from "../models/deepmd/eval-system.js";
import { averageErrors, compareSystem, type SystemErrors } from "../train/deepmd/test-errors.js";
import { DetailFiles } from "../train/deepmd/test-detail.js";
import { formatAverage, formatSystem } from "../train/deepmd/test-report.js";
import { typeMapOption, wholeOption } from "./options.js";
import { openPot } from "./open-pot.js";

export const testExample = "atomgrad test -m model.dp -s data/quaternary -d detail";

interface Flags {
  model: string;
  system: string;
  numbTest: string;
  detailFile?: string;
  typeMap?: string[];
}

export function addTestCommand(program: Command): void {
  program
    .command("test")
    .description("compare a model with the labels of DeePMD systems")
    .requiredOption("-m, --model <MODEL>", "a model file")
    .requiredOption(
      "-s, --system <SYSTEM>",
      "a DeePMD system, a folder searched for systems, or HDF5 or LMDB data",
    )
    .option(...typeMapOption)
    .option("-n, --numb-test <N>", "frames of each system to test; 0: all", "0")
    .option("-d, --detail-file <PREFIX>", "write label and prediction of every value to PREFIX.*.out")
    .addHelpText("after", `\nExample:\n  ${testExample}`)
    .action(async (flags: Flags) => {
      const most = wholeOption(flags.numbTest, "-n", 0);
      const pot = await openPot(flags.model, { typeMap: flags.typeMap });
      const detail = flags.detailFile === undefined ? undefined : new DetailFiles(flags.detailFile);
      const all: SystemErrors[] = [];
      for await (const system of eachSystemFor(pot, flags.system)) {
        const compared = compareSystem(
          pot,
          system,
          most === 0 ? system.frameCount : Math.min(most, system.frameCount),
        );
        all.push(compared.errors);
        detail?.add(system.name, compared);
        console.log(formatSystem(system.name, compared.errors));
      }
      detail?.write();
      console.log(formatAverage(averageErrors(all), all.length));
    });
}
