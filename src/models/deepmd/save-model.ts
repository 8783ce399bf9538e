import { readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { packageRoot } from "../../backends/cpu/addon.js";
import { AtomgradError } from "../../tensor/error.js";
import { type ModelFile, writeModel } from "./model-file.js";

const endings = [".safetensors", ".dp", ".yaml", ".yml"];

/** Refuses names that no model is written to. Errors: FORMAT. */
export function writableModel(path: string): void {
  if (endings.includes(extname(path).toLowerCase())) return;
  throw new AtomgradError(
    "FORMAT",
    `${basename(path)}: models are written as .safetensors, .dp or .yaml; give the output one of these endings`,
  );
}

/**
 * Writes a model in the format its ending asks for: `.safetensors` of this package, `.dp` or `.yaml` for DeePMD-kit. The
 * state of a training run is kept in `.safetensors` only.
 *
 * @returns what its user should know of the file, in sentences
 *
 * Errors: FORMAT, FILE, and CONFIG for models the format cannot hold.
 */
export async function saveModel(path: string, model: ModelFile): Promise<readonly string[]> {
  writableModel(path);
  if (extname(path).toLowerCase() === ".safetensors") {
    writeModel(path, model);
    return [];
  }
  const { writeDeepmdModel } = await import("./serialize/write-model.js");
  await writeDeepmdModel(path, model, { software: "atomgrad", version: packageVersion() });
  const { descriptor, fitting_net: fitting } = model.config;
  const brain = [descriptor.precision, fitting.precision].includes("bfloat16");
  return brain ? [brainNote] : [];
}

const brainNote =
  "bfloat16 nets are written as float32, which holds their weights as they are: DeePMD-kit opens no bfloat16 in such files";

function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string })
    .version;
}
