import { eachDeepmdSystem } from "../../data/deepmd-open.js";
import { largestNeighbourNumbers } from "../../models/deepmd/neighbours.js";
import { openCpu } from "../../backends/cpu/cpu.js";

/** What `neighbor-stat` prints. */
export interface NeighborStatistics {
  /** What the type numbers mean; null where the data do not say. */
  readonly typeMap: readonly string[] | null;
  /** angstrom; Infinity without pairs. */
  readonly minDistance: number;
  /** Largest number of neighbours of each type that an atom has. */
  readonly byType: Int32Array;
  /** Largest number of neighbours of any type. */
  readonly total: number;
}

/**
 * Neighbours closer than `rcut` in all frames of the systems below a folder, or of HDF5 or LMDB data; atoms may lie outside their cell.
 *
 * @param given names of the types; by default those of the data, in the order in which they come
 * @param typeMapName what messages call them
 *
 * Errors: FILE, FORMAT, VALUE (unknown types, atoms on top of each other).
 */
export async function neighborStatistics(
  root: string,
  rcut: number,
  given: readonly string[] | undefined,
  typeMapName: string,
): Promise<NeighborStatistics> {
  openCpu();
  const typeMap = given ?? (await commonTypeMap(root));
  let [minDistance, total, types] = [Infinity, 0, typeMap?.length ?? 0];
  let byType = new Int32Array(types);
  const naming = { typeMap: typeMap ?? undefined, typeMapName };
  for await (const system of eachDeepmdSystem(root, { ...naming, labels: [] })) {
    types = Math.max(types, 1 + system.types.reduce((a, b) => Math.max(a, b), -1));
    if (types > byType.length) byType = Int32Array.from({ length: types }, (_, t) => byType[t] ?? 0);
    for (let frame = 0; frame < system.frameCount; frame++) {
      const found = largestNeighbourNumbers(system, frame, rcut, types);
      minDistance = Math.min(minDistance, found.minDistance);
      total = Math.max(total, found.total);
      found.byType.forEach((n, t) => (byType[t] = Math.max(byType[t], n)));
    }
  }
  return { typeMap, minDistance, byType, total };
}

/** The names of all systems' type maps; null where a system has none. */
async function commonTypeMap(root: string): Promise<string[] | null> {
  const names: string[] = [];
  for await (const { typeMap } of eachDeepmdSystem(root, { labels: [] })) {
    if (typeMap === null) return null;
    for (const name of typeMap) if (!names.includes(name)) names.push(name);
  }
  return names;
}
