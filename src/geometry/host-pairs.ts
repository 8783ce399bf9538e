import type { PairTensors } from "../../kernels/neighbours/op.js";
import type { DeviceContext } from "../tensor/device.js";
import { type DType, hostArray, type TypedArray } from "../tensor/dtype.js";
import { scope } from "../tensor/scope.js";
import { Tensor } from "../tensor/tensor.js";

/** The pairs of some centres. */
export interface FoundPairs {
  readonly neighbour: Int32Array;
  readonly centre: Int32Array;
  readonly shift: Int32Array;
  readonly vector: Float64Array | Float32Array;
  readonly distance: Float64Array | Float32Array;
}

/** Whether kernels write into arrays of the host. */
const reachesHost = ({ backend }: DeviceContext): boolean => backend.lend !== undefined;

function unfilled({ backend }: DeviceContext, dtype: DType, size: number): TypedArray {
  return backend.unfilled?.(dtype, size) ?? hostArray(dtype, size);
}

/** Tensors for E pairs, or over arrays of the host. */
export function pairTensors(
  device: DeviceContext,
  E: number,
  dtype: "f32" | "f64",
  over?: readonly TypedArray[],
): PairTensors {
  return pairTypes(dtype).map(([type, width], k) => {
    const shape = width === 1 ? [E] : [E, width];
    return over === undefined
      ? Tensor.empty(device, type, shape, width * E)
      : Tensor.over(device, over[k], shape);
  }) as unknown as PairTensors;
}

/** Types and widths of what a list of pairs consists of. */
function pairTypes(dtype: "f32" | "f64"): readonly (readonly [DType, number])[] {
  return [["i32", 1], ["i32", 1], ["i32", 3], [dtype, 3], [dtype, 1]]; // prettier-ignore
}

/** Lists of pairs that kernels of a device write for the host. */
export class HostPairs {
  private last: TypedArray[] = [];

  /** @param overwrite each list lies where the one before lay */
  constructor(
    private readonly device: DeviceContext,
    private readonly overwrite = false,
  ) {}

  /** The E pairs that `fill` writes. */
  filled(E: number, dtype: "f32" | "f64", fill: (into: PairTensors) => void): FoundPairs {
    return scope(() => {
      const arrays = reachesHost(this.device) ? this.arrays(E, dtype) : undefined;
      const tensors = pairTensors(this.device, E, dtype, arrays);
      fill(tensors);
      const [neighbour, centre, shift, vector, distance] = arrays ?? tensors.map((t) => t.dataSync());
      return { neighbour, centre, shift, vector, distance } as FoundPairs;
    });
  }

  private arrays(E: number, dtype: "f32" | "f64"): TypedArray[] {
    const types = pairTypes(dtype);
    if (!this.overwrite) return types.map(([type, width]) => unfilled(this.device, type, width * E));
    // Numbers of pairs go up and down a little from list to list.
    if (this.last.length === 0 || this.last[0].length < E)
      this.last = types.map(([type, width]) => unfilled(this.device, type, width * Math.ceil(1.05 * E)));
    return this.last.map((data, k) => data.subarray(0, types[k][1] * E));
  }
}

/** [atoms + 1] where the pairs of each centre begin, of the numbers i32[atoms] that `count` writes. */
export function countedPairs(
  device: DeviceContext,
  atoms: number,
  count: (into: Tensor) => void,
): Int32Array | Float64Array {
  const counts = unfilled(device, "i32", atoms + 1) as Int32Array;
  counts[0] = 0;
  scope(() => {
    const into = reachesHost(device)
      ? Tensor.over(device, counts.subarray(1), [atoms])
      : Tensor.empty(device, "i32", [atoms], atoms);
    count(into);
    if (!reachesHost(device)) counts.set(into.dataSync(), 1);
  });
  return sumsOf(counts);
}

/** Numbers added up in place, the first of which is 0; as reals where an i32 does not hold the sum. */
export function sumsOf(counts: Int32Array): Int32Array | Float64Array {
  let total = 0;
  for (let i = 1; i < counts.length; i++) total += counts[i];
  const sums = total < 2 ** 31 ? counts : Float64Array.from(counts);
  for (let i = 1; i < sums.length; i++) sums[i] += sums[i - 1];
  return sums;
}
