import type { DeviceName } from "../../src/tensor/backend.js";
import type { DType } from "../../src/tensor/dtype.js";
import { keep } from "../../src/tensor/scope.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";

/** Which pairs (u, v) of copies of the two inputs meet. */
export const pairings = ["all", "diagonal", "upper"] as const;
/** Which copy of the output a pair adds to: its u, its v, its number, copy 0, or all copies by a matrix of weights. */
export const targets = ["first", "second", "pair", "single", "dense"] as const;

/** One path of a tensor product: pairs of copies of two entries, coupled into copies of a third. */
export interface ProductPath {
  readonly pairing: (typeof pairings)[number];
  readonly target: (typeof targets)[number];
  /** Where the path's weights begin in a row of weights; -1: all are 1. */
  readonly weights: number;
  /** Multiplicities of first input, second input, output. */
  readonly mul: readonly [number, number, number];
  /** Where the three entries begin in their rows. */
  readonly offset: readonly [number, number, number];
  /** Sparse couplings of components (i, j) to k. */
  readonly coupling: {
    readonly dims: readonly [number, number, number];
    readonly i: Int32Array;
    readonly j: Int32Array;
    readonly k: Int32Array;
    readonly value: Float64Array;
  };
  /** Factor of all couplings. */
  readonly coefficient: number;
}

/** An entry of a row of features: `mul` copies of `dim` components. */
export interface FeatureEntry {
  readonly mul: number;
  readonly dim: number;
}

/** A plan's tables on a device. */
export interface PlanTensors {
  readonly plan: Tensor;
  readonly coefficients: Tensor;
}

const padOf = (mul: number): number => Math.ceil(mul / 16) * 16;

/** A tensor product ready for the kernels: made once per signature, its tables are put on each device at first use. */
export class ProductPlan {
  /** Components of first input, second input, output; weights of a row. */
  readonly sizes: readonly [number, number, number];
  /** Scratch elements the kernels need per block (layout.h). */
  readonly scratch: number;
  private readonly table: Int32Array;
  private readonly coefficients: Float64Array;
  private readonly placed = new Map<string, PlanTensors>();

  constructor(
    first: readonly FeatureEntry[],
    second: readonly FeatureEntry[],
    output: readonly FeatureEntry[],
    readonly weights: number,
    paths: readonly ProductPath[],
  ) {
    const present = paths.filter((p) => p.mul.every((n) => n > 0) && p.coefficient !== 0);
    const [rows1, rows3] = [rowsOf(first), rowsOf(output)];
    this.sizes = [rows1.size, rowsOf(second).size, rows3.size];
    const terms = present.map((p) => p.coupling.value.length);
    const most = Math.max(0, ...terms, ...present.map(({ coupling: { dims } }) => dims[0] * dims[2]));
    this.scratch = 2 * rows1.padded + rows3.padded + padOf(most);
    let from = 0;
    const records = present.map((p, n) => record(p, (from += terms[n]) - terms[n], rows1.at, rows3.at));
    const header = [present.length, first.length, output.length, rows1.padded, rows3.padded, from, most, 0];
    const triples = present.flatMap(({ coupling: { i, j, k } }) =>
      Array.from(i, (_, n) => [i[n], j[n], k[n]]),
    );
    this.table = Int32Array.from([header, ...rows1.table, ...rows3.table, ...records, ...triples].flat());
    this.coefficients = Float64Array.from(
      present.flatMap((p) => Array.from(p.coupling.value, (c) => c * p.coefficient)),
    );
  }

  /** The tables on a device, put there at the first call and kept. */
  on(dtype: DType, device: DeviceName): PlanTensors {
    const key = `${device}/${dtype}`;
    let tensors = this.placed.get(key);
    if (tensors === undefined) {
      tensors = this.place(dtype, device);
      this.placed.set(key, { plan: keep(tensors.plan), coefficients: keep(tensors.coefficients) });
    }
    return tensors;
  }

  /** The tables as new tensors that belong to the caller. */
  place(dtype: DType, device: DeviceName): PlanTensors {
    // WGSL binds few buffers: its kernels read the bits of the coefficients behind the table.
    const bits = new Int32Array(Float32Array.from(this.coefficients).buffer);
    const table = new Int32Array(this.table.length + bits.length);
    table.set(this.table);
    table.set(bits, this.table.length);
    return {
      plan: tensor(table, [table.length], { device }),
      coefficients: tensor(this.coefficients, [this.coefficients.length], { dtype, device }),
    };
  }
}

interface Rows {
  readonly size: number;
  readonly padded: number;
  /** Padded place of the entry that begins at an offset; empty entries have none. */
  readonly at: ReadonlyMap<number, number>;
  readonly table: number[][];
}

function rowsOf(entries: readonly FeatureEntry[]): Rows {
  let [size, padded] = [0, 0];
  const at = new Map<number, number>();
  const table = entries.map(({ mul, dim }) => {
    if (mul > 0) at.set(size, padded);
    const line = [mul, dim, size, padded];
    size += mul * dim;
    padded += padOf(mul) * dim;
    return line;
  });
  return { size, padded, at, table };
}

function record(
  p: ProductPath,
  firstTerm: number,
  first: ReadonlyMap<number, number>,
  output: ReadonlyMap<number, number>,
): number[] {
  return [
    pairings.indexOf(p.pairing),
    targets.indexOf(p.target),
    p.weights,
    ...p.mul,
    ...p.coupling.dims,
    ...p.offset,
    firstTerm,
    p.coupling.value.length,
    first.get(p.offset[0])!,
    output.get(p.offset[2])!,
  ];
}
