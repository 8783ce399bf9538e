import { add } from "../../kernels/elementwise/ops.generated.js";
import { matmul } from "../../kernels/matmul/op.js";
import { concat, slice, transpose } from "../../kernels/shape_ops/op.js";
import { reshape } from "../autograd/reshape.js";
import { normal } from "../nn/init.js";
import { Module } from "../nn/module.js";
import type { DType } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import { RandomStream } from "../tensor/philox.js";
import { showShape, sizeOf } from "../tensor/shape.js";
import { type Tensor, tensor, zeros } from "../tensor/tensor.js";
import { assertFeatures, assertSameType } from "./features.js";
import { Irreps, type IrrepsLike } from "./irreps.js";

export interface LinearOptions {
  /** Pairs [entry of the input, entry of the output] to connect; default: all of equal irreps. */
  instructions?: readonly (readonly [iIn: number, iOut: number])[];
  /** A bias on every even scalar, or on the entries marked (default false). */
  biases?: boolean | readonly boolean[];
  pathNormalization?: "element" | "path";
  /** Whether the module holds its weights (default true); else they are passed to `call`. */
  internalWeights?: boolean;
  /** Type of internal weights, default f32, and what draws them from N(0,1). */
  dtype?: DType;
  random?: RandomStream;
}

interface LinearPath {
  readonly iIn: number;
  readonly iOut: number;
  readonly shape: readonly [mulIn: number, mulOut: number];
  readonly coefficient: number;
  readonly start: number;
}

/**
 * The general linear map that commutes with rotations: copies of equal irreps are mixed by matrices of weights. As e3nn's `o3.Linear`:
 * weights flat, a block [mul_in, mul_out] a path, input-major; parameters "weight" and "bias" (zeros at first).
 *
 * Errors: VALUE for paths between different irreps or biases on anything but 0e; SHAPE. Source: spec equivariant 4.3.
 */
export class Linear extends Module<readonly [x: Tensor, weight?: Tensor, bias?: Tensor]> {
  readonly irrepsIn: Irreps;
  readonly irrepsOut: Irreps;
  readonly weightNumel: number;
  readonly biasNumel: number;
  readonly weight: Tensor | undefined;
  readonly bias: Tensor | undefined;
  private readonly paths: readonly LinearPath[];
  /** Entries of the output that have a bias. */
  private readonly biased: readonly boolean[];

  constructor(irrepsIn: IrrepsLike, irrepsOut: IrrepsLike, options: LinearOptions = {}) {
    super();
    this.irrepsIn = new Irreps(irrepsIn);
    this.irrepsOut = new Irreps(irrepsOut);
    this.paths = makePaths(this.irrepsIn, this.irrepsOut, options);
    this.weightNumel = this.paths.reduce((n, { shape }) => n + shape[0] * shape[1], 0);
    this.biased = makeBiases(this.irrepsOut, options.biases ?? false);
    this.biasNumel = this.irrepsOut.entries.reduce((n, e, k) => n + (this.biased[k] ? e.mul : 0), 0);
    if (options.internalWeights === false) return;
    const { dtype = "f32", random = new RandomStream(0) } = options;
    const own = [this.weightNumel];
    this.weight = this.parameter("weight", tensor(normal()(own, random), own, { dtype }));
    if (this.biasNumel > 0) this.bias = this.parameter("bias", zeros([this.biasNumel], { dtype }));
  }

  /** Ones where an output is reached by a path or a bias, zeros elsewhere: [components of the output]. */
  get outputMask(): Float64Array {
    const mask = new Float64Array(this.irrepsOut.dim);
    this.irrepsOut.slices().forEach(({ start, stop }, k) => {
      if (this.biased[k] || this.paths.some((p) => p.iOut === k && p.shape[0] > 0)) mask.fill(1, start, stop);
    });
    return mask;
  }

  protected forward(x: Tensor, weight = this.weight, bias = this.bias): Tensor {
    this.check(x, weight, bias);
    const lead = x.shape.slice(0, -1);
    const rows = reshape(x, [sizeOf(lead), this.irrepsIn.dim]);
    const parts = this.irrepsOut.entries.flatMap((entry, k) =>
      entry.dim === 0 ? [] : [this.output(rows, k, weight, bias)],
    );
    const shape = [...lead, this.irrepsOut.dim];
    if (parts.length === 0) return zeros(shape, { dtype: x.dtype, device: x.device.name });
    return reshape(concat(parts, 1), shape);
  }

