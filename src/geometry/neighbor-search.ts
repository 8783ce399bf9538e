import {
  neighbourCount,
  neighbourFill,
  neighbourGrid,
  type SearchSpace,
} from "../../kernels/neighbours/op.js";
import { openReference } from "../backends/reference/reference.js";
import type { DeviceName } from "../tensor/backend.js";
import { defaultDevice, isOpen } from "../tensor/device.js";
import { AtomgradError } from "../tensor/error.js";
import { keep, scope } from "../tensor/scope.js";
import { type Tensor, tensor } from "../tensor/tensor.js";
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
  readonly ptr: Float64Array;
  /** [F + 1] atoms of each frame. */
  readonly framePtr: Int32Array;
  readonly atoms: number;
  private readonly space: SearchSpace;
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
    const arrays = new SearchArrays(frames, rcut);
    this.atoms = arrays.atoms;
    this.framePtr = arrays.framePtr;
    const [space, counts] = scope(() => {
      const made = neighbourGrid(arrays.tensors(this.device));
      const numbers = neighbourCount(made, rcut, inclusive).dataSync();
      this.kept.push(...made.inputs);
      for (const t of made.inputs) keep(t);
      return [made, numbers];
    });
    this.space = space;
    this.ptr = new Float64Array(this.atoms + 1);
    for (let i = 0; i < this.atoms; i++) this.ptr[i + 1] = this.ptr[i] + counts[i];
  }

  /** The pairs of the centres `from` .. `to`, sorted by centre, neighbour and offset. Errors: VALUE when they are too many for an array. */
  pairs(from: number, to: number, dtype: "f32" | "f64"): FoundPairs {
    const E = this.ptr[to] - this.ptr[from];
    if (E > mostPairs)
      throw new AtomgradError(
        "VALUE",
        `neighborList: ${E} pairs; at most ${mostPairs} fit, use a smaller rcut`,
      );
    const { rcut, inclusive, device } = this;
    return scope(() => {
      const rows = rowsOf(this.ptr, from, to);
      const ptr = tensor(rows, [rows.length], { device });
      const made = neighbourFill(this.space, ptr, { E, from, to }, rcut, inclusive, dtype);
      const [neighbour, centre, shift] = made.slice(0, 3).map((t) => t.moveSync() as Int32Array);
      const [vector, distance] = made.slice(3).map((t) => t.moveSync() as Float64Array | Float32Array);
      return { neighbour, centre, shift, vector, distance };
    });
  }

  dispose(): void {
    for (const t of this.kept.splice(0)) t.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Where the rows of each centre start when only those of `from` .. `to` are there. */
export function rowsOf(ptr: Float64Array, from: number, to: number): Int32Array {
  const rows = new Int32Array(ptr.length);
  const [first, end] = [ptr[from], ptr[to]];
  for (let i = from; i < rows.length; i++) rows[i] = Math.min(ptr[i], end) - first;
  return rows;
}

/**
 * Searching needs answers at once and in float64: the CPU, or its readable stand-in where there is none
 * (browsers).
 */
function searchDevice(): DeviceName {
  if (isOpen("cpu")) return "cpu";
  defaultDevice(); // an error when nothing is open: the stand-in must not become the default unasked
  openReference();
  return "reference";
}
