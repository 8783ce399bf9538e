import { basename, resolve } from "node:path";
import { readDeepmdSystem } from "../../data/deepmd-npy.js";
import type { DeepmdSystem } from "../../data/deepmd-system.js";
import { AtomgradError } from "../../tensor/error.js";
import type { DeepPot, EvalResult } from "./deep-pot.js";

/** What of a potential reading and evaluating systems needs. */
export type Evaluator = Pick<DeepPot, "evalSync">;

/** Reads a DeePMD system for a potential: types by its type map. Errors: as `readDeepmdSystem`. */
export function readSystemFor(pot: DeepPot, folder: string): DeepmdSystem {
  return readDeepmdSystem(folder, { typeMap: pot.typeMap });
}

/** Evaluates the first `frames` frames of a system (default: all). Errors: as `evalSync`, naming the system. */
export function evalSystem(
  pot: Evaluator,
  system: DeepmdSystem,
  options: { atomic?: boolean; frames?: number } = {},
): EvalResult {
  const { atomCount: atoms, cells, mixed, positions, types } = system;
  const frames = options.frames ?? system.frameCount;
  return naming(system, () =>
    pot.evalSync(
      positions.subarray(0, frames * atoms * 3),
      cells === null ? null : cells.subarray(0, frames * 9),
      mixed ? types.subarray(0, frames * atoms) : types,
      { atomic: options.atomic, frames },
    ),
  );
}

/** Descriptors of all frames of a system, [nf, N, descriptorWidth]. */
export function descriptorOfSystem(
  pot: Pick<DeepPot, "evalDescriptorSync">,
  system: DeepmdSystem,
): Float64Array {
  const { cells, frameCount: frames, positions, types } = system;
  return naming(system, () => pot.evalDescriptorSync(positions, cells, types, { frames }));
}

/** Puts the system's name before what is wrong with one of its frames. */
function naming<T>(system: DeepmdSystem, compute: () => T): T {
  try {
    return compute();
  } catch (cause) {
    if (!(cause instanceof AtomgradError) || !cause.message.startsWith("frame ")) throw cause;
    throw new AtomgradError(cause.code, `${basename(resolve(system.name))}: ${cause.message}`, { cause });
  }
}
