import { expandTo } from "../../kernels/reduce/op.js";
import { add } from "../../kernels/elementwise/ops.generated.js";
import { type ProductMaps, tensorProduct } from "../../kernels/tensor_product/op.js";
import { type FeatureEntry, type ProductPath, ProductPlan } from "../../kernels/tensor_product/plan.js";
import { reshape } from "../autograd/reshape.js";
import { normal } from "../nn/init.js";
import { Module } from "../nn/module.js";
import type { DType } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import { RandomStream } from "../tensor/philox.js";
import { broadcastShapes, type Shape, showShape, sizeOf } from "../tensor/shape.js";
import { type Tensor, tensor, zeros } from "../tensor/tensor.js";
import { assertFeatures, assertSameType, assertTensor, kindOf, isList } from "./features.js";
import {
  type ConnectionMode,
  type Instruction,
  type InstructionLike,
  type NormalizationOptions,
  resolveInstructions,
} from "./instruction.js";
import { Irreps, type IrrepsLike } from "./irreps.js";
import { wignerCoupling } from "./wigner.js";

export interface TensorProductOptions extends NormalizationOptions {
  /** Whether one set of weights serves all rows (default true). */
  sharedWeights?: boolean;
  /** Whether the module holds its weights (default: when they are shared and there are any). */
  internalWeights?: boolean;
  /** Type of the internal weights, default f32, and what draws them from N(0,1). */
  dtype?: DType;
  random?: RandomStream;
}

/** Pairing and target of each mode (kernels/tensor_product/plan.ts). */
const wiring: Record<ConnectionMode, readonly [ProductPath["pairing"], ProductPath["target"]]> = {
  uvw: ["all", "dense"],
  uvu: ["all", "first"],
  uvv: ["all", "second"],
  uuw: ["diagonal", "dense"],
  uuu: ["diagonal", "first"],
  uvuv: ["all", "pair"],
  "uvu<v": ["upper", "pair"],
  "u<vw": ["upper", "dense"],
};

/**
 * A tensor product of two features with any wiring, as e3nn's `o3.TensorProduct`: same weights in the same order, same factors, same
 * printing. Planned once; values and derivatives of every order run in kernels.
 *
 *     const tp = new TensorProduct("8x1o", "1x1o", "8x0e", [[0, 0, 0, "uvu", true]]);
 *     const out = tp.call(x, y);
 *
 * Errors: VALUE for instructions that couple nothing or whose multiplicities do not fit their mode.
 */
export class TensorProduct extends Module<readonly [x: Tensor, y: Tensor, weight?: Tensor]> {
  readonly irrepsIn1: Irreps;
  readonly irrepsIn2: Irreps;
  readonly irrepsOut: Irreps;
  readonly instructions: readonly Instruction[];
  /** Length of the flat vector of weights: blocks of the weighted instructions in order, row-major in their path shapes. */
  readonly weightNumel: number;
  readonly sharedWeights: boolean;
  readonly internalWeights: boolean;
  /** The module's own weights, [weightNumel]. */
  readonly weight: Tensor | undefined;
  /** What the kernels run: paths with weights, and those without; their derivatives with respect to weights differ. */
  readonly plans: readonly ProductPlan[];
  protected readonly printedName: string = "TensorProduct";

  constructor(
    irrepsIn1: IrrepsLike,
    irrepsIn2: IrrepsLike,
    irrepsOut: IrrepsLike,
    instructions: readonly InstructionLike[],
    options: TensorProductOptions = {},
  ) {
    super();
    this.irrepsIn1 = new Irreps(irrepsIn1);
    this.irrepsIn2 = new Irreps(irrepsIn2);
    this.irrepsOut = new Irreps(irrepsOut);
    const irreps = [this.irrepsIn1, this.irrepsIn2, this.irrepsOut] as const;
    for (const one of irreps) sizeOf([one.dim]);
    if (!isList(instructions))
      throw new AtomgradError(
        "VALUE",
        `TensorProduct: instructions must be a list such as [[0, 0, 0, "uvw", true]], got ${kindOf(instructions)}`,
      );
    this.instructions = resolveInstructions(irreps, instructions, options);
    this.weightNumel = sizeOf([
      this.instructions.reduce((n, i) => n + (i.hasWeight ? numel(i.pathShape) : 0), 0),
    ]);
    this.sharedWeights = options.sharedWeights ?? true;
    this.internalWeights = options.internalWeights ?? (this.sharedWeights && this.weightNumel > 0);
    if (this.internalWeights && !this.sharedWeights)
      throw new AtomgradError(
        "VALUE",
        "TensorProduct: internal weights are shared by all rows; drop sharedWeights: false",
      );
    this.plans = this.makePlans();
    if (this.internalWeights && this.weightNumel > 0) {
      const values = normal()([this.weightNumel], options.random ?? new RandomStream(0));
      this.weight = this.parameter(
        "weight",
        tensor(values, [this.weightNumel], { dtype: options.dtype ?? "f32" }),
      );
    }
  }

  /** Ones where an output is reached by a path, zeros elsewhere: [dim of the output]. */
  get outputMask(): Float64Array {
    const mask = new Float64Array(this.irrepsOut.dim);
    this.irrepsOut.slices().forEach(({ start, stop }, k) => {
      const reached = this.instructions.some(
        (i) => i.iOut === k && i.pathWeight !== 0 && !i.pathShape.includes(0),
      );
      if (reached) mask.fill(1, start, stop);
    });
    return mask;
  }

