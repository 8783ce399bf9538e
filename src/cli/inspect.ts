import type { Command } from "commander";
import { inspectFile } from "../data/inspect/inspect.js";
import { inspectDeepmdModel } from "../models/inspect-weights.js";
import { writeOut } from "./standard-output.js";

interface Flags {
  readonly json?: boolean;
  readonly hash?: boolean;
}

export const inspectExample = "atomgrad inspect train.extxyz --json";

/** `atomgrad inspect`: what a structure set or a weight file holds. */
export function addInspectCommand(program: Command): void {
  program
    .command("inspect")
    .description("report what a structure set or a weight file holds, and what looks wrong in it")
    .argument("<FILE>", "a structure file or folder, or a weight file")
    .option("--json", "one JSON object on one line")
    .option("--hash", "add the SHA-256 of every tensor of a weight file")
    .addHelpText(
      "after",
      `\nExamples:\n  ${inspectExample}\n  atomgrad inspect model.ckpt-2000.safetensors --hash`,
    )
    .action(async (path: string, flags: Flags) => {
      const report = await inspectFile(path, { hash: flags.hash, readers: [inspectDeepmdModel] });
      writeOut([`${JSON.stringify(report, null, flags.json === true ? undefined : 2)}\n`]);
    });
}
