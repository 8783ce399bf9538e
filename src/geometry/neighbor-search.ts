import {
  neighbourFill,
  neighbourFind,
  neighbourGrid,
  type PairTensors,
  type SearchSpace,
} from "../../kernels/neighbours/op.js";
import { openReference } from "../backends/reference/reference.js";
import { defaultDevice, device as deviceByName, type DeviceContext, isOpen } from "../tensor/device.js";
import { type DType, hostArray, type TypedArray } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import { keep, scope } from "../tensor/scope.js";
import { Tensor } from "../tensor/tensor.js";
import { type AtomsInCell, type AtomsOnDevice, SearchArrays } from "./search-space.js";

/** Offsets and vectors have three numbers a pair, and no array holds more than 2^31 - 1. */
const mostPairs = Math.floor((2 ** 31 - 1) / 3);

/** The pairs of some centres. */
export interface FoundPairs {
  readonly neighbour: Int32Array;
  readonly centre: Int32Array;
  readonly shift: Int32Array;
  readonly vector: Float64Array | Float32Array;
  readonly distance: Float64Array | Float32Array;
}

/**
 * Frames whose neighbours are counted; pairs are made when asked for, for all centres or some, so that lists of any
 * length can be worked through in bounded memory. Holds tensors: `dispose()` it.
 */
export class NeighborSearch implements Disposable {
  /** [N + 1] pairs of centre i are ptr[i] .. ptr[i + 1]. */
  readonly ptr: Int32Array | Float64Array;
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
    const counts = this.unfilled("i32", this.atoms + 1) as Int32Array;
    counts[0] = 0;
    [this.space, this.store] = scope(() => {
      const space = neighbourGrid(arrays.tensors(), arrays.sizes);
      const count = this.reachesHost
        ? Tensor.over(device, counts.subarray(1), [this.atoms])
        : Tensor.empty(device, "i32", [this.atoms], this.atoms);
      const store = neighbourFind(space, rcut, inclusive, count);
      if (!this.reachesHost) counts.set(count.dataSync(), 1);
      this.kept.push(...space.inputs, store);
      for (const t of this.kept) keep(t);
      return [space, store] as const;
    });
    this.ptr = sumsOf(counts);
  }

  /** The pairs of the centres `from` .. `to`, sorted by centre, neighbour and offset. Errors: VALUE when they are too many for an array. */
  pairs(from: number, to: number, dtype: "f32" | "f64"): FoundPairs {
    if (!this.reachesHost) return scope(() => foundPairs(this.tensors(from, to, dtype), (t) => t.dataSync()));
    const E = this.count(from, to);
    const arrays = this.sizes(E, dtype).map(({ type, size }) => this.unfilled(type, size));
    scope(() => {
      const over = arrays.map((data, k) => Tensor.over(this.device, data, k === 2 || k === 3 ? [E, 3] : [E]));
      this.fill(from, to, over as unknown as PairTensors);
    });
    return foundPairs(arrays, (data) => data);
  }

  /** The same on the device that searched. */
  tensors(from: number, to: number, dtype: "f32" | "f64"): PairTensors {
    const E = this.count(from, to);
    const into = this.sizes(E, dtype).map(({ type, size }, k) =>
      Tensor.empty(this.device, type, k === 2 || k === 3 ? [E, 3] : [E], size),
    ) as unknown as PairTensors;
    this.fill(from, to, into);
    return into;
  }

  /** Number types and sizes of what `neighbourFill` writes. */
  private sizes(E: number, dtype: "f32" | "f64"): { readonly type: DType; readonly size: number }[] {
    const types = ["i32", "i32", "i32", dtype, dtype] as const;
    return types.map((type, k) => ({ type, size: k === 2 || k === 3 ? 3 * E : E }));
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

  /** Whether kernels write into arrays of the host. */
  private get reachesHost(): boolean {
    return this.device.backend.lend !== undefined;
  }

  private unfilled(dtype: DType, size: number): TypedArray {
    return this.device.backend.unfilled?.(dtype, size) ?? hostArray(dtype, size);
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

function foundPairs<A>(five: readonly A[], read: (a: A) => TypedArray): FoundPairs {
  const [neighbour, centre, shift, vector, distance] = five.map(read);
  return { neighbour, centre, shift, vector, distance } as FoundPairs;
}

/** Numbers added up in place, the first of which is 0; as reals where an i32 does not hold the sum. */
function sumsOf(counts: Int32Array): Int32Array | Float64Array {
  let total = 0;
  for (let i = 1; i < counts.length; i++) total += counts[i];
  const sums = total < 2 ** 31 ? counts : Float64Array.from(counts);
  for (let i = 1; i < sums.length; i++) sums[i] += sums[i - 1];
  return sums;
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
