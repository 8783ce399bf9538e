import type { Command } from "commander";
import { SingleBar } from "cli-progress";
import { constants } from "node:os";
import { basename } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { scientific } from "../train/deepmd/lcurve.js";
import type { TrainOptions } from "../train/deepmd/train-options.js";
import { openRanks } from "../train/ranks.js";
import { reportError } from "./report-error.js";
import type { MetricsRow } from "../train/deepmd/metrics-file.js";

export const trainExample = "atomgrad train input.json";

interface Flags {
  initModel?: string;
  restart?: string;
  finetune?: string;
  usePretrainScript?: boolean;
  pt?: boolean;
  tf?: boolean;
  skipNeighborStat?: boolean;
  metrics?: string;
  output: string;
}

export function addTrainCommand(program: Command): void {
  program
    .command("train")
    .description("train a model from an input.json of DeePMD-kit")
    .argument("<INPUT.json>", "DeePMD-kit input (JSON or YAML)")
    .option("-i, --init-model <FILE>", "start from the weights of a model")
    .option("-r, --restart <FILE>", "go on from a checkpoint: step, optimiser and schedule too")
    .option(
      "-t, --finetune <FILE>",
      "adapt a trained model: its weights, with the energy bias shifted to the new data",
    )
    .option("--use-pretrain-script", "fine-tune with the trained model's own model section")
    .option("--pt", "follow the rules of DeePMD-kit's PyTorch backend (default)")
    .option("--tf", "follow the rules of DeePMD-kit's TensorFlow backend where they differ")
    .option("--skip-neighbor-stat", "do not count the neighbours of the training data first")
    .option("--metrics <FILE>", "write displayed rows as JSON lines, unrounded")
    .option("-o, --output <FILE>", "where the completed input goes", "out.json")
    .addHelpText(
      "after",
      `\nExamples:\n  ${trainExample}\n  ${trainExample} --restart model.ckpt-2000.safetensors`,
    )
    .action(async (input: string, flags: Flags) => {
      const progress = new Progress();
      const stop = new AbortController();
      let received: NodeJS.Signals | undefined;
      const onSignal = (signal: NodeJS.Signals): void => {
        received = signal;
        stop.abort();
      };
      try {
        const { pt, tf, ...rest } = flags;
        if (pt === true && tf === true)
          throw new AtomgradError("CONFIG", "--pt and --tf exclude each other; give one");
        const options: TrainOptions = {
          ...rest,
          rules: tf === true ? "tf" : pt === true ? "pt" : undefined,
          signal: stop.signal,
          // Before, signals end the command as they end any: there is nothing to save yet.
          onBegin: () => process.on("SIGINT", onSignal).on("SIGTERM", onSignal),
          onMessage: (text) => progress.say(text),
          onRow: (row) => progress.row(row),
          onStep: (done, total) => progress.step(done, total),
        };
        // Only a training needs the schema of inputs, which takes longer to load than all the rest.
        const { trainDeepmd } = await import("../train/deepmd/run.js");
        const result = await trainDeepmd(input, options);
        if (openRanks().rank > 0) return;
        progress.stop();
        const word = result.interrupted ? "interrupted" : "finished";
        console.log(`${word} after ${result.steps} steps; model: ${result.model}`);
        if (result.interrupted) {
          console.log(`go on with: atomgrad train ${basename(input)} --restart ${result.model}`);
          // The shell's way of saying that a signal ended a command: a script does not take the training for done.
          if (received !== undefined) process.exitCode = 128 + constants.signals[received];
        }
      } catch (error) {
        progress.stop();
        // The other processes of an MPI job wait for this one's gradients and would never end.
        if (openRanks().size > 1) openRanks().abort(reportError(error));
        throw error;
      } finally {
        progress.stop();
        process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
      }
    });
}

/** Rows as lines, with a bar and the time left below them on a terminal. */
class Progress {
  private bar: SingleBar | undefined;
  private readonly started = Date.now();

  say(text: string): void {
    console.error(text);
  }

  row({ step, lr, training, validation, timed = true }: MetricsRow): void {
    const part = (name: string, errors: object): string =>
      `${name}: ${Object.entries(errors)
        .filter(([, value]) => !Number.isNaN(value))
        .map(([key, value]) => `${key} = ${scientific(value as number, 2)}`)
        .join(", ")}`;
    const head = `Batch ${String(step).padStart(7)}: `;
    console.log(`${head}${part("trn", training)}, lr = ${scientific(lr, 2)}`);
    if (validation !== undefined) console.log(`${head}${part("val", validation)}`);
    if (timed) console.log(`${head}total wall time = ${((Date.now() - this.started) / 1000).toFixed(2)} s`);
  }

  step(done: number, total: number): void {
    if (!process.stderr.isTTY) return;
    if (this.bar === undefined) {
      this.bar = new SingleBar({
        format: "{bar} {value}/{total} steps, {eta_formatted} left",
        stream: process.stderr,
      });
      this.bar.start(total, done);
    }
    this.bar.update(done);
  }

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}
