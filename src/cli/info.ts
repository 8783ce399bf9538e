import type { Command } from "commander";
import { type Fact, modelFacts } from "../models/deepmd/describe.js";
import { readModel } from "../models/deepmd/model-file.js";
import { typeMapOption } from "./options.js";

export const infoExample = "atomgrad info model.ckpt-2000.safetensors";

export function addInfoCommand(program: Command): void {
  program
    .command("info")
    .description("a model file in a few lines: types, cutoff, nets, sizes, training")
    .argument("<MODEL>", "a model file")
    .option(...typeMapOption)
    .option("--json", "as one JSON object")
    .addHelpText("after", `\nExample:\n  ${infoExample}`)
    .action(async (path: string, flags: { json?: boolean; typeMap?: string[] }) => {
      const facts = modelFacts(await readModel(path, flags));
      if (flags.json === true) console.log(JSON.stringify(facts));
      else for (const [name, value] of Object.entries(facts)) console.log(`${name.padEnd(22)}${text(value)}`);
    });
}

function text(value: Fact): string {
  if (value === null) return "not known";
  return Array.isArray(value) ? value.join(" ") : String(value);
}
