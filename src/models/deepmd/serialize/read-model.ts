import { basename, extname } from "node:path";
import { decodeText, readBytes } from "../../../data/read-file.js";
import { AtomgradError } from "../../../tensor/error.js";
import { readModelTree } from "./from-tree.js";
import { parseDpTree } from "./hdf5.js";
import { toNamedModel } from "./named-weights.js";
import type { NamedModel } from "./named-weights.js";
import type { Tree } from "./tree.js";
import { parseYamlTree } from "./yaml.js";

const maxYamlBytes = 1 << 26;
const maxDpBytes = 1 << 28;

/**
 * Reads any backend-neutral model file of DeePMD-kit (`.yaml`, `.yml`, `.dp`, `.hlo`, `.hdf5`) as its tree, whatever kind of
 * model it holds.
 *
 * @throws AtomgradError FILE or FORMAT
 */
export async function readDeepmdTree(path: string): Promise<Tree> {
  const name = basename(path);
  const extension = extname(path).toLowerCase();
  if (extension === ".yaml" || extension === ".yml")
    return parseYamlTree(decodeText(readBytes(path, maxYamlBytes), name), name);
  if ([".dp", ".hlo", ".hdf5", ".h5"].includes(extension))
    return parseDpTree(readBytes(path, maxDpBytes), name);
  throw new AtomgradError(
    "FORMAT",
    `${name}: DeePMD-kit's model files end in .yaml, .yml, .dp, .hlo or .hdf5, not "${extension}"`,
  );
}

/**
 * Reads a `se_atten` energy model from a backend-neutral model file of DeePMD-kit.
 *
 * @throws AtomgradError FILE, or FORMAT: a damaged file, or another kind of model, which one sentence names
 */
export async function readDeepmdModel(
  path: string,
): Promise<NamedModel & { training: undefined; script: Tree }> {
  const name = basename(path);
  const data = readModelTree(await readDeepmdTree(path), name);
  return { ...toNamedModel(data, name), training: undefined, script: data.modelDefScript };
}
