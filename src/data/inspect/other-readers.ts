import { inspectNpy } from "./npy-report.js";
import { openWeights } from "../weights/open.js";
import { reportTensors } from "../weights/weights.js";

export interface InspectOptions {
  /** Add the SHA-256 of every tensor's values (weights). */
  readonly hash?: boolean;
  /** Further readers, tried before those of this folder: model files that only upper floors understand. */
  readonly readers?: readonly OtherReader[];
}

/** Reports on a file that is no structure set, or null where it is of another kind. */
export type OtherReader = (path: string, options: InspectOptions) => object | null | Promise<object | null>;

/** Readers of arrays and weight files, tried in order on files whose content no structure format claims. */
export const otherReaders: readonly OtherReader[] = [inspectNpy, tensorFile];

/** Weights of PyTorch, NumPy, safetensors and TensorFlow. */
function tensorFile(path: string, { hash }: InspectOptions): object | null {
  const weights = openWeights(path);
  if (weights === null) return null;
  try {
    return { format: weights.format, tensors: reportTensors(weights.tensors, hash ?? false) };
  } finally {
    weights.close();
  }
}
