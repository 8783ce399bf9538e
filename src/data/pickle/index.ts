import type { ByteSource } from "../read-file.js";
import type { UnpickleMode } from "./constructors.js";
import { isTorchStream, loadStorageStream, readTorchStream } from "./torch-stream.js";
import { fileLimits, recordLimits } from "./limits.js";
import { unpickleSource } from "./unpickler.js";
import type { PickleValue } from "./values.js";

export * from "./values.js";
export { fileLimits, recordLimits } from "./limits.js";
export type { PickleLimits } from "./limits.js";
export { unpickle } from "./unpickler.js";
export type { UnpickleOptions } from "./unpickler.js";
export type { UnpickleMode } from "./constructors.js";

/** Reads one record of a data set: a pickle of tensors, arrays and containers, nothing else. */
export function readPickledRecord(source: ByteSource): PickleValue {
  return unpickleSource(source, { limits: recordLimits, mode: "data", loadStream: loadStorageStream });
}

/** Reads a pickle file, or a file of torch.save before version 1.6. */
export function readPickleFile(source: ByteSource, mode: UnpickleMode): PickleValue {
  if (isTorchStream(source)) return readTorchStream(source, mode, fileLimits);
  return unpickleSource(source, { limits: fileLimits, mode, loadStream: loadStorageStream });
}
