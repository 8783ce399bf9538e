import {
  neighbourFill,
  neighbourFind,
  neighbourGrid,
  type SearchSpace,
} from "../../kernels/neighbours/op.js";
import { openReference } from "../backends/reference/reference.js";
import { defaultDevice, device as deviceByName, type DeviceContext, isOpen } from "../tensor/device.js";
import { type DType, hostArray, type TypedArray } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import { keep, scope } from "../tensor/scope.js";
import { Tensor } from "../tensor/tensor.js";
import { type AtomsInCell, SearchArrays } from "./search-space.js";

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
  private readonly device = searchDevice();

  /** Errors: SHAPE, VALUE as `neighborList`. */
  constructor(
    frames: readonly AtomsInCell[],
    private readonly rcut: number,
    private readonly inclusive: boolean,
  ) {
    if (!(rcut > 0) || !Number.isFinite(rcut))
      throw new AtomgradError("VALUE", `neighborList: rcut is ${rcut}; give a positive length`);
    const arrays = new SearchArrays(frames, rcut, this.device.name);
    this.atoms = arrays.atoms;
    this.framePtr = arrays.framePtr;
    const counts = this.unfilled("i32", this.atoms + 1) as Int32Array;
    counts[0] = 0;
    [this.space, this.store] = scope(() => {
      const space = neighbourGrid(arrays.tensors(), arrays.sizes);
      const count = Tensor.over(this.device, counts.subarray(1), [this.atoms]);
      const store = neighbourFind(space, rcut, inclusive, count);
      this.kept.push(...space.inputs, store);
      for (const t of this.kept) keep(t);
      return [space, store] as const;
    });
    this.ptr = sumsOf(counts);
  }

  /** The pairs of the centres `from` .. `to`, sorted by centre, neighbour and offset. Errors: VALUE when they are too many for an array. */
  pairs(from: number, to: number, dtype: "f32" | "f64"): FoundPairs {
    const E = this.ptr[to] - this.ptr[from];
    if (E > mostPairs)
      throw new AtomgradError(
        "VALUE",
        `neighborList: ${E} pairs; at most ${mostPairs} fit, use a smaller rcut`,
      );
    const found = {
      neighbour: this.unfilled("i32", E) as Int32Array,
      centre: this.unfilled("i32", E) as Int32Array,
      shift: this.unfilled("i32", 3 * E) as Int32Array,
      vector: this.unfilled(dtype, 3 * E) as Float64Array | Float32Array,
      distance: this.unfilled(dtype, E) as Float64Array | Float32Array,
    };
    scope(() => {
      const over = (data: TypedArray, shape: number[]): Tensor => Tensor.over(this.device, data, shape);
      const rows = rowsOf(this.ptr, from, to);
      neighbourFill(
        this.space,
        { store: this.store, ptr: over(rows, [rows.length]) },
        { E, from, to },
        this.rcut,
        this.inclusive,
        [
          over(found.neighbour, [E]),
          over(found.centre, [E]),
          over(found.shift, [E, 3]),
          over(found.vector, [E, 3]),
          over(found.distance, [E]),
        ],
      );
    });
    return found;
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
 * Searching needs answers at once and in float64: the CPU, or its readable stand-in where there is none
 * (browsers).
 */
function searchDevice(): DeviceContext {
  if (isOpen("cpu")) return deviceByName("cpu");
  defaultDevice(); // an error when nothing is open: the stand-in must not become the default unasked
  openReference();
  return deviceByName("reference");
}
