#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../backends/cpu/addon.js";
import { addChangeBiasCommand, changeBiasExample } from "./change-bias.js";
import { addConvertBackendCommand, convertBackendExample } from "./convert-backend.js";
import { addConvertCommand, convertExample } from "./convert.js";
import { addEvalCommand, evalExample } from "./eval.js";
import { addEvalDescCommand, evalDescExample } from "./eval-desc.js";
import { addFreezeCommand, freezeExample } from "./freeze.js";
import { addInfoCommand, infoExample } from "./info.js";
import { addInspectCommand, inspectExample } from "./inspect.js";
import { addModelDeviCommand, modelDeviExample } from "./model-devi.js";
import { addNeighborStatCommand, neighborStatExample } from "./neighbor-stat.js";
import { addNeighborsCommand, neighborsExample } from "./neighbors.js";
import { reportError } from "./report-error.js";
import { addShowCommand, showExample } from "./show.js";
import { addTestCommand, testExample } from "./test.js";
import { addTpCommand, tpExample } from "./tp.js";
import { addTrainCommand, trainExample } from "./train.js";

function version(): string {
  const path = join(packageRoot(), "package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

const examples = [
  ...[trainExample, testExample, evalExample, evalDescExample, modelDeviExample, neighborStatExample],
  ...[showExample, infoExample, convertBackendExample, freezeExample, changeBiasExample],
  ...[convertExample, inspectExample, neighborsExample, tpExample],
];

const program = new Command("atomgrad")
  .description("Train, test and run atomistic machine-learning models. Units: eV, angstrom.")
  .version(version())
  .showSuggestionAfterError()
  .addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}`)
  .exitOverride();

addTrainCommand(program);
addTestCommand(program);
addEvalCommand(program);
addEvalDescCommand(program);
addModelDeviCommand(program);
addNeighborStatCommand(program);
addShowCommand(program);
addInfoCommand(program);
addConvertBackendCommand(program);
addFreezeCommand(program);
addChangeBiasCommand(program);
addConvertCommand(program);
addInspectCommand(program);
addNeighborsCommand(program);
addTpCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has already written its message; help and --version are no errors.
  process.exitCode = error instanceof CommanderError ? Math.min(1, error.exitCode) : reportError(error);
}