  /** Where each weighted instruction's block stands in the flat vector of weights, and its shape. */
  weightBlocks(): { instruction: number; start: number; stop: number; shape: readonly number[] }[] {
    let start = 0;
    return this.instructions.flatMap(({ hasWeight, pathShape: shape }, instruction) =>
      hasWeight ? [{ instruction, start, stop: (start += numel(shape)), shape }] : [],
    );
  }

  /**
   * Gathers rows of x [N, dim], multiplies them with y [E, dim] edge by edge and sums into the rows of the target, without storing
   * per-edge results: one step of message passing. Weights as in `call`.
   */
  convolve(x: Tensor, y: Tensor, maps: ProductMaps, weight?: Tensor): Tensor {
    assertFeatures(this.printedName, x, this.irrepsIn1);
    assertFeatures(this.printedName, y, this.irrepsIn2, { name: "y" });
    const w = this.weightsFor(weight);
    assertSameType(this.printedName, ["x", x], { y, weight: w });
    return this.run(x, y, w === undefined || w.rank === 2 ? w : reshape(w, [1, this.weightNumel]), maps);
  }

  /** x [..., dim of input 1], y [..., dim of input 2]; leading sizes broadcast, those of unshared weights too. */
  protected forward(x: Tensor, y: Tensor, weight?: Tensor): Tensor {
    assertFeatures(this.printedName, x, this.irrepsIn1);
    assertFeatures(this.printedName, y, this.irrepsIn2, { name: "y" });
    const w = this.weightsFor(weight);
    assertSameType(this.printedName, ["x", x], { y, weight: w });
    const operands = [x, y, ...(w !== undefined && !this.sharedWeights ? [w] : [])];
    const lead = broadcastShapes(
      this.printedName,
      operands.map((t) => t.shape.slice(0, -1)),
    );
    const rows = (t: Tensor): Tensor => {
      const width = t.shape[t.rank - 1];
      return reshape(expandTo(t, [...lead, width]), [sizeOf(lead), width]);
    };
    const shared = w === undefined ? w : this.sharedWeights ? reshape(w, [1, this.weightNumel]) : rows(w);
    return reshape(this.run(rows(x), rows(y), shared, {}), [...lead, this.irrepsOut.dim]);
  }

  /** As e3nn prints it. */
  override toString(): string {
    const irreps = [this.irrepsIn1, this.irrepsIn2, this.irrepsOut].map((i) => i.simplify().toString());
    return `${this.printedName}(${irreps[0]} x ${irreps[1]} -> ${irreps[2]} | ${this.pathCount} paths | ${this.weightNumel} weights)`;
  }

  protected get pathCount(): number {
    return this.instructions.reduce((n, i) => n + numel(i.pathShape), 0);
  }

  private run(x: Tensor, y: Tensor, w: Tensor | undefined, maps: ProductMaps): Tensor {
    if (this.plans.length === 0) {
      const rows = maps.target?.rows ?? y.shape[0];
      return zeros([rows, this.irrepsOut.dim], { dtype: x.dtype, device: x.device.name });
    }
    return this.plans
      .map((plan) => tensorProduct(x, y, plan.weights > 0 ? w : undefined, plan, maps))
      .reduce((a, b) => add(a, b));
  }

  private weightsFor(given: Tensor | undefined): Tensor | undefined {
    if (this.weightNumel === 0) return undefined;
    const w = given ?? this.weight;
    if (w === undefined)
      throw new AtomgradError(
        "VALUE",
        `${this.printedName}: it holds no weights; pass ${this.weightNumel} of them`,
      );
    assertTensor(`${this.printedName}: weight`, w);
    const fits = this.sharedWeights ? w.rank === 1 : w.rank >= 2;
    if (!fits || w.shape[w.rank - 1] !== this.weightNumel)
      throw new AtomgradError(
        "SHAPE",
        `${this.printedName}: weights expected [${this.sharedWeights ? "" : "...,"}${this.weightNumel}], got ${showShape(w.shape)}`,
      );
    return w;
  }

  private makePlans(): ProductPlan[] {
    const paths = this.paths();
    const entries = [this.irrepsIn1, this.irrepsIn2, this.irrepsOut].map((irreps) =>
      irreps.entries.map(({ mul, ir }): FeatureEntry => ({ mul, dim: ir.dim })),
    );
    const [weighted, plain] = [paths.filter((p) => p.weights >= 0), paths.filter((p) => p.weights < 0)];
    const plan = (weights: number, some: ProductPath[]): ProductPlan[] =>
      some.length === 0 ? [] : [new ProductPlan(entries[0], entries[1], entries[2], weights, some)];
    return [...(this.weightNumel > 0 ? plan(this.weightNumel, weighted) : []), ...plan(0, plain)];
  }

  private paths(): ProductPath[] {
    const irreps = [this.irrepsIn1, this.irrepsIn2, this.irrepsOut];
    const starts = irreps.map((one) => one.slices().map((s) => s.start));
    let at = 0;
    return this.instructions.map((i) => {
      const [a, b, c] = [i.iIn1, i.iIn2, i.iOut].map((index, k) => irreps[k].entries[index]);
      const [pairing, target] = wiring[i.connectionMode];
      const weights = i.hasWeight ? at : -1;
      if (i.hasWeight) at += numel(i.pathShape);
      return {
        pairing,
        target: target === "dense" && !i.hasWeight ? "single" : target,
        weights,
        mul: [a.mul, b.mul, c.mul],
        offset: [starts[0][i.iIn1], starts[1][i.iIn2], starts[2][i.iOut]],
        coupling: wignerCoupling(a.ir.l, b.ir.l, c.ir.l),
        coefficient: i.pathWeight,
      };
    });
  }
}

const numel = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
