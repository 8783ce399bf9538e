import { expandTo } from "../../kernels/reduce/op.js";
import { add } from "../../kernels/elementwise/ops.generated.js";
import { type ProductMaps, tensorProduct } from "../../kernels/tensor_product/op.js";
import { type FeatureEntry, type ProductPath, ProductPlan } from "../../kernels/tensor_product/plan.js";
import { reshape } from "../autograd/reshape.js";
import { Module } from "../nn/module.js";
import type { DerivedArray } from "../nn/state.js";
import type { DType } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import type { RandomStream } from "../tensor/philox.js";
import { scope } from "../tensor/scope.js";
import { broadcastShapes, sizeOf } from "../tensor/shape.js";
import { type Tensor, tensor, zeros } from "../tensor/tensor.js";
import { assertOptional, isList, kindOf, named } from "../tensor/arguments.js";
import { assertFeatures, assertSameType } from "./features.js";
import {
  type ConnectionMode,
  type Instruction,
  type InstructionLike,
  type NormalizationOptions,
  resolveInstructions,
} from "./instruction.js";
import { type Irreps, type IrrepsLike, irrepsOf } from "./irreps.js";
import { identity } from "./matrix.js";
import { normalWeights } from "./normal-weights.js";
import { productArrays } from "./state-arrays.js";
import {
  blockOf,
  blocksOf,
  numel,
  resolveWeights,
  viewOf,
  type WeightBlock,
  type Weights,
  type WeightView,
} from "./weight-blocks.js";
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
export class TensorProduct extends Module<readonly [x: Tensor, y: Tensor, weight?: Weights]> {
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
  private readonly blocks: readonly WeightBlock[];

  constructor(
    irrepsIn1: IrrepsLike,
    irrepsIn2: IrrepsLike,
    irrepsOut: IrrepsLike,
    instructions: readonly InstructionLike[],
    options: TensorProductOptions = {},
  ) {
    super();
    const what = this.printedName;
    this.irrepsIn1 = irrepsOf(`${what}: irrepsIn1`, irrepsIn1);
    this.irrepsIn2 = irrepsOf(`${what}: irrepsIn2`, irrepsIn2);
    this.irrepsOut = irrepsOf(`${what}: irrepsOut`, irrepsOut);
    assertOptional(what, options);
    const irreps = [this.irrepsIn1, this.irrepsIn2, this.irrepsOut] as const;
    for (const one of irreps) sizeOf([one.dim]);
    if (!isList(instructions))
      throw new AtomgradError(
        "VALUE",
        `${what}: instructions must be a list such as [[0, 0, 0, "uvw", true]], got ${kindOf(instructions)}`,
      );
    this.instructions = named(what, () => resolveInstructions(irreps, instructions, options));
    this.blocks = blocksOf(this.instructions.map((i) => (i.hasWeight ? i.pathShape : undefined)));
    this.weightNumel = sizeOf([this.blocks.reduce((n, { shape }) => n + numel(shape), 0)]);
    this.sharedWeights = options.sharedWeights ?? true;
    this.internalWeights = options.internalWeights ?? (this.sharedWeights && this.weightNumel > 0);
    if (this.internalWeights && !this.sharedWeights)
      throw new AtomgradError(
        "VALUE",
        `${what}: internal weights are shared by all rows; drop sharedWeights: false`,
      );
    this.plans = this.makePlans();
    if (this.internalWeights && this.weightNumel > 0)
      this.weight = this.parameter("weight", normalWeights(what, [this.weightNumel], options));
  }

  /** The name of the class, for printing and messages. */
  protected get printedName(): string {
    return "TensorProduct";
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
  weightBlocks(): readonly WeightBlock[] {
    return this.blocks;
  }

  /**
   * The weights of one instruction, its path shape after the axes before the last of `weight`; default: the module's own weights.
   * Errors: VALUE for an instruction without weights.
   */
  weightViewForInstruction(instruction: number, weight?: Weights): Tensor {
    const block = blockOf(this.printedName, instruction, this.blocks, this.instructions.length);
    return scope(() => viewOf(this.weightsFor(weight)!, block));
  }

  /** The weights of every weighted instruction in order; default: the module's own weights. */
  weightViews(weight?: Weights): WeightView[] {
    return this.blocks.map(({ instruction }) => ({
      instruction,
      weight: this.weightViewForInstruction(instruction, weight),
    }));
  }

  /**
   * The product as a matrix that still wants x: y [..., dim of input 2] -> [..., dim of input 1, dim of the output], so that
   * the product is x times it. Weights as in `call`.
   */
  right(y: Tensor, weight?: Weights): Tensor {
    return scope(() => {
      assertFeatures(this.printedName, y, this.irrepsIn2, { name: "y" });
      const w = this.weightsFor(weight);
      const apart = (t: Tensor): Tensor => reshape(t, [...t.shape.slice(0, -1), 1, t.shape[t.rank - 1]]);
      const n = this.irrepsIn1.dim;
      const unit = tensor(identity(n), [n, n], { dtype: y.dtype, device: y.device.name });
      return this.forward(unit, apart(y), w === undefined || this.sharedWeights ? w : apart(w));
    });
  }

  /**
   * Gathers rows of x [N, dim], multiplies them with y [E, dim] edge by edge and sums into the rows of the target, without storing
   * per-edge results: one step of message passing. Weights as in `call`.
   */
  convolve(x: Tensor, y: Tensor, maps: ProductMaps, weight?: Weights): Tensor {
    assertFeatures(this.printedName, x, this.irrepsIn1);
    assertFeatures(this.printedName, y, this.irrepsIn2, { name: "y" });
    assertOptional(this.printedName, maps, "maps");
    const w = this.weightsFor(weight);
    assertSameType(this.printedName, ["x", x], { y, weight: w });
    return this.run(x, y, w === undefined || w.rank === 2 ? w : reshape(w, [1, this.weightNumel]), maps);
  }

  /** x [..., dim of input 1], y [..., dim of input 2]; leading sizes broadcast, those of unshared weights too. */
  protected forward(x: Tensor, y: Tensor, weight?: Weights): Tensor {
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

  protected override derived(): ReadonlyMap<string, DerivedArray> {
    return new Map(productArrays(this));
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

  private weightsFor(given: Weights | undefined): Tensor | undefined {
    const rule = { blocks: this.blocks, numel: this.weightNumel, shared: this.sharedWeights, lead: [] };
    return resolveWeights(this.printedName, given, this.weight, rule);
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
