import type { NeighborList } from "./neighbor-list.js";
import { sortByKey } from "./sort-by-key.js";

/** DeePMD's choice of neighbours: the nearest `sel` of any type, or of each type (spec deepmd 2.2). */
export interface SelectedNeighbors {
  /** [N + 1] kept pairs of each centre. */
  readonly ptr: Int32Array;
  /** [E] neighbour and centre of each kept pair: by distance where `sel` leaves some of a centre's out, else as in the list. */
  readonly neighbour: Int32Array;
  readonly centre: Int32Array;
  /** [E, 3] angstrom */
  readonly vector: Float64Array;
  /**
   * [N] kept pairs whose types exclude each other; they hold a slot but contribute nothing, and are not in
   * the list.
   */
  readonly excluded: Int32Array;
  /** [N, types] slots in use per neighbour type, excluded pairs included; undefined for a `sel` of all types. */
  readonly slots: Int32Array | undefined;
  /** Largest number of neighbours an atom has, whatever `sel` is. */
  readonly largest: number;
  /** Shortest distance, angstrom; Infinity without pairs. */
  readonly minDistance: number;
}

/** Symmetric look-ups of type pairs. */
export class TypePairSet {
  private readonly pairs: Uint8Array;

  constructor(
    list: readonly (readonly [number, number])[],
    private readonly typeCount: number,
  ) {
    this.pairs = new Uint8Array(typeCount * typeCount);
    for (const [a, b] of list) this.pairs[a * typeCount + b] = this.pairs[b * typeCount + a] = 1;
  }

  has(a: number, b: number): boolean {
    return this.pairs[a * this.typeCount + b] !== 0;
  }
}

export interface PairRules {
  /** Pairs that hold a slot but contribute nothing (`exclude_types` of a descriptor). */
  readonly excluded?: TypePairSet;
  /** Pairs that are no neighbours at all (`pair_exclude_types` of a model). */
  readonly removed?: TypePairSet;
  /**
   * With a `sel` per type: fill each type's slots from all neighbours (TensorFlow), not from the nearest sum(sel) of any type
   * (PyTorch). They differ only where `sel` is too small.
   */
  readonly eachTypeAlone?: boolean;
}

/**
 * @param types [N]; negative: virtual atoms, neither centre nor neighbour
 * @param sel neighbours kept per centre, or of each type; of equally near ones those first in the list
 */
export function selectNeighbors(
  list: NeighborList,
  types: Int32Array,
  sel: number | readonly number[],
  rules: PairRules = {},
): SelectedNeighbors {
  const { excluded: excludes, removed, eachTypeAlone } = rules;
  const perType = typeof sel === "number" ? undefined : sel;
  const most = typeof sel === "number" ? sel : eachTypeAlone ? Infinity : sel.reduce((a, b) => a + b, 0);
  if (perType === undefined && excludes === undefined && removed === undefined && holdsAll(list, types, most))
    return wholeList(list);
  const atoms = types.length;
  const [neighbours, centres] = list.edgeIndex;
  const ptr = new Int32Array(atoms + 1);
  const excluded = new Int32Array(atoms);
  const slots = perType && new Int32Array(atoms * perType.length);
  const kept = new Int32Array(list.count);
  const [candidates, spare] = [new Int32Array(list.count), new Int32Array(list.count)];
  let [count, largest, minDistance] = [0, 0, Infinity];
  for (let i = 0; i < atoms; i++) {
    const found = candidatesOf(i, list, types, removed, candidates);
    const used = perType && slots!.subarray(i * perType.length, (i + 1) * perType.length);
    if (found > most || (used && overflows(used, perType, candidates, found, types, neighbours)))
      sortByKey(candidates, found, list.distance, spare);
    used?.fill(0);
    largest = Math.max(largest, found);
    for (let k = 0; k < found; k++) minDistance = Math.min(minDistance, list.distance[candidates[k]]);
    for (let k = 0; k < found && k < most; k++) {
      const e = candidates[k];
      const type = types[neighbours[e]];
      if (used && used[type]++ >= perType[type]) {
        used[type]--;
        continue;
      }
      if (excludes?.has(types[i], type)) excluded[i]++;
      else kept[count++] = e;
    }
    ptr[i + 1] = count;
  }
  const edges = kept.subarray(0, count);
  const [neighbour, centre, vector] = [
    new Int32Array(count),
    new Int32Array(count),
    new Float64Array(3 * count),
  ];
  for (let k = 0; k < count; k++) {
    const e = edges[k];
    neighbour[k] = neighbours[e];
    centre[k] = centres[e];
    for (let b = 0; b < 3; b++) vector[3 * k + b] = list.edgeVector[3 * e + b];
  }
  return { ptr, neighbour, centre, vector, excluded, slots, largest, minDistance };
}

