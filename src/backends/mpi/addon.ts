import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { AtomgradError } from "../../tensor/error.js";
import { packageRoot } from "../cpu/addon.js";

/** What native/mpi/addon.cc exports. */
export interface MpiAddon {
  /** This process's number and how many there are; starts MPI at the first call. */
  open(): { rank: number; size: number };
  /** Replaces the array by its sum over the ranks, added in rank order. Every rank must call it with the same length. */
  sum(array: Float64Array): void;
  /** Ends every process of the job. */
  abort(status: number): void;
}

/** Loads the MPI addon. Errors: DEVICE when it was not built or does not load, with the command that mends it. */
export function loadMpiAddon(): MpiAddon {
  const root = packageRoot();
  const system = `${process.platform}-${process.arch}`;
  const file = [
    join(root, "build", "Release", "atomgrad_mpi.node"),
    join(root, "prebuilds", system, "atomgrad_mpi.node"),
  ].find((path) => existsSync(path));
  const remedy = `install MPI's compiler (mpicxx) and run \`npm run build:native\` in ${root}, or start one process`;
  if (file === undefined)
    throw new AtomgradError(
      "DEVICE",
      `mpi: started as one of several processes, but the MPI addon is not built; ${remedy}`,
    );
  try {
    return createRequire(file)(file) as MpiAddon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new AtomgradError("DEVICE", `mpi: the MPI addon does not load: ${reason}; ${remedy}`, { cause });
  }
}
