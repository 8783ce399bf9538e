import type { Command } from "commander";
import { basename, extname } from "node:path";
import type { DeepmdSystem } from "../data/deepmd-system.js";
import { eachSystemFor } from "../models/deepmd/eval-system.js";
import { readModel } from "../models/deepmd/model-file.js";
import { saveModel, writableModel } from "../models/deepmd/save-model.js";
import { AtomgradError } from "../tensor/error.js";
import {
  type BiasMode,
  biasFromSystems,
  givenBias,
  type NewBias,
  withBias,
} from "../train/deepmd/model-bias.js";
import { realOption, typeMapOption, wholeOption } from "./options.js";
import { openPot } from "./open-pot.js";

export const changeBiasExample = "atomgrad change-bias model.dp -s data -m change -o changed.dp";

interface Flags {
  system: string;
  biasValue?: string[];
  numbBatch: string;
  mode: string;
  output?: string;
  typeMap?: string[];
}

export function addChangeBiasCommand(program: Command): void {
  program
    .command("change-bias")
    .description("change the energy bias of every type, by the energies of DeePMD systems or to given values")
    .argument("<MODEL>", "a model file")
    .option(
      "-s, --system <SYSTEM>",
      "a DeePMD system, a folder searched for systems, or HDF5 or LMDB data",
      ".",
    )
    .option("-b, --bias-value <EV...>", "the bias of every type, eV, instead of -s")
    .option(...typeMapOption)
    .option("-n, --numb-batch <N>", "frames of each system to use; 0: all", "0")
    .option("-m, --mode <MODE>", "change: add what the model misses; set: by the labels alone", "change")
    .option("-o, --output <FILE>", "the file to write (default: <MODEL>_updated)")
    .addHelpText("after", `\nExample:\n  ${changeBiasExample}`)
    .action(async (path: string, flags: Flags) => {
      const most = wholeOption(flags.numbBatch, "-n", 0);
      if (flags.mode !== "change" && flags.mode !== "set")
        throw new AtomgradError("CONFIG", `-m ${flags.mode}: allowed are change and set`);
      const output =
        flags.output ?? `${path.slice(0, path.length - extname(path).length)}_updated${extname(path)}`;
      writableModel(output);
      const model = await readModel(path, flags);
      const bias =
        flags.biasValue === undefined
          ? await fromSystems(path, flags, flags.mode, most)
          : givenBias(
              model,
              flags.biasValue.map((text) => realOption(text, "-b")),
              basename(path),
            );
      const changed = withBias(model, bias);
      for (const note of await saveModel(output, changed.model)) console.error(`${output}: ${note}`);
      const list = (values: ArrayLike<number>): string =>
        `[${Array.from(values, (x) => x.toPrecision(10)).join(" ")}]`;
      console.log(
        `Change output bias of ${(model.config.type_map ?? []).join(" ")} from ${list(changed.before)} to ${list(changed.after)}`,
      );
      console.log(`Saved model to ${output}`);
    });
}

async function fromSystems(path: string, flags: Flags, mode: BiasMode, most: number): Promise<NewBias> {
  const pot = await openPot(path, { typeMap: flags.typeMap });
  const systems: DeepmdSystem[] = [];
  for await (const one of eachSystemFor(pot, flags.system)) systems.push(one);
  return biasFromSystems(pot, systems, mode, most);
}
