import { AtomgradError } from "../tensor/error.js";
import type { FramesNeighborList, NeighborList } from "./pair-list.js";
import { sortByKey } from "./sort-by-key.js";

type AnyArray = Float32Array | Float64Array;

/**
 * Which neighbours of a crowded centre stay: the nearest, of equally near ones the first in the list (fairchem's
 * `enforce_max_neighbors_strictly`); the nearest and the rest of the last one's shell, so that symmetric sites stay symmetric
 * (fairchem otherwise: squared distances up to 0.01 above that of the next neighbour); or the first in the list (PyG's
 * `radius_graph` on GPUs).
 */
export type KeptNeighbors = (typeof keptNeighbors)[number];

export const keptNeighbors = ["nearest", "nearestShells", "first"] as const;

/** What fairchem takes for one shell, in squared angstrom. */
const shellWidth = 0.01;

/** At most `most` neighbours of each centre (`nearestShells`: or somewhat more); the order of the list stays. */
export function limitNeighbors<A extends AnyArray>(
  list: FramesNeighborList<A>,
  most: number,
  keep: KeptNeighbors,
): FramesNeighborList<A> {
  const ptr = new Int32Array(list.ptr.length);
  const kept = new Int32Array(list.count);
  const keys = Float64Array.from(list.distance);
  for (let i = 0; i + 1 < ptr.length; i++) {
    const first = list.ptr[i];
    const all = list.ptr[i + 1] - first;
    const edges = kept.subarray(ptr[i], ptr[i] + all).map((_, k) => first + k);
    let stay = Math.min(all, most);
    if (stay < all && keep !== "first") {
      sortByKey(edges, all, keys, new Int32Array(all));
      if (keep === "nearestShells") {
        const limit = keys[edges[stay]] ** 2 + shellWidth;
        while (stay < all && keys[edges[stay]] ** 2 <= limit) stay++;
      }
    }
    kept.set(edges.subarray(0, stay).sort(), ptr[i]);
    ptr[i + 1] = ptr[i] + stay;
  }
  return picked(list, kept.subarray(0, ptr[ptr.length - 1]), ptr);
}

function picked<A extends AnyArray>(
  list: FramesNeighborList<A>,
  edges: Int32Array,
  ptr: Int32Array,
): FramesNeighborList<A> {
  const rows = <R extends AnyArray | Int32Array>(data: R, width: number): R => {
    const out = new (data.constructor as new (length: number) => R)(width * edges.length);
    edges.forEach((e, k) => {
      for (let b = 0; b < width; b++) out[width * k + b] = data[width * e + b];
    });
    return out;
  };
  return {
    count: edges.length,
    edgeIndex: [rows(list.edgeIndex[0], 1), rows(list.edgeIndex[1], 1)],
    edgeShift: rows(list.edgeShift, 3),
    edgeVector: rows(list.edgeVector, 3),
    distance: rows(list.distance, 1),
    ptr,
    framePtr: list.framePtr,
    edgePtr: list.framePtr.map((i) => ptr[i]),
  };
}

/** A neighbour list with as many slots for every centre; empty slots have neighbour -1 and zeros. */
export interface PaddedNeighborList<A extends AnyArray = Float64Array> {
  readonly sel: number;
  /** [N, sel] */
  readonly neighbour: Int32Array;
  /** [N, sel, 3] */
  readonly shift: Int32Array;
  /** [N, sel, 3] angstrom */
  readonly vector: A;
  /** [N, sel] angstrom */
  readonly distance: A;
}

/**
 * The padded form [N, sel] of a list, for models that want tables of fixed width.
 *
 * Errors: VALUE when a centre has more than `sel` neighbours, naming the number needed; `maxNeighbors` of `neighborList` makes
 * room.
 */
export function padNeighbors<A extends AnyArray>(list: NeighborList<A>, sel: number): PaddedNeighborList<A> {
  const atoms = list.ptr.length - 1;
  if (!Number.isInteger(sel) || sel < 0)
    throw new AtomgradError("VALUE", `padNeighbors: sel is ${sel}; give a whole number of at least 0`);
  let [fullest, needed] = [0, 0];
  for (let i = 0; i < atoms; i++)
    if (list.ptr[i + 1] - list.ptr[i] > needed) [fullest, needed] = [i, list.ptr[i + 1] - list.ptr[i]];
  if (needed > sel)
    throw new AtomgradError(
      "VALUE",
      `padNeighbors: atom ${fullest} has ${needed} neighbours, sel is ${sel}; give a sel of at least ${needed}, or limit the list by maxNeighbors`,
    );
  const real = (width: number): A =>
    new (list.distance.constructor as new (length: number) => A)(width * atoms * sel);
  const padded = {
    sel,
    neighbour: new Int32Array(atoms * sel).fill(-1),
    shift: new Int32Array(3 * atoms * sel),
    vector: real(3),
    distance: real(1),
  };
  for (let i = 0; i < atoms; i++) {
    const [first, end] = [list.ptr[i], list.ptr[i + 1]];
    padded.neighbour.set(list.edgeIndex[0].subarray(first, end), i * sel);
    padded.shift.set(list.edgeShift.subarray(3 * first, 3 * end), 3 * i * sel);
    padded.vector.set(list.edgeVector.subarray(3 * first, 3 * end), 3 * i * sel);
    padded.distance.set(list.distance.subarray(first, end), i * sel);
  }
  return padded;
}
