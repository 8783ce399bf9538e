import { basename } from "node:path";
import { type ModelFile, readModel } from "../../models/deepmd/model-file.js";
import { AtomgradError } from "../../tensor/error.js";

/** Where a training starts; at most one of them. */
export interface StartingPoint {
  /** Weights to start from; a new learning-rate schedule. */
  initModel?: string;
  /** A checkpoint to go on from: step, optimiser and schedule too. */
  restart?: string;
}

/** Opens the model to start from. Errors: CONFIG for two of them, FILE, FORMAT. */
export async function startingPoint({ initModel, restart }: StartingPoint): Promise<ModelFile | undefined> {
  const given = [initModel, restart].filter((path) => path !== undefined);
  if (given.length > 1)
    throw new AtomgradError("CONFIG", "--init-model and --restart exclude each other; give one");
  if (given.length === 0) return undefined;
  const file = await readModel(given[0]);
  if (restart !== undefined && file.training === undefined)
    throw new AtomgradError(
      "FORMAT",
      `${basename(restart)}: holds no optimiser state to restart from; use --init-model to start from its weights`,
    );
  return file;
}
