import { Command, CommanderError } from "commander";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { cpus } from "node:os";
import { basename, join, relative } from "node:path";
import { getIsa, getThreads, openCpu } from "../backends/cpu/cpu.js";
import { packageRoot } from "../backends/cpu/addon.js";
import { writeFileAtomicSync } from "../data/atomic-write.js";
import { readDeepmdSystem } from "../data/deepmd-npy.js";
import { findDeepmdSystems } from "../data/deepmd-systems.js";
import { DeepPot } from "../models/deepmd/deep-pot.js";
import { AtomgradError } from "../tensor/error.js";
import { heldOutEvery, holdOut } from "../train/deepmd/hold-out.js";
import type { MetricsRow } from "../train/deepmd/metrics-file.js";
import { trainDeepmd } from "../train/deepmd/run.js";
import { compareSystem } from "../train/deepmd/test-errors.js";
import { formatReport } from "../train/report/report.js";
import { type Limits, type TestFigures, testFigures } from "../train/report/test-figures.js";
import { reportError } from "./report-error.js";

interface Flags {
  data?: string;
  minutes: string;
  steps?: string;
  output: string;
}

/** What is trained on and tested on, and the settings that follow from it. */
interface Plan {
  readonly title: string;
  readonly train: string;
  readonly test: string;
  readonly typeMap: readonly string[];
  readonly sel: number | string | undefined;
  readonly limits: Limits | undefined;
}

/** The parts of the input that this command fills in; all else stays as examples/nbmotaw.json says. */
interface Input {
  _comment?: string;
  model: {
    type_map: readonly string[];
    descriptor: Record<string, unknown>;
    fitting_net: Record<string, unknown>;
  };
  learning_rate: Record<string, unknown>;
  training: Record<string, unknown> & { training_data: object; validation_data: object };
}

const alloyLimits: Limits = { energy: 0.1, force: 0.5 };
const fewestSteps = 50;
const mostSteps = 4000;
/** Steps timed before the length of the training is chosen. */
const timedSteps = 30;
/** How far a training may run over its time, on a machine that became slower, before it is stopped. */
const patience = 1.12;

