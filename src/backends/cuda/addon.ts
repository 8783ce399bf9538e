import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { TypedArray } from "../../tensor/dtype.js";
import { AtomgradError } from "../../tensor/error.js";
import { packageRoot } from "../cpu/addon.js";

/** What native/cuda/addon.cc exports to each Node environment. Codes are CUDA error numbers, 0 for success. */
export interface CudaAddon {
  readonly words: Int32Array;
  readonly reals: Float64Array;
  /** Enqueues the kernel the command block describes. */
  readonly run: () => void;
  /** Whether a driver and a GPU are here. */
  present(): boolean;
  open(ordinal: number): number;
  deviceName(): string;
  errorText(code: number): string;
  /** A slot, or minus a code. */
  allocate(bytes: number): number;
  release(slot: number): number;
  copy(slot: number, host: TypedArray, toSlot: boolean): number;
  fill(slot: number, byte: number): number;
  kernels(): [name: string, types: number][];
}

/** Loads the CUDA addon. Errors: DEVICE when it was not built or does not load. */
export function loadCudaAddon(): CudaAddon {
  const root = packageRoot();
  const system = `${process.platform}-${process.arch}`;
  const file = [
    join(root, "build", "Release", "atomgrad_cuda.node"),
    join(root, "prebuilds", system, "atomgrad_cuda.node"),
  ].find((path) => existsSync(path));
  if (file === undefined)
    throw new AtomgradError(
      "DEVICE",
      `cuda: the CUDA addon is not built for ${system}; install the CUDA toolkit (nvcc 11.8 or newer) and run \`npm run build:native\` in ${root}`,
    );
  try {
    return createRequire(file)(file) as CudaAddon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new AtomgradError(
      "DEVICE",
      `cuda: the CUDA addon does not load on ${system} (Node ${process.version}): ${reason}; run \`npm run build:native\` in ${root}`,
      { cause },
    );
  }
}