/** Whether no atom is virtual and no centre has more than `most` neighbours. */
function holdsAll({ ptr }: NeighborList, types: Int32Array, most: number): boolean {
  for (let i = 0; i < types.length; i++) if (types[i] < 0 || ptr[i + 1] - ptr[i] > most) return false;
  return true;
}

function wholeList({ ptr, edgeIndex, edgeVector, distance }: NeighborList): SelectedNeighbors {
  const [neighbour, centre] = edgeIndex;
  const atoms = ptr.length - 1;
  let [largest, minDistance] = [0, Infinity];
  for (let i = 0; i < atoms; i++) largest = Math.max(largest, ptr[i + 1] - ptr[i]);
  for (let e = 0; e < distance.length; e++) minDistance = Math.min(minDistance, distance[e]);
  const excluded = new Int32Array(atoms);
  return { ptr, neighbour, centre, vector: edgeVector, excluded, slots: undefined, largest, minDistance };
}

/** Whether some type has more candidates than slots. Leaves their numbers in `used`. */
function overflows(
  used: Int32Array,
  perType: readonly number[],
  candidates: Int32Array,
  found: number,
  types: Int32Array,
  neighbours: Int32Array,
): boolean {
  for (let k = 0; k < found; k++) used[types[neighbours[candidates[k]]]]++;
  return used.some((n, type) => n > perType[type]);
}

/** Puts the pairs of centre i that count as neighbours into `to`; their number. */
function candidatesOf(
  i: number,
  list: NeighborList,
  types: Int32Array,
  removed: TypePairSet | undefined,
  to: Int32Array,
): number {
  if (types[i] < 0) return 0;
  const [neighbours] = list.edgeIndex;
  let count = 0;
  for (let e = list.ptr[i]; e < list.ptr[i + 1]; e++) {
    const type = types[neighbours[e]];
    if (type >= 0 && !removed?.has(types[i], type)) to[count++] = e;
  }
  return count;
}

/** Largest number of neighbours an atom has, of each type and in all, and the shortest distance (Infinity without pairs). */
export interface NeighborNumbers {
  /** [types] */
  readonly byType: Int32Array;
  readonly total: number;
  /** angstrom */
  readonly minDistance: number;
}

/** Counts neighbours. @param types [N]; negative: virtual atoms, neither centre nor neighbour */
export function neighborNumbers(list: NeighborList, types: Int32Array, typeCount: number): NeighborNumbers {
  const [neighbours] = list.edgeIndex;
  const byType = new Int32Array(typeCount);
  const own = new Int32Array(typeCount);
  let [total, minDistance] = [0, Infinity];
  for (let i = 0; i < types.length; i++) {
    if (types[i] < 0) continue;
    own.fill(0);
    let all = 0;
    for (let e = list.ptr[i]; e < list.ptr[i + 1]; e++) {
      const type = types[neighbours[e]];
      if (type < 0) continue;
      own[type]++;
      all++;
      minDistance = Math.min(minDistance, list.distance[e]);
    }
    total = Math.max(total, all);
    for (let t = 0; t < typeCount; t++) byType[t] = Math.max(byType[t], own[t]);
  }
  return { byType, total, minDistance };
}
