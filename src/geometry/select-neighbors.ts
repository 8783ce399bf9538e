import type { NeighborList } from "./neighbor-list.js";

/** DeePMD's choice of neighbours for mixed types: the nearest `sel` of any type (spec deepmd 2.2). */
export interface SelectedNeighbors {
  /** [N + 1] kept pairs of each centre. */
  readonly ptr: Int32Array;
  /** [E] neighbour and centre of each kept pair, by distance within a centre. */
  readonly neighbour: Int32Array;
  readonly centre: Int32Array;
  /** [E, 3] angstrom */
  readonly vector: Float64Array;
  /** [N] kept pairs whose types exclude each other; they hold a slot but contribute nothing, and are not in the list. */
  readonly excluded: Int32Array;
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
}

/**
 * @param types [N]; negative: virtual atoms, neither centre nor neighbour
 */
export function selectNeighbors(
  list: NeighborList,
  types: Int32Array,
  sel: number,
  rules: PairRules = {},
): SelectedNeighbors {
  const atoms = types.length;
  const isNeighbour = (a: number, b: number): boolean => b >= 0 && !rules.removed?.has(a, b);
  const [neighbours] = list.edgeIndex;
  const ptr = new Int32Array(atoms + 1);
  const dropped = new Int32Array(atoms);
  const kept: number[] = [];
  const centre: number[] = [];
  let largest = 0;
  let minDistance = Infinity;
  for (let i = 0; i < atoms; i++) {
    const candidates: number[] = [];
    if (types[i] >= 0)
      for (let e = list.ptr[i]; e < list.ptr[i + 1]; e++)
        if (isNeighbour(types[i], types[neighbours[e]])) candidates.push(e);
    largest = Math.max(largest, candidates.length);
    // Ties keep the order of the list: neighbour, then offset.
    candidates.sort((a, b) => list.distance[a] - list.distance[b] || a - b);
    if (candidates.length > 0) minDistance = Math.min(minDistance, list.distance[candidates[0]]);
    for (const e of candidates.slice(0, sel)) {
      if (rules.excluded?.has(types[i], types[neighbours[e]])) {
        dropped[i]++;
        continue;
      }
      kept.push(e);
      centre.push(i);
    }
    ptr[i + 1] = kept.length;
  }
  const vector = new Float64Array(3 * kept.length);
  kept.forEach((e, k) => vector.set(list.edgeVector.subarray(3 * e, 3 * e + 3), 3 * k));
  return {
    ptr,
    neighbour: Int32Array.from(kept, (e) => neighbours[e]),
    centre: Int32Array.from(centre),
    vector,
    excluded: dropped,
    largest,
    minDistance,
  };
}

/** The same in DeePMD's padded form [N, sel], -1 in empty slots. */
export function paddedNeighbors(selected: SelectedNeighbors, sel: number): Int32Array {
  const atoms = selected.ptr.length - 1;
  const list = new Int32Array(atoms * sel).fill(-1);
  for (let i = 0; i < atoms; i++)
    list.set(selected.neighbour.subarray(selected.ptr[i], selected.ptr[i + 1]), i * sel);
  return list;
}
