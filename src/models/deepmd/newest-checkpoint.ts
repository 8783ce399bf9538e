import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { fileError } from "../../data/read-file.js";
import { readSafetensorsMetadata } from "../../data/safetensors.js";
import { AtomgradError } from "../../tensor/error.js";

/**
 * The checkpoint written last in a folder: by time, then by step. A file is taken as it is.
 *
 * Errors: FILE when there is none.
 */
export function newestCheckpoint(path: string): string {
  let names: string[];
  try {
    if (!statSync(path).isDirectory()) return path;
    names = readdirSync(path);
  } catch (error) {
    throw fileError(error, path, "read");
  }
  const found = names
    .filter((name) => name.endsWith(".safetensors"))
    .map((name) => ({ path: join(path, name), step: stepOf(join(path, name)) }))
    .filter(({ step }) => step !== undefined)
    .map((entry) => ({ ...entry, time: statSync(entry.path).mtimeMs }))
    .sort((a, b) => b.time - a.time || b.step! - a.step!);
  if (found.length > 0) return found[0].path;
  throw new AtomgradError(
    "FILE",
    `${basename(path) || path}: no checkpoint (<save_ckpt>-<step>.safetensors) in "${path}"; name its folder or the file with -c`,
  );
}

/** The step of a checkpoint; undefined for other files. */
function stepOf(path: string): number | undefined {
  try {
    const { step } = readSafetensorsMetadata(path);
    return step === undefined ? undefined : Number(step);
  } catch {
    return undefined;
  }
}
