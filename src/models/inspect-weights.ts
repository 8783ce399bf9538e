import { basename, extname } from "node:path";
import { decodeText, readBytes, withFile } from "../data/read-file.js";
import { readPart } from "../data/slice-source.js";
import { openWeights } from "../data/weights/open.js";
import { reportTensors } from "../data/weights/weights.js";
import type { TensorReport, WeightsFormat, WeightTensor } from "../data/weights/weights.js";
import { parseDpTree } from "./deepmd/serialize/hdf5.js";
import { treeTensors } from "./deepmd/serialize/tree-tensors.js";

/** What `atomgrad inspect` prints of a weight file. */
export interface WeightsReport {
  readonly format: WeightsFormat;
  readonly tensors: readonly TensorReport[];
}

const maxYamlBytes = 1 << 26;
const maxDpBytes = 1 << 28;
const hdf5Magic = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** The same of a backend-neutral model file of DeePMD-kit alone (`.dp`, `.yaml`); null for other files. */
export async function inspectDeepmdModel(
  path: string,
  options: { readonly hash?: boolean } = {},
): Promise<WeightsReport | null> {
  const found = await deepmdTensors(path);
  return found === null
    ? null
    : { format: found.format, tensors: reportTensors(found.tensors, options.hash ?? false) };
}

/**
 * Names, shapes and types of all tensors of a weight file of any kind, with `hash` their SHA-256 too. Null when the
 * file holds no weights.
 *
 * @throws AtomgradError FILE or FORMAT
 */
export async function inspectWeights(
  path: string,
  options: { readonly hash?: boolean } = {},
): Promise<WeightsReport | null> {
  const deepmd = await inspectDeepmdModel(path, options);
  if (deepmd !== null) return deepmd;
  const weights = openWeights(path);
  if (weights === null) return null;
  try {
    return { format: weights.format, tensors: reportTensors(weights.tensors, options.hash ?? false) };
  } finally {
    weights.close();
  }
}

/** The tensors of a backend-neutral model file of DeePMD-kit, told by its content; null for other files. */
async function deepmdTensors(
  path: string,
): Promise<{ format: WeightsFormat; tensors: WeightTensor[] } | null> {
  const name = basename(path);
  const extension = extname(path.replace(/\.gz$/i, ""));
  if (/^\.ya?ml$/i.test(extension)) {
    // The library takes a third of the time in which a small file is told about.
    const { parseYamlTree } = await import("./deepmd/serialize/yaml.js");
    const tree = parseYamlTree(decodeText(readBytes(path, maxYamlBytes), name), name);
    return { format: "deepmd-yaml", tensors: treeTensors(tree, name) };
  }
  if (!withFile(path, (source) => source.size > 8 && startsAs(readPart(source, 0, 8), hdf5Magic)))
    return null;
  const bytes = readBytes(path, maxDpBytes);
  // Structures come in HDF5 too; the tree of a model is a text that names classes.
  if (!/^\.(?:dp|hlo)$/i.test(extension) && !Buffer.from(bytes.buffer).includes('"@class"')) return null;
  return { format: "deepmd-dp", tensors: treeTensors(await parseDpTree(bytes, name), name) };
}

function startsAs(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, k) => bytes[k] === byte);
}
