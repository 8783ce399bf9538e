import { indexMap } from "../../../../kernels/segment/op.js";
import type { DType } from "../../../tensor/dtype.js";
import { tensor } from "../../../tensor/tensor.js";
import type { NetGroup, NetRows, TypeBlock, TypeRows } from "../graph.js";
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
  settings: SeE2ASettings,
  edges: TypedEdges,
  emptySlots: boolean,
  dtype: DType,
): TypeRows {
  const { typeCount, typeOneSide } = settings;
  const { neighbourType, types } = edges;
  const atomsOf = Array.from({ length: typeCount }, (): number[] => []);
  types.forEach((type, i) => atomsOf[type].push(i));
  const order = atomsOf.flat();
  const blocks: TypeBlock[] = [];
  atomsOf.forEach((atoms, type) => {
    const from = blocks.at(-1)?.to ?? 0;
    if (atoms.length > 0) blocks.push({ type, from, to: from + atoms.length });
  });
  const sorter = new NetSorter(settings, edges, emptySlots);
  const groups: NetGroup[] = typeOneSide
    ? [{ from: 0, to: order.length, blocks, nets: sorter.nets(order, (neighbour) => neighbour) }]
    : blocks.map((block) => ({
        from: block.from,
        to: block.to,
        blocks: [block],
        nets: sorter.nets(
          order.slice(block.from, block.to),
          (neighbour) => block.type + typeCount * neighbour,
        ),
      }));
  const place = new Int32Array(types.length);
  order.forEach((i, k) => (place[i] = k));
  const edgeCount = neighbourType.length;
  return {
    rows: indexMap(Int32Array.from(sorter.rows), emptySlots ? edgeCount + typeCount : edgeCount),
    weight: emptySlots
      ? tensor(Float64Array.from(sorter.weight), [sorter.weight.length, 1], { dtype })
      : undefined,
    groups,
    blocks,
    order: indexMap(Int32Array.from(order), types.length),
    place: indexMap(place, types.length),
  };
}

/** Puts edges in the order of the nets they go through. */
class NetSorter {
  readonly rows: number[] = [];
  readonly weight: number[] = [];

  constructor(
    private readonly settings: SeE2ASettings,
    private readonly edges: TypedEdges,
    private readonly emptySlots: boolean,
  ) {}

  /** The nets that neighbours of some centres go through; those without rows are left out. */
  nets(centres: readonly number[], netOf: (neighbour: number) => number): NetRows[] {
    const { typeCount } = this.settings;
    return Array.from({ length: typeCount }, (_, neighbour) => {
      const from = this.rows.length;
      const ptr = new Int32Array(centres.length + 1);
      centres.forEach((i, k) => {
        this.addCentre(i, neighbour);
        ptr[k + 1] = this.rows.length - from;
      });
      return { net: netOf(neighbour), from, to: this.rows.length, ptr };
    })
      .filter(({ from, to }) => to > from)
      .map((net) => ({ ...net, ptr: tensor(net.ptr) }));
  }

  private addCentre(i: number, neighbour: number): void {
    const { sel, typeCount } = this.settings;
    const { neighbourType, ptr, slots, types } = this.edges;
    if (this.isLeftOut(types[i], neighbour)) return;
    for (let e = ptr[i]; e < ptr[i + 1]; e++)
      if (neighbourType[e] === neighbour) {
        this.rows.push(e);
        this.weight.push(1);
      }
    const empty = sel[neighbour] - slots[i * typeCount + neighbour];
    if (!this.emptySlots || empty <= 0) return;
    this.rows.push(neighbourType.length + types[i]);
    this.weight.push(empty);
  }

  /** TensorFlow leaves a pair of types that exclude each other out altogether, empty slots included. */
  private isLeftOut(a: number, b: number): boolean {
    const { excludeTypes, rules } = this.settings;
    return rules === "tf" && excludeTypes.some(([c, d]) => (a === c && b === d) || (a === d && b === c));
  }
}
