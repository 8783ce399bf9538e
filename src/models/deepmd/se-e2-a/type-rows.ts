import { indexMap } from "../../../../kernels/segment/op.js";
import type { DType } from "../../../tensor/dtype.js";
import { tensor } from "../../../tensor/tensor.js";
import type { NetRows, TypeBlock, TypeRows } from "../graph.js";
import type { SeE2ASettings } from "./settings.js";

/** The atoms and edges of a batch as the sorting below reads them. */
export interface TypedEdges {
  /** [N] types, virtual atoms as 0. */
  readonly types: Int32Array;
  /** [N + 1] */
  readonly ptr: Int32Array;
  /** [E] type of each edge's neighbour. */
  readonly neighbourType: Int32Array;
  /** [N, nt] slots in use for neighbours of each type, excluded pairs included. */
  readonly slots: Int32Array;
}

/**
 * Sorts atoms by type and edges by net. With `emptySlots` every centre gets one more row per net, which stands for its empty
 * slots.
 */
export function typeRows(
  { typeCount, sel, rules, excludeTypes }: SeE2ASettings,
  { types, ptr, neighbourType, slots }: TypedEdges,
  emptySlots: boolean,
  dtype: DType,
): TypeRows {
  const edges = neighbourType.length;
  const atomsOf = Array.from({ length: typeCount }, (): number[] => []);
  types.forEach((type, i) => atomsOf[type].push(i));
  const rows: number[] = [];
  const weight: number[] = [];
  const blocks: TypeBlock[] = [];
  const order = atomsOf.flat();
  // TensorFlow leaves a pair of types that exclude each other out altogether, empty slots included.
  const isLeftOut = (a: number, b: number): boolean =>
    rules === "tf" && excludeTypes.some(([c, d]) => (a === c && b === d) || (a === d && b === c));
  let placed = 0;
  atomsOf.forEach((atoms, type) => {
    if (atoms.length === 0) return;
    const nets: NetRows[] = [];
    for (let neighbour = 0; neighbour < typeCount; neighbour++) {
      if (isLeftOut(type, neighbour)) continue;
      const from = rows.length;
      const own = new Int32Array(atoms.length + 1);
      atoms.forEach((i, k) => {
        for (let e = ptr[i]; e < ptr[i + 1]; e++) if (neighbourType[e] === neighbour) rows.push(e);
        for (let e = weight.length; e < rows.length; e++) weight.push(1);
        const empty = sel[neighbour] - slots[i * typeCount + neighbour];
        if (emptySlots && empty > 0) {
          rows.push(edges + type);
          weight.push(empty);
        }
        own[k + 1] = rows.length - from;
      });
      if (rows.length > from) nets.push({ neighbour, from, to: rows.length, ptr: tensor(own, [own.length]) });
    }
    blocks.push({ type, from: placed, to: placed + atoms.length, nets });
    placed += atoms.length;
  });
  const place = new Int32Array(types.length);
  order.forEach((i, k) => (place[i] = k));
  return {
    rows: indexMap(Int32Array.from(rows), emptySlots ? edges + typeCount : edges),
    weight: emptySlots ? tensor(Float64Array.from(weight), [weight.length, 1], { dtype }) : undefined,
    blocks,
    order: indexMap(Int32Array.from(order), types.length),
    place: indexMap(place, types.length),
  };
}
