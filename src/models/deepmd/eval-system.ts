import { readDeepmdSystem } from "../../data/deepmd-npy.js";
import type { DeepmdSystem } from "../../data/deepmd-system.js";
import type { DeepPot, EvalResult } from "./deep-pot.js";
import type { FrameOptions } from "./frames.js";

/** What of a potential reading and evaluating systems needs. */
export type Evaluator = Pick<DeepPot, "evalSync">;

/** Reads a DeePMD system for a potential: types by its type map, parameters as many as it wants. Errors: as `readDeepmdSystem`. */
export function readSystemFor(pot: DeepPot, folder: string): DeepmdSystem {
  return readDeepmdSystem(folder, { typeMap: pot.typeMap, ...pot.parameterCounts });
}

/** Evaluates the first `frames` frames of a system (default: all). Errors: as `evalSync`, naming the system. */
export function evalSystem(
  pot: Evaluator,
  system: DeepmdSystem,
  options: { atomic?: boolean; frames?: number } = {},
): EvalResult {
  const { atomCount: atoms, cells, mixed, positions, types } = system;
  const frames = options.frames ?? system.frameCount;
  return pot.evalSync(
    positions.subarray(0, frames * atoms * 3),
    cells === null ? null : cells.subarray(0, frames * 9),
    mixed ? types.subarray(0, frames * atoms) : types,
    { atomic: options.atomic, ...frameOptions(system, frames) },
  );
}

/** Descriptors of all frames of a system, [nf, N, descriptorWidth]. */
export function descriptorOfSystem(
  pot: Pick<DeepPot, "evalDescriptorSync">,
  system: DeepmdSystem,
): Float64Array {
  const { cells, frameCount, positions, types } = system;
  return pot.evalDescriptorSync(positions, cells, types, frameOptions(system, frameCount));
}

function frameOptions(system: DeepmdSystem, frames: number): FrameOptions {
  const own = (name: "fparam" | "aparam"): Float64Array | undefined => {
    const label = system.labels[name];
    if (label === undefined || label.found.subarray(0, frames).includes(0)) return undefined;
    return label.data.subarray(0, frames * label.width);
  };
  return { frames, fparam: own("fparam"), aparam: own("aparam"), name: system.name };
}