async function start(flags: Flags): Promise<boolean> {
  const minutes = number(flags.minutes, "--minutes", 0.05);
  const asked = flags.steps === undefined ? undefined : Math.round(number(flags.steps, "--steps", 1));
  openCpu();
  const folder = flags.output;
  for (const old of ["data", "timing"]) rmSync(join(folder, old), { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const plan = flags.data === undefined ? alloys() : ownData(flags.data, join(folder, "data"));
  const steps = asked ?? (await chooseSteps(plan, folder, minutes));
  const { curve, model, seconds, done } = await train(
    plan,
    folder,
    steps,
    asked === undefined ? minutes : Infinity,
  );
  const figures = await test(plan, model);
  printFigures(figures);
  const passed = figures.summary.every(({ limit, rmse }) => limit === undefined || rmse <= limit);
  const verdict = `${done} steps in ${duration(seconds)}; on frames it never saw: ${figures.summary
    .map((row) => `${row.quantity} RMSE ${row.rmse.toPrecision(3)} ${row.unit}`)
    .join(", ")}.`;
  const report = join(folder, "report.html");
  const page = {
    title: plan.title,
    verdict,
    curve,
    ...figures,
    settings: settings(plan, folder, done),
    machine: machine(),
  };
  writeFileAtomicSync(report, formatReport(page));
  console.log(`\nmodel   ${model}\ncurve   ${join(folder, "lcurve.out")}\nreport  ${report}`);
  if (!passed)
    console.error("the errors are above the limits: something is wrong with this build or this training");
  return passed;
}

function number(text: string, option: string, least: number): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  throw new AtomgradError("CONFIG", `${option} ${text}: give a number of at least ${least}`);
}

function alloys(): Plan {
  const data = relative(process.cwd(), join(packageRoot(), "examples", "data", "nbmotaw")) || ".";
  const typeMap = ["Nb", "Mo", "Ta", "W"];
  console.log(
    "se_atten on Nb-Mo-Ta-W alloys: trained on pure elements and pairs, tested on cells of all four elements",
  );
  const title = "se_atten on Nb-Mo-Ta-W alloys";
  return {
    title,
    train: join(data, "train"),
    test: join(data, "quaternary"),
    typeMap,
    sel: undefined,
    limits: alloyLimits,
  };
}

function ownData(source: string, target: string): Plan {
  const parts = holdOut(source, target);
  console.log(
    `se_atten on ${source}: every ${heldOutEvery}th frame of each system is held out (${parts.testFrames} frames), ` +
      `${parts.trainFrames} frames to train on`,
  );
  const { train, test, typeMap } = parts;
  return {
    title: `se_atten on ${basename(source)}`,
    train,
    test,
    typeMap,
    sel: "auto:1.1",
    limits: undefined,
  };
}

/** Writes the input of a run into its folder. */
function writeInput(plan: Plan, folder: string, steps: number): string {
  const template = readFileSync(join(packageRoot(), "examples", "nbmotaw.json"), "utf8");
  const input = JSON.parse(template) as Input;
  delete input._comment;
  input.model.type_map = plan.typeMap;
  if (plan.sel !== undefined) input.model.descriptor.sel = plan.sel;
  input.learning_rate.decay_steps = Math.max(1, Math.round(steps / 60));
  Object.assign(input.training, {
    training_data: { ...input.training.training_data, systems: plan.train },
    validation_data: { ...input.training.validation_data, systems: plan.test },
    numb_steps: steps,
    disp_file: join(folder, "lcurve.out"),
    disp_freq: Math.max(1, Math.round(steps / 150)),
    save_ckpt: join(folder, "model"),
    save_freq: steps,
    // Counting kept checkpoints would count those of an earlier, longer run in this folder, and remove the new one.
    max_ckpt_keep: 0,
  });
  const path = join(folder, "input.json");
  writeFileAtomicSync(path, `${JSON.stringify(input, null, 2)}\n`);
  return path;
}

/** Times a few steps and says how many fit. */
async function chooseSteps(plan: Plan, folder: string, minutes: number): Promise<number> {
  const scratch = join(folder, "timing");
  const stop = new AbortController();
  let first = 0;
  let counted = 0;
  mkdirSync(scratch, { recursive: true });
  await trainDeepmd(writeInput(plan, scratch, mostSteps), {
    output: join(scratch, "out.json"),
    signal: stop.signal,
    onStep: (done) => {
      // The first steps fill the memory pool.
      if (done === 3) first = performance.now();
      counted = done - 3;
      if (done === 3 + timedSteps || (counted > 0 && performance.now() - first > 12_000)) stop.abort();
    },
  });
  const perStep = (performance.now() - first) / counted;
  rmSync(scratch, { recursive: true });
  const fit = Math.floor((minutes * 60_000) / perStep / 100) * 100;
  const steps = Math.min(mostSteps, Math.max(fewestSteps, fit));
  console.log(`${perStep.toFixed(0)} ms a step on ${getThreads()} threads (${getIsa()}): ${steps} steps`);
  return steps;
}

interface Trained {
  readonly curve: readonly MetricsRow[];
  readonly model: string;
  readonly seconds: number;
  readonly done: number;
}

async function train(plan: Plan, folder: string, steps: number, minutes: number): Promise<Trained> {
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const curve: MetricsRow[] = [];
  const started = performance.now();
  const progress = new Progress();
  const result = await trainDeepmd(writeInput(plan, folder, steps), {
    output: join(folder, "out.json"),
    signal: stop.signal,
    onMessage: (text) => console.log(text),
    onRow: (row) => {
      curve.push(row);
      progress.row(row);
    },
    onStep: (done, total) => {
      progress.step(done, total);
      if (performance.now() - started > minutes * 60_000 * patience) stop.abort();
    },
  });
  process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  if (result.interrupted) console.log(`stopped after ${result.steps} of ${steps} steps`);
  return { curve, model: result.model, seconds: (performance.now() - started) / 1000, done: result.steps };
}

/** A line for every twentieth of the training, and on a terminal one more that is written over. */
class Progress {
  private last: MetricsRow | undefined;
  private nextLine = 0;
  /** When the first step was done: what comes before it is no measure of a step. */
  private first = 0;

  row(row: MetricsRow): void {
    this.last = row;
  }

  step(done: number, total: number): void {
    if (done === 1) this.first = performance.now();
    const isLine = done === total || done >= this.nextLine;
    if (!isLine && !process.stdout.isTTY) return;
    const seconds = ((performance.now() - this.first) / 1000 / Math.max(1, done - 1)) * (total - done);
    const left = done === 1 ? "" : `  ${duration(seconds)} left`;
    const text = `step ${String(done).padStart(String(total).length)}/${total}  ${this.errors()}${left}`;
    if (process.stdout.isTTY) process.stdout.write(`\r${text}\x1b[K${isLine ? "\n" : ""}`);
    else console.log(text);
    if (isLine) this.nextLine = (Math.floor((done * 20) / total) + 1) * (total / 20);
  }

  private errors(): string {
    if (this.last === undefined) return "";
    const { training, validation } = this.last;
    const of = (name: "rmse_f" | "rmse_e", unit: string): string =>
      Number.isFinite(training[name])
        ? `${name} ${training[name].toFixed(3)} (test ${(validation?.[name] ?? NaN).toFixed(3)}) ${unit}`
        : "";
    return [of("rmse_f", "eV/Å"), of("rmse_e", "eV/atom")].filter((text) => text !== "").join("  ");
  }
}

async function test(plan: Plan, model: string): Promise<TestFigures> {
  const pot = await DeepPot.load(model);
  try {
    const read = (folder: string) => readDeepmdSystem(folder, { typeMap: pot.typeMap });
    const compared = findDeepmdSystems(plan.test).map((folder) => {
      const system = read(folder);
      return compareSystem(pot, system, system.frameCount);
    });
    return testFigures(compared, findDeepmdSystems(plan.train).map(read), plan.typeMap, plan.limits);
  } finally {
    pot.dispose();
  }
}

function printFigures({ summary, elements }: TestFigures): void {
  console.log("\non frames it never saw        RMSE   labels' std   constant model");
  for (const row of summary) {
    const name = `${row.quantity}, ${row.unit}`.padEnd(24);
    const numbers = [
      row.rmse.toFixed(4).padStart(10),
      row.spread.toFixed(4).padStart(14),
      row.constant.toFixed(4).padStart(17),
    ];
    const limit =
      row.limit === undefined
        ? ""
        : `   (${row.rmse <= row.limit ? "below" : "ABOVE"} the limit ${row.limit})`;
    console.log(`${name}${numbers.join("")}${limit}`);
  }
  const parts = elements.map(({ element, rmse }) => `${element} ${rmse.toFixed(3)}`);
  if (parts.length > 0) console.log(`force RMSE by element: ${parts.join(", ")} eV/Å`);
}

function settings(plan: Plan, folder: string, steps: number): [string, string][] {
  const out = JSON.parse(readFileSync(join(folder, "out.json"), "utf8")) as Input;
  const text = (section: Record<string, unknown>, keys: readonly string[]): string =>
    keys.map((key) => `${key} ${JSON.stringify(section[key])}`).join(", ");
  const { descriptor, fitting_net: fitting } = out.model;
  return [
    ["training frames", plan.train],
    ["test frames", plan.test],
    ["elements", plan.typeMap.join(" ")],
    [
      "descriptor",
      text(descriptor, [
        "type",
        "rcut",
        "rcut_smth",
        "sel",
        "neuron",
        "axis_neuron",
        "attn",
        "attn_layer",
        "precision",
      ]),
    ],
    ["fitting net", text(fitting, ["neuron", "precision"])],
    ["learning rate", text(out.learning_rate, ["type", "start_lr", "stop_lr", "decay_steps"])],
    ["steps", `${steps} of ${String(out.training.numb_steps)}, seed ${String(out.training.seed)}`],
  ];
}

function machine(): [string, string][] {
  const processors = cpus();
  return [
    ["processor", processors[0]?.model ?? "unknown"],
    ["cores", String(processors.length)],
    ["threads used", String(getThreads())],
    ["instruction set", getIsa()],
    ["node", `${process.version}, ${process.platform} ${process.arch}`],
  ];
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

const program = new Command("npm start --")
  .description("train a potential, test it on structures it never saw, write a report")
  .option("--data <DIR>", "a folder of DeePMD systems instead of the alloys that come with the package")
  .option("--minutes <M>", "how long to train", "3.3")
  .option("--steps <N>", "how many steps to train, however long it takes")
  .option("--output <DIR>", "where everything is written", "atomgrad-run")
  .addHelpText("after", "\nExample:\n  npm start -- --data data --steps 100 --output quick-look")
  .showSuggestionAfterError()
  .exitOverride();

try {
  program.parse();
  const flags = program.opts<Flags>();
  if (flags.data !== undefined && !existsSync(flags.data))
    throw new AtomgradError(
      "FILE",
      `${basename(flags.data)}: no such folder "${flags.data}"; give --data a folder of DeePMD systems`,
    );
  process.exitCode = (await start(flags)) ? 0 : 1;
} catch (error) {
  process.exitCode = error instanceof CommanderError ? Math.min(1, error.exitCode) : reportError(error);
}
