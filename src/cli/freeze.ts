import type { Command } from "commander";
import { extname } from "node:path";
import { newestCheckpoint } from "../models/deepmd/newest-checkpoint.js";
import { readModel } from "../models/deepmd/model-file.js";
import { saveModel, writableModel } from "../models/deepmd/save-model.js";

export const freezeExample = "atomgrad freeze -c . -o model.dp";

export function addFreezeCommand(program: Command): void {
  program
    .command("freeze")
    .description("the model of the newest checkpoint, without what only a restart needs")
    .option("-c, --checkpoint-folder <PATH>", "a folder of checkpoints, or one checkpoint", ".")
    .option(
      "-o, --output <FILE>",
      ".safetensors (added where there is no ending), .dp or .yaml",
      "frozen_model",
    )
    .addHelpText("after", `\nExample:\n  ${freezeExample}`)
    .action(async (flags: { checkpointFolder: string; output: string }) => {
      const output = extname(flags.output) === "" ? `${flags.output}.safetensors` : flags.output;
      writableModel(output);
      const checkpoint = newestCheckpoint(flags.checkpointFolder);
      const notes = await saveModel(output, { ...(await readModel(checkpoint)), training: undefined });
      for (const note of notes) console.error(`${output}: ${note}`);
      console.log(`${checkpoint} -> ${output}`);
    });
}
