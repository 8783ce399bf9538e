import { AtomgradError } from "../tensor/error.js";
import { isHdf5Path, readDeepmdHdf5 } from "./deepmd-hdf5.js";
import { isLmdbPath, readDeepmdLmdb } from "./deepmd-lmdb-systems.js";
import { readDeepmdSystem } from "./deepmd-npy.js";
import type { DeepmdReadOptions } from "./deepmd-read-options.js";
import type { DeepmdSystem } from "./deepmd-system.js";
import { findDeepmdSystems } from "./deepmd-systems.js";

/**
 * The systems that `systems` means, read one after the other: folders, groups of HDF5 files (`x.hdf5#/group`, or `x.hdf5` for all
 * of them) and `.lmdb` data. One string is searched for folders, as `findDeepmdSystems` does. Their `name` says where they stand.
 *
 * @param patterns only of the folders that are found below one
 *
 * Errors: FILE, FORMAT, SHAPE, NUMERIC, VALUE, CONFIG.
 */
export async function* eachDeepmdSystem(
  systems: string | readonly string[],
  options: DeepmdReadOptions = {},
  patterns: readonly string[] | null = null,
): AsyncGenerator<DeepmdSystem> {
  const paths = typeof systems === "string" ? [systems] : systems;
  if (!paths.some((path) => isHdf5Path(path) || isLmdbPath(path))) {
    for (const folder of findDeepmdSystems(systems, patterns)) yield readDeepmdSystem(folder, options);
    return;
  }
  if (patterns !== null)
    throw new AtomgradError("CONFIG", "rglob_patterns: only folders can be searched; leave it out");
  for (const path of paths) {
    if (isHdf5Path(path)) yield* await readDeepmdHdf5(path, options);
    else if (isLmdbPath(path)) yield* readDeepmdLmdb(path, options);
    else for (const folder of findDeepmdSystems([path])) yield readDeepmdSystem(folder, options);
  }
}
