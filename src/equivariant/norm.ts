import { add, div, maximum, safeSqrt, sqrt, square } from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { concat, slice } from "../../kernels/shape_ops/op.js";
import { reshape } from "../autograd/reshape.js";
import { Module } from "../nn/module.js";
import type { DerivedArray } from "../nn/state.js";
import type { DType } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import { type Tensor, zeros } from "../tensor/tensor.js";
import { assertOptional, kindOf } from "../tensor/arguments.js";
import { assertFeatures, assertSameType } from "./features.js";
import { ElementwiseTensorProduct } from "./fixed-products.js";
import type { InstructionLike } from "./instruction.js";
import { Irrep } from "./irrep.js";
import { Irreps, type IrrepsLike, irrepsOf, MulIr } from "./irreps.js";
import type { ScalarFunction } from "./normalized-activation.js";
import { type NamedArrays, prefixed, productArrays } from "./state-arrays.js";
import { TensorProduct } from "./tensor-product.js";

/**
 * The length of every irrep: x [..., dim] -> [..., number of irreps], scalars 0e. Its derivative at length 0 is 0. As e3nn's `o3.Norm`.
 */
export class Norm extends Module {
  readonly irrepsIn: Irreps;
  readonly irrepsOut: Irreps;

  constructor(
    irrepsIn: IrrepsLike,
    private readonly options: { squared?: boolean } = {},
  ) {
    super();
    this.irrepsIn = irrepsOf("Norm: irrepsIn", irrepsIn).simplify();
    assertOptional("Norm", options);
    this.irrepsOut = lengthsOf(this.irrepsIn).simplify();
  }

  protected forward(x: Tensor): Tensor {
    assertFeatures("Norm", x, this.irrepsIn);
    if (this.irrepsIn.dim === 0) return x;
    const axis = x.rank - 1;
    const lead = x.shape.slice(0, -1);
    const slices = this.irrepsIn.slices();
    const squares = this.irrepsIn.entries.map(({ mul, ir }, k) => {
      const entry = reshape(slice(x, axis, slices[k].start, slices[k].stop), [...lead, mul, ir.dim]);
      return sum(square(entry), { axis: axis + 1 });
    });
    const found = concat(squares, axis);
    return this.options.squared === true ? found : safeSqrt(found);
  }

  protected override derived(): ReadonlyMap<string, DerivedArray> {
    return new Map(normArrays(this.irrepsIn));
  }

  override toString(): string {
    return `Norm(${this.irrepsIn.toString()})`;
  }
}

/** A scalar 0e a copy, entry by entry. */
function lengthsOf(irreps: Irreps): Irreps {
  return new Irreps(irreps.entries.map((entry) => new MulIr(entry.mul, new Irrep(0, 1))));
}

/** e3nn's `Norm` holds the product "tp" of a feature with itself, copy by copy; irreps simplified. */
function normArrays(irreps: Irreps): NamedArrays {
  const instructions = irreps.entries.map(({ ir }, k): InstructionLike => [k, k, k, "uuu", false, ir.dim]);
  return prefixed("tp.", productArrays(new TensorProduct(irreps, irreps, lengthsOf(irreps), instructions)));
}

export interface NormActivationOptions {
  /** Replace each irrep's length by the function of it (default), or multiply by the function. */
  normalize?: boolean;
  /** Shorter irreps count as this long (default 1e-8); only with `normalize`. */
  epsilon?: number;
  /** A trained number added to each length before the function (default false), zeros at first. */
  bias?: boolean;
  /** Type of the bias, default f32. */
  dtype?: DType;
}

/**
 * Multiplies every irrep by a function of its length, which keeps its direction. As e3nn's `NormActivation`; the function is not scaled.
 * Errors: VALUE for an epsilon that is not positive or without `normalize`; SHAPE.
 */
export class NormActivation extends Module {
  readonly irrepsIn: Irreps;
  readonly irrepsOut: Irreps;
  private readonly norm: Norm;
  private readonly multiplier: ElementwiseTensorProduct;
  private readonly biases: Tensor | undefined;
  private readonly epsilon: number | undefined;

  constructor(
    irrepsIn: IrrepsLike,
    private readonly scalar: ScalarFunction,
    options: NormActivationOptions = {},
  ) {
    super();
    this.irrepsIn = this.irrepsOut = irrepsOf("NormActivation: irrepsIn", irrepsIn);
    assertOptional("NormActivation", options);
    if (typeof scalar !== "function")
      throw new AtomgradError(
        "VALUE",
        `NormActivation: give a function of the lengths, such as sigmoid, got ${kindOf(scalar)}`,
      );
    const { normalize = true, epsilon, bias = false, dtype = "f32" } = options;
    if (epsilon !== undefined && (!normalize || !(epsilon > 0)))
      throw new AtomgradError(
        "VALUE",
        `NormActivation: epsilon is ${epsilon}; give a positive one with normalize, or none`,
      );
    this.epsilon = normalize ? (epsilon ?? 1e-8) : undefined;
    this.norm = this.child("norm", new Norm(this.irrepsIn, { squared: normalize }));
    this.multiplier = this.child(
      "scalar_multiplier",
      new ElementwiseTensorProduct(this.norm.irrepsOut, this.irrepsIn),
    );
    if (bias) this.biases = this.parameter("biases", zeros([this.irrepsIn.numIrreps], { dtype }));
  }

  protected forward(x: Tensor): Tensor {
    assertFeatures("NormActivation", x, this.irrepsIn);
    assertSameType("NormActivation", ["x", x], { biases: this.biases });
    if (this.irrepsIn.dim === 0) return x;
    const { epsilon } = this;
    const found = this.norm.call(x);
    const length = epsilon === undefined ? found : sqrt(maximum(found, epsilon ** 2));
    const value = this.scalar(this.biases === undefined ? length : add(length, this.biases));
    return this.multiplier.call(epsilon === undefined ? value : div(value, length), x);
  }
}
