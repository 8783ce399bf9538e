import type { Command } from "commander";
import { readModel } from "../models/deepmd/model-file.js";
import { typeMapOption } from "./options.js";
import { saveModel, writableModel } from "../models/deepmd/save-model.js";

export const convertBackendExample = "atomgrad convert-backend frozen_model.pth model.dp";

export function addConvertBackendCommand(program: Command): void {
  program
    .command("convert-backend")
    .description("write a model in another format: .safetensors, .dp, .yaml; others can be read")
    .argument("<IN>", "a model file")
    .argument("<OUT>", "the file to write: .safetensors, .dp or .yaml")
    .option(...typeMapOption)
    .addHelpText("after", `\nExample:\n  ${convertBackendExample}`)
    .action(async (input: string, output: string, options: { typeMap?: string[] }) => {
      writableModel(output);
      const notes = await saveModel(output, { ...(await readModel(input, options)), training: undefined });
      for (const note of notes) console.error(`${output}: ${note}`);
      console.log(`${input} -> ${output}`);
    });
}
