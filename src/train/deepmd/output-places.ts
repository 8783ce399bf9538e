import { basename, dirname } from "node:path";
import { makeFolders } from "../../data/atomic-write.js";
import { checkWritableFile, checkWritableFolder } from "../../data/check-writable.js";
import { hasStatistics, isStatisticsFolder } from "../../data/statistics-store.js";
import type { TrainingConfig } from "../../models/deepmd/config/schema-training.js";
import { AtomgradError } from "../../tensor/error.js";
import { CheckpointFolder } from "./checkpoint.js";

/** Refuses places that a training could not write to. Errors: FILE, naming the key. */
export function checkOutputs(training: TrainingConfig, outJson: string, metrics: string | undefined): void {
  checkWritableFile(outJson, "-o");
  checkWritableFile(training.disp_file, "training.disp_file");
  if (metrics !== undefined) checkWritableFile(metrics, "--metrics");
  const folder = CheckpointFolder.folderOf(training.save_ckpt, training.save_dir);
  checkWritableFolder(folder, training.save_dir === null ? "training.save_ckpt" : "training.save_dir");
  const { stat_file: statistics, stat_file_mode: mode } = training;
  if (statistics !== null && mode === "update") {
    const isFile = !isStatisticsFolder(statistics);
    if (isFile && hasStatistics(statistics)) checkWritableFile(statistics, "training.stat_file");
    else checkWritableFolder(isFile ? dirname(statistics) : statistics, "training.stat_file");
  }
  if (training.tensorboard) checkWritableFolder(training.tensorboard_log_dir, "training.tensorboard_log_dir");
}

/** Before any file is written: whether a folder can be made shows only in making it. Errors: FILE, naming the key. */
export function makeCheckpointFolder(training: TrainingConfig): void {
  const folder = CheckpointFolder.folderOf(training.save_ckpt, training.save_dir);
  try {
    makeFolders(folder);
  } catch (cause) {
    const key = training.save_dir === null ? "training.save_ckpt" : "training.save_dir";
    const { message } = cause as Error;
    throw new AtomgradError("FILE", `${basename(folder)}: cannot be created for ${key}: ${message}`, {
      cause,
    });
  }
}
