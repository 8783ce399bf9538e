import type { TrainOptions, TrainResult } from "./train-options.js";

/**
 * Trains what an `input.json` of DeePMD-kit says. Errors name the file and key; nothing is written before all is checked.
 *
 * The training loop is loaded at the first call: what checks inputs takes longer to load than a potential takes to its
 * first energy.
 */
export async function trainDeepmd(inputPath: string, options: TrainOptions = {}): Promise<TrainResult> {
  const run = await import("./run.js");
  return run.trainDeepmd(inputPath, options);
}