  override toString(): string {
    return `Linear(${this.irrepsIn.toString()} -> ${this.irrepsOut.toString()} | ${this.weightNumel} weights)`;
  }

  /** One entry of the output, [rows, mul * dim]. */
  private output(x: Tensor, k: number, weight: Tensor | undefined, bias: Tensor | undefined): Tensor {
    const { mul: mulOut, ir, dim } = this.irrepsOut.entries[k];
    const N = x.shape[0];
    const inputs = this.irrepsIn.slices();
    const terms = this.paths.flatMap((p) => {
      if (p.iOut !== k || p.shape[0] === 0) return [];
      const { start, stop } = inputs[p.iIn];
      // [N, mul, d] -> [N d, mul], so that the copies are mixed by one matrix product.
      const copies = transpose(reshape(slice(x, 1, start, stop), [N, p.shape[0], ir.dim]), [0, 2, 1]);
      const block = reshape(slice(weight!, 0, p.start, p.start + p.shape[0] * mulOut), p.shape);
      return [matmul(reshape(copies, [N * ir.dim, p.shape[0]]), block, { alpha: p.coefficient })];
    });
    const options = { dtype: x.dtype, device: x.device.name };
    const sum = terms.length === 0 ? zeros([N * ir.dim, mulOut], options) : terms.reduce((a, b) => add(a, b));
    const out = reshape(transpose(reshape(sum, [N, ir.dim, mulOut]), [0, 2, 1]), [N, dim]);
    if (!this.biased[k]) return out;
    const before = this.irrepsOut.entries
      .slice(0, k)
      .reduce((n, e, j) => n + (this.biased[j] ? e.mul : 0), 0);
    return add(out, slice(bias!, 0, before, before + mulOut));
  }

  private check(x: Tensor, weight: Tensor | undefined, bias: Tensor | undefined): void {
    assertFeatures("Linear", x, this.irrepsIn);
    const needed = { weight: [weight, this.weightNumel], bias: [bias, this.biasNumel] } as const;
    for (const [name, [given, count]] of Object.entries(needed))
      if (count > 0 && (given?.rank !== 1 || given.shape[0] !== count))
        throw new AtomgradError(
          "SHAPE",
          `Linear: ${name} expected [${count}], got ${given === undefined ? "nothing" : showShape(given.shape)}`,
        );
    assertSameType("Linear", ["x", x], { weight, bias });
  }
}

function makePaths(input: Irreps, output: Irreps, options: LinearOptions): LinearPath[] {
  const all = input.entries.flatMap((a, i) =>
    output.entries.flatMap((b, j) => (a.ir.equals(b.ir) ? [[i, j] as const] : [])),
  );
  const pairs = options.instructions ?? all;
  for (const [i, j] of pairs)
    if (!all.some(([a, b]) => a === i && b === j))
      throw new AtomgradError(
        "VALUE",
        `Linear: [${i},${j}] does not connect equal irreps of ${input.toString()} and ${output.toString()}`,
      );
  let start = 0;
  return pairs.map(([iIn, iOut]): LinearPath => {
    const mulIn = input.entries[iIn].mul;
    const same = pairs.filter(([, j]) => j === iOut);
    const total =
      options.pathNormalization === "path"
        ? mulIn * same.length
        : same.reduce((n, [i]) => n + input.entries[i].mul, 0);
    const shape = [mulIn, output.entries[iOut].mul] as const;
    const path = { iIn, iOut, shape, coefficient: total > 0 ? 1 / Math.sqrt(total) : 1, start };
    start += shape[0] * shape[1];
    return path;
  });
}

function makeBiases(output: Irreps, given: boolean | readonly boolean[]): readonly boolean[] {
  if (typeof given === "boolean") return output.entries.map((e) => given && e.ir.isScalar);
  if (given.length !== output.length || output.entries.some((e, k) => given[k] && !e.ir.isScalar))
    throw new AtomgradError(
      "VALUE",
      `Linear: biases [${given.join(",")}] for ${output.toString()}; one a entry, true only for 0e`,
    );
  return given;
}
