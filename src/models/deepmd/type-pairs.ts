import { indexMap, type IndexMap } from "../../../kernels/segment/op.js";
import { keep } from "../../tensor/scope.js";

/** Every pair of types, as rows of a table: neighbour and centre of row centre * (nt + 1) + neighbour. */
export function typePairTable(typeCount: number): { neighbour: IndexMap; centre: IndexMap } {
  const count = typeCount + 1;
  const row = (f: (k: number) => number): Int32Array =>
    Int32Array.from({ length: count * count }, (_, k) => f(k));
  const kept = (map: IndexMap): IndexMap => ({
    ...map,
    index: keep(map.index),
    order: keep(map.order),
    ptr: keep(map.ptr),
  });
  return {
    neighbour: kept(
      indexMap(
        row((k) => k % count),
        count,
      ),
    ),
    centre: kept(
      indexMap(
        row((k) => Math.floor(k / count)),
        count,
      ),
    ),
  };
}
