import type { Command } from "commander";
import { existsSync } from "node:fs";
import { writeFileAtomicSync } from "../data/atomic-write.js";
import { readBytes } from "../data/read-file.js";
import type { DeepPot } from "../models/deepmd/deep-pot.js";
import { evalSystem, eachSystemFor } from "../models/deepmd/eval-system.js";
import { AtomgradError } from "../tensor/error.js";
import { formatDeviations, modelDeviation } from "../train/deepmd/model-deviation.js";
import { realOption, typeMapOption, wholeOption } from "./options.js";
import { openPot } from "./open-pot.js";

export const modelDeviExample = "atomgrad model-devi -m a.dp b.dp c.dp -s data -o model_devi.out --atomic";

interface Flags {
  models: string[];
  system: string;
  output: string;
  frequency: string;
  atomic?: boolean;
  relative?: string;
  relative_v?: string;
  real_error?: boolean;
  typeMap?: string[];
}

const largestOutput = 1 << 30;

export function addModelDeviCommand(program: Command): void {
  program
    .command("model-devi")
    .description("how far several models differ on DeePMD systems: model_devi.out")
    .requiredOption("-m, --models <MODEL...>", "two or more model files with the same type map")
    .requiredOption(
      "-s, --system <SYSTEM>",
      "a DeePMD system, a folder searched for systems, or HDF5 or LMDB data",
    )
    .option("-o, --output <FILE>", "blocks are appended to this file", "model_devi.out")
    .option(...typeMapOption)
    .option("-f, --frequency <N>", "steps between frames: the first column is frame x N", "1")
    .option("--atomic", "also the force deviation of every atom")
    .option("--relative <L>", "force deviations divided by the mean force + L, eV/angstrom")
    .option("--relative_v <L>", "virial deviations divided by the mean virial + L, eV")
    .option("--real_error", "root mean square errors against the labels instead of deviations")
    .addHelpText("after", `\nExample:\n  ${modelDeviExample}`)
    .action(async (flags: Flags) => {
      const frequency = wholeOption(flags.frequency, "-f", 0);
      const level = (text: string | undefined, option: string): number | undefined =>
        text === undefined ? undefined : realOption(text, option);
      const options = {
        realError: flags.real_error,
        relative: level(flags.relative, "--relative"),
        relativeVirial: level(flags.relative_v, "--relative_v"),
      };
      const pots = await loadAll(flags);
      const blocks: string[] = [];
      for await (const system of eachSystemFor(pots[0], flags.system)) {
        const results = pots.map((pot) => evalSystem(pot, system));
        const deviations = modelDeviation(system, results, options);
        blocks.push(formatDeviations(system.name, deviations, frequency, flags.atomic === true));
      }
      const before = existsSync(flags.output) ? readBytes(flags.output, largestOutput) : new Uint8Array(0);
      writeFileAtomicSync(flags.output, [before, new TextEncoder().encode(blocks.join(""))]);
      console.log(`${blocks.length} ${blocks.length === 1 ? "system" : "systems"} -> ${flags.output}`);
    });
}

async function loadAll({ models: paths, real_error, typeMap }: Flags): Promise<DeepPot[]> {
  if (paths.length < 2 && real_error !== true)
    throw new AtomgradError("CONFIG", "-m: one model does not differ from itself; give two or more");
  const pots: DeepPot[] = [];
  for (const path of paths) pots.push(await openPot(path, { typeMap }));
  const [first] = pots;
  pots.forEach((pot, k) => {
    if (pot.typeMap.join(" ") !== first.typeMap.join(" "))
      throw new AtomgradError(
        "VALUE",
        `-m ${paths[k]}: its type_map is ${pot.typeMap.join(" ")}, that of ${paths[0]} is ${first.typeMap.join(" ")}; give models with the same one`,
      );
  });
  return pots;
}
