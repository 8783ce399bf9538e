#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../backends/cpu/addon.js";
import { reportError } from "./report-error.js";

function version(): string {
  const path = join(packageRoot(), "package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

/** A command: what adds it to the program, and a line that shows it. */
type AddCommand = (program: Command) => void;
type Loaded = readonly [AddCommand, string];

/** Code is loaded for the command that is asked for only: that of all takes several times as long as a small file. */
const commands: ReadonlyMap<string, () => Promise<Loaded>> = new Map<string, () => Promise<Loaded>>([
  ["train", () => import("./train.js").then((m) => [m.addTrainCommand, m.trainExample])],
  ["test", () => import("./test.js").then((m) => [m.addTestCommand, m.testExample])],
  ["eval", () => import("./eval.js").then((m) => [m.addEvalCommand, m.evalExample])],
  ["eval-desc", () => import("./eval-desc.js").then((m) => [m.addEvalDescCommand, m.evalDescExample])],
  ["model-devi", () => import("./model-devi.js").then((m) => [m.addModelDeviCommand, m.modelDeviExample])],
  [
    "neighbor-stat",
    () => import("./neighbor-stat.js").then((m) => [m.addNeighborStatCommand, m.neighborStatExample]),
  ],
  ["show", () => import("./show.js").then((m) => [m.addShowCommand, m.showExample])],
  ["info", () => import("./info.js").then((m) => [m.addInfoCommand, m.infoExample])],
  [
    "convert-backend",
    () => import("./convert-backend.js").then((m) => [m.addConvertBackendCommand, m.convertBackendExample]),
  ],
  ["freeze", () => import("./freeze.js").then((m) => [m.addFreezeCommand, m.freezeExample])],
  [
    "change-bias",
    () => import("./change-bias.js").then((m) => [m.addChangeBiasCommand, m.changeBiasExample]),
  ],
  ["convert", () => import("./convert.js").then((m) => [m.addConvertCommand, m.convertExample])],
  ["inspect", () => import("./inspect.js").then((m) => [m.addInspectCommand, m.inspectExample])],
  ["neighbors", () => import("./neighbors.js").then((m) => [m.addNeighborsCommand, m.neighborsExample])],
  ["tp", () => import("./tp.js").then((m) => [m.addTpCommand, m.tpExample])],
]);

const program = new Command("atomgrad")
  .description("Train, test and run atomistic machine-learning models. Units: eV, angstrom.")
  .version(version())
  .showSuggestionAfterError()
  .exitOverride();

const asked = commands.get(process.argv[2] ?? "");
const loaded = await Promise.all(
  (asked === undefined ? [...commands.values()] : [asked]).map((load) => load()),
);
for (const [add] of loaded) add(program);
const examples = loaded.map(([, example]) => `  ${example}`).join("\n");
program.addHelpText("after", `\nExamples:\n${examples}`);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has already written its message; help and --version are no errors.
  process.exitCode = error instanceof CommanderError ? Math.min(1, error.exitCode) : reportError(error);
}
