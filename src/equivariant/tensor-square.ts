import { AtomgradError } from "../tensor/error.js";
import type { Tensor } from "../tensor/tensor.js";
import { assertOneOf, assertOptional } from "../tensor/arguments.js";
import type { InstructionLike, NormalizationOptions } from "./instruction.js";
import type { Irrep } from "./irrep.js";
import { Irreps, type IrrepsLike, irrepsOf, MulIr } from "./irreps.js";
import { type IrFilter, keeper, type ProductPaths, sortedOutput } from "./product-paths.js";
import { TensorProduct, type TensorProductOptions } from "./tensor-product.js";
import type { Weights } from "./weight-blocks.js";

export interface TensorSquareOptions extends TensorProductOptions {
  /** Irreps of the output of the square without weights to keep; default: all. */
  filterIrOut?: IrFilter;
  /** Makes the square a weighted one into these irreps. */
  irrepsOut?: IrrepsLike;
}

/**
 * The product of a feature with itself, each symmetric pair once. With `irrepsOut` (in the options) it is weighted and gives those irreps,
 * else all of them.
 */
export class TensorSquare extends TensorProduct {
  constructor(irrepsIn: IrrepsLike, options: TensorSquareOptions = {}) {
    const what = "TensorSquare";
    assertOptional(what, options);
    const input = irrepsOf(`${what}: irrepsIn`, irrepsIn).simplify();
    const normalization = options.irrepNormalization ?? "component";
    assertOneOf(`${what}: irrepNormalization`, normalization, ["component", "norm", "none"]);
    if (options.irrepsOut !== undefined && options.filterIrOut !== undefined)
      throw new AtomgradError(
        "VALUE",
        `${what}: irrepsOut and filterIrOut are both given; the filter is for the square without weights`,
      );
    const made =
      options.irrepsOut === undefined
        ? fullSquare(input, keeper(what, options.filterIrOut), normalization)
        : weightedSquare(input, irrepsOf(`${what}: irrepsOut`, options.irrepsOut).simplify(), normalization);
    super(input, input, made.irreps, made.instructions, { ...options, irrepNormalization: "none" });
  }

  get irrepsIn(): Irreps {
    return this.irrepsIn1;
  }

  protected override get printedName(): string {
    return "TensorSquare";
  }

  /** The square of x [..., dim]; weights as in a tensor product. */
  override call(x: Tensor, weight?: Weights): Tensor {
    return super.call(x, x, weight);
  }

  /** The same as `call`. */
  square(x: Tensor, weight?: Weights): Tensor {
    return this.call(x, weight);
  }

  override toString(): string {
    return `${this.printedName}(${this.irrepsIn1.simplify().toString()} -> ${this.irrepsOut.simplify().toString()} | ${this.pathCount} paths | ${this.weightNumel} weights)`;
  }
}

type Normalization = NonNullable<NormalizationOptions["irrepNormalization"]>;

/** Squared factors of pairs of different copies, and of a copy with itself. */
function squareFactors(normalization: Normalization, d1: number, d2: number, out: Irrep): [number, number] {
  if (normalization === "none") return [1, 1];
  if (normalization === "component") return [out.dim, out.l === 0 ? out.dim / (d1 + 2) : out.dim / 2];
  return [d1 * d2, out.l === 0 ? out.dim * d1 : (d1 * (d1 + 2)) / 2];
}

function fullSquare(input: Irreps, keep: (ir: Irrep) => boolean, normalization: Normalization): ProductPaths {
  const out: MulIr[] = [];
  const instructions: InstructionLike[] = [];
  const put = (
    i: number,
    j: number,
    mul: number,
    ir: Irrep,
    mode: InstructionLike[3],
    factor: number,
  ): void => {
    instructions.push([i, j, out.length, mode, false, factor]);
    out.push(new MulIr(mul, ir));
  };
  input.entries.forEach((one, i) =>
    input.entries.forEach((two, j) => {
      if (i > j) return;
      for (const ir of one.ir.times(two.ir).filter(keep)) {
        const [pair, self] = squareFactors(normalization, one.ir.dim, two.ir.dim, ir);
        if (i < j) put(i, j, one.mul * two.mul, ir, "uvuv", pair);
        else {
          if (one.mul > 1) put(i, i, (one.mul * (one.mul - 1)) / 2, ir, "uvu<v", pair);
          if (ir.l % 2 === 0) put(i, i, one.mul, ir, "uuu", self);
        }
      }
    }),
  );
  return sortedOutput(new Irreps(out), instructions);
}

function weightedSquare(input: Irreps, output: Irreps, normalization: Normalization): ProductPaths {
  const instructions: InstructionLike[] = [];
  input.entries.forEach((one, i) =>
    input.entries.forEach((two, j) =>
      output.entries.forEach(({ ir }, k) => {
        if (i > j || !one.ir.times(two.ir).some((allowed) => allowed.equals(ir))) return;
        const [pair, self] = squareFactors(normalization, one.ir.dim, two.ir.dim, ir);
        if (i < j) instructions.push([i, j, k, "uvw", true, pair]);
        else {
          if (one.mul > 1) instructions.push([i, i, k, "u<vw", true, pair]);
          if (ir.l % 2 === 0) instructions.push([i, i, k, "uuw", true, self]);
        }
      }),
    ),
  );
  return { irreps: output, instructions };
}
