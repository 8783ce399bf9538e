import { basename } from "node:path";
import { isHdf5Path } from "../../data/deepmd-hdf5.js";
import { isLmdbPath } from "../../data/deepmd-lmdb-systems.js";
import { readDeepmdSystem } from "../../data/deepmd-npy.js";
import type { DeepmdReadOptions } from "../../data/deepmd-read-options.js";
import { eachDeepmdSystem } from "../../data/deepmd-open.js";
import type { DeepmdSystem } from "../../data/deepmd-system.js";
import { AtomgradError } from "../../tensor/error.js";
import type { DeepPot, EvalResult } from "./deep-pot.js";
import type { FrameOptions } from "./frames.js";

/** What of a potential reading and evaluating systems needs. */
export type Evaluator = Pick<DeepPot, "evalSync">;

/** How a DeePMD system is read for a potential: types by its type map, parameters as many as it wants. */
function optionsFor(pot: DeepPot): DeepmdReadOptions {
  return { typeMap: pot.typeMap, ...pot.parameterCounts };
}

/** Reads a system folder for a potential. Errors: as `readDeepmdSystem`. */
export function readSystemFor(pot: DeepPot, folder: string): DeepmdSystem {
  return readDeepmdSystem(folder, optionsFor(pot));
}

/** Reads what `-s` names for a potential, one system after the other. Errors: as `eachDeepmdSystem`. */
export function eachSystemFor(pot: DeepPot, path: string): AsyncGenerator<DeepmdSystem> {
  return eachDeepmdSystem(path, optionsFor(pot));
}

/** The same where one system is needed: a folder, or HDF5 or LMDB data that hold no other. Errors: VALUE for several. */
export async function openSystemFor(pot: DeepPot, path: string): Promise<DeepmdSystem> {
  if (!isHdf5Path(path) && !isLmdbPath(path)) return readSystemFor(pot, path);
  const found: DeepmdSystem[] = [];
  for await (const system of eachSystemFor(pot, path)) found.push(system);
  if (found.length === 1) return found[0];
  const atoms = found.map(({ atomCount }) => atomCount).join(", ");
  throw new AtomgradError(
    "VALUE",
    `${basename(path)}: holds ${found.length} systems (of ${atoms} atoms); name one (x.hdf5#/group), or convert it to deepmd-npy folders`,
  );
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
