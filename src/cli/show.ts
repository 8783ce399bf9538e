import { Argument, type Command } from "commander";
import { describeModel, type ModelAttribute, modelAttributes } from "../models/deepmd/describe.js";
import { readModel } from "../models/deepmd/model-file.js";
import { typeMapOption } from "./options.js";

export const showExample = "atomgrad show model.dp type-map descriptor fitting-net size observed-type";

export function addShowCommand(program: Command): void {
  program
    .command("show")
    .description("print what a model file holds, as dp show does")
    .argument("<MODEL>", "a model file")
    .addArgument(new Argument("<ATTRIBUTES...>", "what to print").choices(modelAttributes))
    .option(...typeMapOption)
    .addHelpText("after", `\nExample:\n  ${showExample}`)
    .action(async (path: string, attributes: ModelAttribute[], flags: { typeMap?: string[] }) => {
      const model = await readModel(path, flags);
      console.log(describeModel(model, attributes).join("\n"));
    });
}
