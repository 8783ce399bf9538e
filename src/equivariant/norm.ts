import { add, div, maximum, mul, safeSqrt, sqrt, square } from "../../kernels/elementwise/ops.generated.js";
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

/** The entries of x [..., dim] as [..., mul, 2l+1], empty ones left out. */
function entriesOf(what: string, x: Tensor, irreps: Irreps): Tensor[] {
  assertFeatures(what, x, irreps);
  const axis = x.rank - 1;
  const slices = irreps.slices();
  return irreps.entries.flatMap(({ mul: copies, ir }, k) => {
    if (copies === 0) return [];
    const { start, stop } = slices[k];
    return [reshape(slice(x, axis, start, stop), [...x.shape.slice(0, -1), copies, ir.dim])];
  });
}

/** Sums of squares of every irrep, [..., number of irreps]. */
function squares(parts: readonly Tensor[]): Tensor {
  const axis = parts[0].rank - 2;
  return concat(
    parts.map((part) => sum(square(part), { axis: part.rank - 1 })),
    axis,
  );
}

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
    const parts = entriesOf("Norm", x, this.irrepsIn);
    if (parts.length === 0) return x;
    const found = squares(parts);
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
  private readonly biases: Tensor | undefined;
  private readonly epsilon: number | undefined;

  constructor(
    irrepsIn: IrrepsLike,
    private readonly scalar: ScalarFunction,
    private readonly options: NormActivationOptions = {},
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
    if (bias) this.biases = this.parameter("biases", zeros([this.irrepsIn.numIrreps], { dtype }));
  }

  protected forward(x: Tensor): Tensor {
    const parts = entriesOf("NormActivation", x, this.irrepsIn);
    if (parts.length === 0) return x;
    const { epsilon } = this;
    assertSameType("NormActivation", ["x", x], { biases: this.biases });
    const found = squares(parts);
    const length = epsilon === undefined ? safeSqrt(found) : sqrt(maximum(found, epsilon ** 2));
    const value = this.scalar(this.biases === undefined ? length : add(length, this.biases));
    const scale = this.options.normalize === false ? value : div(value, length);
    let first = 0;
    const scaled = parts.map((part) => {
      const copies = part.shape[part.rank - 2];
      const own = slice(scale, scale.rank - 1, first, (first += copies));
      const lead = part.shape.slice(0, -2);
      return reshape(mul(part, reshape(own, [...lead, copies, 1])), [
        ...lead,
        copies * part.shape[part.rank - 1],
      ]);
    });
    return concat(scaled, x.rank - 1);
  }

  /** e3nn's module holds the lengths as "norm" and the product with the factors as "scalar_multiplier". */
  protected override derived(): ReadonlyMap<string, DerivedArray> {
    const irreps = this.irrepsIn.simplify();
    const multiplier = new ElementwiseTensorProduct(lengthsOf(irreps), this.irrepsIn);
    return new Map([
      ...prefixed("norm.", normArrays(irreps)),
      ...prefixed("scalar_multiplier.", productArrays(multiplier)),
    ]);
  }
}
