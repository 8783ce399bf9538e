#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { readFileSync } from "node:fs";
import { addEvalCommand } from "./eval.js";
import { reportError } from "./report-error.js";
import { addTestCommand } from "./test.js";
import { addTrainCommand } from "./train.js";

function version(): string {
  const path = new URL("../../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

const program = new Command("atomgrad")
  .description("Train, test and run atomistic machine-learning models. Units: eV, angstrom.")
  .version(version())
  .showSuggestionAfterError()
  .exitOverride();

addTrainCommand(program);
addTestCommand(program);
addEvalCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has already written its message; help and --version are no errors.
  process.exitCode = error instanceof CommanderError ? Math.min(1, error.exitCode) : reportError(error);
}
