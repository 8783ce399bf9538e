import { setImmediate as nextTurn } from "node:timers/promises";
import { changeBias } from "./change-bias.js";
import { CheckpointFolder } from "./checkpoint.js";
import type { Errors } from "./energy-loss.js";
import { batchOf, type PreparedRun, prepareRun } from "./prepare-run.js";
import { RunOutput } from "./run-output.js";
import { RunningErrors } from "./running-errors.js";
import type { TrainOptions, TrainResult } from "./train-options.js";

/**
 * Trains what an `input.json` of DeePMD-kit says. Errors name the file and key; nothing is written, and
 * no earlier output replaced, before all is checked and the first step has gone well.
 *
 * Started by `mpirun`, the processes train together: each takes batches of its own, every update the mean of their gradients; the
 * first one writes.
 */
export async function trainDeepmd(inputPath: string, options: TrainOptions = {}): Promise<TrainResult> {
  const run = await prepareRun(inputPath, options);
  try {
    options.onBegin?.();
    return await train(run);
  } finally {
    run.trainer.dispose();
    run.averages?.dispose();
    run.model.dispose();
  }
}

async function train(run: PreparedRun): Promise<TrainResult> {
  const { input, options, steps, firstStep, ranks } = run;
  const leads = ranks.rank === 0;
  let output: RunOutput | undefined;
  let step = firstStep;
  let saved = -1;
  try {
    const recent = new RunningErrors();
    while (step < steps && !ranks.any(options.signal?.aborted === true)) {
      const errors = update(run, step, recent);
      step++;
      // What stands there from an earlier run is replaced only now, when a step has gone well.
      if (leads) {
        output ??= await RunOutput.open(run);
        output.record(step, errors, recent);
        if (step % input.training.save_freq === 0) {
          await output.save(step);
          saved = step;
        }
        options.onStep?.(step, steps);
      }
      // Without this turn of the event loop signals and progress would never be seen.
      await nextTurn();
    }
    if (step === steps && steps > firstStep && input.training.change_bias_after_training) {
      changeBias(run.model, run.training);
      saved = -1;
    }
    if (leads && saved !== step) {
      output ??= await RunOutput.open(run);
      await output.save(step);
    }
  } finally {
    output?.close();
  }
  const model = CheckpointFolder.pathOf(input.training.save_ckpt, input.training.save_dir, step);
  return { model, steps: step, interrupted: step < steps };
}

function update(run: PreparedRun, step: number, recent: RunningErrors): Errors {
  const errors = run.trainer.update(step, batchOf(run, step));
  run.averages?.update();
  if (run.input.training.disp_avg) recent.add(errors);
  return errors;
}
