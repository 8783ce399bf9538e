import { basename, extname } from "node:path";
import { AtomgradError } from "../../tensor/error.js";
import {
  encodeSafetensors,
  readSafetensors,
  type SafeTensorData,
  tensorToFloat64,
} from "../../data/safetensors.js";
import { writeFileAtomicSync } from "../../data/atomic-write.js";
import type { ModelConfig } from "./config/deepmd-input.js";
import { asHeld } from "./held-weights.js";
import { checkModelConfig } from "./serialize/model-config.js";
import type { HostArray, Weights } from "./parameters.js";

/** What a model file holds: settings, weights by DeePMD-kit's names, and (checkpoints) the state of a training run. */
export interface ModelFile {
  /** The model section with `sel` resolved. */
  readonly config: ModelConfig;
  readonly weights: Weights;
  /** Shortest distance between two atoms of the training data, angstrom, where known. */
  readonly minDistance: number | null;
  readonly training: TrainingState | undefined;
  /** The `model` section of the input it was made from, as a file of DeePMD-kit holds it. */
  readonly script?: unknown;
}

/** Everything a restart needs beside the weights. */
export interface TrainingState {
  /** Updates done. */
  readonly step: number;
  /** Optimiser state by name. */
  readonly optimizer: ReadonlyMap<string, Float64Array>;
  /** Running averages of the weights by name; empty where the training keeps none. */
  readonly averages: ReadonlyMap<string, HostArray>;
  /** The input file as it was, canonical. */
  readonly input: string;
}

const format = "atomgrad-deepmd";
const version = "1";
const optimizerPrefix = "optimizer.";
const averagePrefix = "average.";

/** The pieces of a model file: weights as their nets hold them, in f64, so that a round trip is exact for every precision. */
export function encodeModel(model: ModelFile): Uint8Array[] {
  const tensors: [string, SafeTensorData][] = [];
  for (const [name, { shape, data }] of asHeld(model.weights, model.config))
    tensors.push([name, { dtype: "F64", shape, data }]);
  for (const [name, data] of model.training?.optimizer ?? [])
    tensors.push([optimizerPrefix + name, { dtype: "F64", shape: [data.length], data }]);
  for (const [name, { shape, data }] of model.training?.averages ?? [])
    tensors.push([averagePrefix + name, { dtype: "F64", shape, data }]);
  const metadata: Record<string, string> = { format, version, model: JSON.stringify(model.config) };
  if (model.minDistance !== null) metadata.min_nbor_dist = String(model.minDistance);
  if (model.training !== undefined) {
    metadata.step = String(model.training.step);
    metadata.input = model.training.input;
  }
  return encodeSafetensors(tensors, metadata);
}

export function writeModel(path: string, model: ModelFile): void {
  writeFileAtomicSync(path, encodeModel(model));
}

export interface ReadModelOptions {
  /** Names of the types for files that do not hold them: early TensorFlow graphs. */
  typeMap?: readonly string[];
}

/**
 * Opens a model: this package's `.safetensors`, or DeePMD-kit's `.dp`, `.hdf5` and `.yaml`, its frozen models (`.pth`, `.pb`,
 * `.pbtxt`) and PyTorch checkpoints (`.pt`). Nothing in a file is executed.
 *
 * Errors: FILE, FORMAT, and CONFIG for models this version does not compute.
 */
export async function readModel(path: string, options: ReadModelOptions = {}): Promise<ModelFile> {
  const extension = extname(path).toLowerCase();
  if (extension === ".safetensors") return readModelSync(path);
  if ([".dp", ".hlo", ".hdf5", ".h5", ".yaml", ".yml"].includes(extension)) {
    const { readDeepmdModel } = await import("./serialize/read-model.js");
    return readDeepmdModel(path);
  }
  if (extension === ".pth" || extension === ".pt") {
    const { readTorchModel } = await import("./serialize/read-torch.js");
    return { ...(await readTorchModel(path)), training: undefined };
  }
  if (extension === ".pb" || extension === ".pbtxt") {
    const { readTfModel } = await import("./serialize/read-tf.js");
    return { ...readTfModel(path, options.typeMap), training: undefined };
  }
  throw new AtomgradError(
    "FORMAT",
    `${basename(path)}: models are read from .safetensors, .dp, .yaml, .pth, .pt, .pb and .pbtxt files, not "${extension}"`,
  );
}

/** Opens this package's own `.safetensors` at once. Errors: FILE, FORMAT. */
export function readModelSync(path: string): ModelFile {
  const { tensors, metadata } = readSafetensors(path);
  const name = basename(path);
  if (metadata.format !== format)
    throw new AtomgradError(
      "FORMAT",
      `${name}: a safetensors file, but not a model of this package (no "format": "${format}")`,
    );
  if (metadata.version !== version)
    throw new AtomgradError(
      "FORMAT",
      `${name}: model format ${metadata.version}; this version reads ${version}`,
    );
  const weights: Weights = new Map();
  const optimizer = new Map<string, Float64Array>();
  const averages: Weights = new Map();
  for (const [key, tensor] of tensors) {
    const data = tensorToFloat64(tensor);
    if (key.startsWith(optimizerPrefix)) optimizer.set(key.slice(optimizerPrefix.length), data);
    else if (key.startsWith(averagePrefix))
      averages.set(key.slice(averagePrefix.length), { shape: tensor.shape, data });
    else weights.set(key, { shape: tensor.shape, data });
  }
  return {
    config: checkModelConfig(metadata.model, name),
    weights,
    minDistance: metadata.min_nbor_dist === undefined ? null : Number(metadata.min_nbor_dist),
    training:
      metadata.step === undefined
        ? undefined
        : { step: Number(metadata.step), optimizer, averages, input: metadata.input ?? "" },
  };
}
