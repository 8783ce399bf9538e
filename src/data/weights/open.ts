import { basename } from "node:path";
import { AtomgradError } from "../../tensor/error.js";
import { readPickleFile } from "../pickle/index.js";
import type { PickleValue } from "../pickle/index.js";
import { isTorchStream } from "../pickle/torch-stream.js";
import { openFile } from "../read-file.js";
import type { ByteSource } from "../read-file.js";
import { holdsPygRecords } from "../records/pyg.js";
import { readPart } from "../slice-source.js";
import { isZip, readZip } from "../zip.js";
import { isNpz, npzWeights } from "./npz.js";
import { safetensorsWeights } from "./safetensors.js";
import { isSsTable } from "./sstable.js";
import { TfCheckpoint } from "./tf-checkpoint.js";
import { tfGraphTextWeights } from "./tf-graph-text.js";
import { tfGraphWeights } from "./tf-graph.js";
import { readTorchZip, torchPrefix } from "./torch.js";
import { namedArrays } from "./weights.js";
import type { Weights } from "./weights.js";

/** Weights of a file that is held open. */
export interface OpenWeights extends Weights {
  /** The object a pickle holds, for what stands beside the tensors; null for other formats. */
  readonly root: PickleValue;
  close(): void;
}

type Found = Omit<OpenWeights, "close"> & { close?: () => void };

/**
 * Opens a weight file of PyTorch, TorchScript, safetensors, NumPy (npz, pickles, also Haiku's and JAX's) or TensorFlow
 * (frozen graphs, checkpoints through their index), told by its content. Null when the file is of another kind.
 *
 * @throws AtomgradError FILE or FORMAT
 */
export function openWeights(path: string): OpenWeights | null {
  const source = openFile(path);
  try {
    const found = detect(path, source);
    if (found === null) {
      source.close();
      return null;
    }
    return {
      ...found,
      close: () => {
        found.close?.();
        source.close();
      },
    };
  } catch (error) {
    source.close();
    throw error;
  }
}

/** As `openWeights`, hands the weights to `use` and closes the file; a file of another kind is an error. */
export function withWeights<T>(path: string, use: (weights: OpenWeights) => T): T {
  const weights = openWeights(path);
  if (weights === null) {
    throw new AtomgradError(
      "FORMAT",
      `${basename(path)}: no weight file that can be read: PyTorch (.pt, .pth), safetensors, npz, pickled arrays, TensorFlow (.pb, .pbtxt, .index)`,
    );
  }
  try {
    return use(weights);
  } finally {
    weights.close();
  }
}

function detect(path: string, source: ByteSource): Found | null {
  if (isZip(source)) return zipWeights(source);
  if (isSsTable(source)) {
    const checkpoint = new TfCheckpoint(path, source);
    const close = (): void => checkpoint.close();
    return { format: "tf-checkpoint", tensors: checkpoint.tensors, root: null, close };
  }
  if (looksLikeSafetensors(source)) return safetensors(source);
  if (isTorchStream(source) || isPickle(path, source)) return pickledWeights(source);
  const extension = /\.[^.]*$/.exec(path.replace(/\.gz$/i, ""))?.[0].toLowerCase();
  if (extension === ".safetensors") return safetensors(source);
  if (extension === ".pb") return { format: "tf-graph", tensors: tfGraphWeights(source), root: null };
  if (extension === ".pbtxt")
    return { format: "tf-graph-text", tensors: tfGraphTextWeights(source), root: null };
  return null;
}

function safetensors(source: ByteSource): Found {
  return { format: "safetensors", tensors: safetensorsWeights(source), root: null };
}

function zipWeights(source: ByteSource): Found | null {
  const entries = readZip(source);
  if (torchPrefix(entries) !== null) {
    const { scripted, root, constants } = readTorchZip(source, "weights", entries);
    if (holdsPygRecords(root)) return null;
    const { tensors } = namedArrays(root, ".", source.name);
    for (const { name, ...rest } of namedArrays(constants, ".", source.name).tensors) {
      tensors.push({ name: `constants.${name}`, ...rest });
    }
    return { format: scripted ? "torchscript" : "torch", tensors, root };
  }
  return isNpz(entries) ? { format: "npz", tensors: npzWeights(source, entries), root: null } : null;
}

function pickledWeights(source: ByteSource): Found | null {
  const root = readPickleFile(source, "weights");
  if (holdsPygRecords(root)) return null;
  const stream = isTorchStream(source);
  const { tensors, fromTorch } = namedArrays(root, stream ? "." : "/", source.name);
  if (stream) return { format: "torch", tensors, root };
  if (fromTorch) return { format: "torch", tensors: namedArrays(root, ".", source.name).tensors, root };
  return { format: "numpy-pickle", tensors, root };
}

/** Protocols from 2 on begin with 0x80; earlier ones can only be told by the file's name. */
function isPickle(path: string, source: ByteSource): boolean {
  if (source.size < 2) return false;
  const [first, second] = readPart(source, 0, 2);
  return (first === 0x80 && second >= 2 && second <= 5) || /\.(?:pkl|pickle|p)(?:\.gz)?$/i.test(path);
}

/** A length that fits the file, then the brace of a JSON object. */
function looksLikeSafetensors(source: ByteSource): boolean {
  if (source.size < 10) return false;
  const bytes = readPart(source, 0, 9);
  return bytes[8] === 0x7b && new DataView(bytes.buffer).getBigUint64(0, true) <= BigInt(source.size - 8);
}
