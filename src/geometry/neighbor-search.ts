import {
  neighbourFill,
  neighbourFind,
  neighbourGrid,
  type PairTensors,
  type SearchSpace,
} from "../../kernels/neighbours/op.js";
import { openReference } from "../backends/reference/reference.js";
import { defaultDevice, device as deviceByName, type DeviceContext, isOpen } from "../tensor/device.js";
import { AtomgradError } from "../tensor/error.js";
import { keep, scope } from "../tensor/scope.js";
import { Tensor } from "../tensor/tensor.js";
import { countedPairs, type FoundPairs, HostPairs, pairTensors, sumsOf } from "./host-pairs.js";
import { type AtomsInCell, type AtomsOnDevice, SearchArrays } from "./search-space.js";

export type { FoundPairs };

/** Offsets and vectors have three numbers a pair, and no array holds more than 2^31 - 1. */
const mostPairs = Math.floor((2 ** 31 - 1) / 3);

/**
 * Frames whose neighbours are counted; pairs are made when asked for, for all centres or some, so that lists of any
 * length can be worked through in bounded memory. Holds tensors: `dispose()` it.
 */
export class NeighborSearch implements Disposable {
  /** [N + 1] pairs of centre i are ptr[i] .. ptr[i + 1]. */
  readonly ptr: Int32Array | Float64Array;
  /** What the offsets of all pairs lie within, either way, along each axis of the first frame's lattice. */
  readonly farthestOffsets: readonly [number, number, number];
  /** [F + 1] atoms of each frame. */
  readonly framePtr: Int32Array;
  readonly atoms: number;
  private readonly space: SearchSpace;
  private readonly store: Tensor;
  private readonly kept: Tensor[] = [];

  /** Errors: SHAPE, VALUE as `neighborList`. @param device one with f64 */
  constructor(
    frames: readonly AtomsInCell[] | readonly [AtomsOnDevice],
    private readonly rcut: number,
    private readonly inclusive: boolean,
    private readonly device = searchDevice(),
  ) {
    assertCutoff(rcut);
    const arrays = new SearchArrays(frames, rcut, device.name);
    this.atoms = arrays.atoms;
    this.framePtr = arrays.framePtr;
    this.farthestOffsets = arrays.farthestOffsets();
    this.space = scope(() => neighbourGrid(arrays.tensors(), arrays.sizes));
    this.kept.push(...this.space.inputs);
    let store: Tensor | undefined;
    this.ptr = countedPairs(device, this.atoms, (count) => {
      store = keep(neighbourFind(this.space, rcut, inclusive, count));
    });
    this.kept.push((this.store = store!));
    for (const t of this.kept) keep(t);
  }

  /** The pairs of the centres `from` .. `to`, sorted by centre, neighbour and offset. Errors: VALUE when they are too many for an array. */
  pairs(from: number, to: number, dtype: "f32" | "f64"): FoundPairs {
    return new HostPairs(this.device).filled(this.count(from, to), dtype, (into) => {
      this.fill(from, to, into);
    });
  }

  /** The same on the device that searched. */
  tensors(from: number, to: number, dtype: "f32" | "f64"): PairTensors {
    const into = pairTensors(this.device, this.count(from, to), dtype);
    this.fill(from, to, into);
    return into;
  }

  private count(from: number, to: number): number {
    return checkedCount(this.ptr[to] - this.ptr[from]);
  }

  private fill(from: number, to: number, into: PairTensors): void {
    scope(() => {
      const rows = rowsOf(this.ptr, from, to);
      const ptr = Tensor.over(this.device, rows, [rows.length]);
      const range = { E: into[0].size, from, to };
      neighbourFill(this.space, { store: this.store, ptr }, range, this.rcut, this.inclusive, into);
    });
  }

  dispose(): void {
    for (const t of this.kept.splice(0)) t.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Errors: VALUE for what is no cutoff. */
export function assertCutoff(rcut: number): void {
  if (!(rcut > 0) || !Number.isFinite(rcut))
    throw new AtomgradError("VALUE", `neighborList: rcut is ${rcut}; give a positive length`);
}

/** Whether kernels of a device find neighbours by themselves: it is decided in f64 which pairs they are. */
export function searchesAlone({ backend }: DeviceContext): boolean {
  return backend.dtypes.includes("f64");
}

/** Errors: ASYNC_DEVICE for a device that cannot search at once; `name` says which function was called. */
export function assertSearchesAlone(device: DeviceContext, name: string): void {
  if (!searchesAlone(device))
    throw new AtomgradError(
      "ASYNC_DEVICE",
      `${name}: ${device.name} cannot answer at once; use \`await ${name}Async(...)\` there`,
    );
}

/** Errors: DEVICE for a device without f64, of which `name` has no form by promise. */
export function assertDouble(device: DeviceContext, name: string): void {
  if (!searchesAlone(device))
    throw new AtomgradError(
      "DEVICE",
      `${name}: ${device.name} has no f64, in which it is decided which pairs are neighbours; search on the cpu`,
    );
}

/** A number of pairs that fits into arrays. Errors: VALUE. */
function checkedCount(E: number): number {
  if (E <= mostPairs) return E;
  throw new AtomgradError("VALUE", `neighborList: ${E} pairs; at most ${mostPairs} fit, use a smaller rcut`);
}

/** Pointers of all pairs, from their numbers behind a zero, in place. Errors: VALUE when they are too many for an array. */
export function pairPointers(counts: Int32Array): Int32Array {
  const sums = sumsOf(counts);
  checkedCount(sums[sums.length - 1]);
  return sums as Int32Array;
}

/** Where the rows of each centre start when only those of `from` .. `to` are there; `ptr` itself where all are. */
export function rowsOf(ptr: Int32Array | Float64Array, from: number, to: number): Int32Array {
  if (from === 0 && to === ptr.length - 1 && ptr instanceof Int32Array) return ptr;
  const rows = new Int32Array(ptr.length);
  const [first, end] = [ptr[from], ptr[to]];
  for (let i = from; i < rows.length; i++) rows[i] = Math.min(ptr[i], end) - first;
  return rows;
}

/**
 * Where host arrays are searched unless told otherwise: answers are needed at once and in float64, so the CPU, or its
 * readable stand-in where there is none (browsers).
 */
export function searchDevice(): DeviceContext {
  if (isOpen("cpu")) return deviceByName("cpu");
  defaultDevice(); // an error when nothing is open: the stand-in must not become the default unasked
  openReference();
  return deviceByName("reference");
}
