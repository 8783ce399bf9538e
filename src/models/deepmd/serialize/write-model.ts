import { basename, extname } from "node:path";
import { writeFileAtomicSync } from "../../../data/atomic-write.js";
import { AtomgradError } from "../../../tensor/error.js";
import { formatDpTree } from "./hdf5.js";
import { fromNamedModel } from "./named-weights.js";
import type { NamedModel } from "./named-weights.js";
import { modelTree } from "./to-tree.js";
import type { TreeSection } from "./tree.js";
import { formatYamlTree } from "./yaml.js";

/** Writes a tree as `.yaml` or `.dp`, by the ending of `path`, atomically. */
export async function writeDeepmdTree(path: string, tree: TreeSection): Promise<void> {
  const extension = extname(path).toLowerCase();
  if (extension === ".yaml" || extension === ".yml") writeFileAtomicSync(path, formatYamlTree(tree));
  else if (extension === ".dp") writeFileAtomicSync(path, await formatDpTree(tree));
  else {
    throw new AtomgradError(
      "FORMAT",
      `${basename(path)}: models for DeePMD-kit are written as .dp or .yaml, not "${extension}"`,
    );
  }
}

/**
 * Writes a `se_atten` energy model as DeePMD-kit's `.yaml` or `.dp`, which `dp` loads and converts.
 *
 * @param origin what goes into the file beside the model: software, version, backend, time
 */
export async function writeDeepmdModel(
  path: string,
  model: NamedModel,
  origin: Readonly<Record<string, string>>,
): Promise<void> {
  await writeDeepmdTree(path, modelTree(fromNamedModel(model, origin)));
}
