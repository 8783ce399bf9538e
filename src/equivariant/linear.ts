import { add } from "../../kernels/elementwise/ops.generated.js";
import { matmul } from "../../kernels/matmul/op.js";
import { expandTo } from "../../kernels/reduce/op.js";
import { concat, slice, transpose } from "../../kernels/shape_ops/op.js";
import { reshape } from "../autograd/reshape.js";
import { Module } from "../nn/module.js";
import type { DerivedArray } from "../nn/state.js";
import type { DType } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import type { RandomStream } from "../tensor/philox.js";
import { scope } from "../tensor/scope.js";
import { broadcastShapes, sameShape, type Shape, showShape, sizeOf } from "../tensor/shape.js";
import { type Tensor, zeros } from "../tensor/tensor.js";
import { assertOptional, assertTensor } from "../tensor/arguments.js";
import { assertFeatures, assertSameType } from "./features.js";
import { type Irreps, type IrrepsLike, irrepsOf } from "./irreps.js";
import { type LinearInstruction, linearInstructions, type LinearPathOptions } from "./linear-paths.js";
import { normalWeights } from "./normal-weights.js";
import { absent, maskArray } from "./state-arrays.js";
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

export interface LinearOptions extends LinearPathOptions {
  /**
   * Channels before the components: x [..., fIn, dim] -> [..., fOut, dim], every channel of the input mixed into every one of the
   * output. Weights are [fIn, fOut, weightNumel], biases [fOut, biasNumel]. Give both or none.
   */
  fIn?: number;
  fOut?: number;
  /** Whether one set of weights serves all rows (default true). */
  sharedWeights?: boolean;
  /** Whether the module holds its weights (default: when they are shared); else they are passed to `call`. */
  internalWeights?: boolean;
  /** Type of internal weights, default f32, and what draws them from N(0,1). */
  dtype?: DType;
  random?: RandomStream;
}

/**
 * The general linear map that commutes with rotations: copies of equal irreps are mixed by matrices of weights. As e3nn's `o3.Linear`:
 * weights flat, a block [mul_in, mul_out] a path, input-major; parameters "weight" and "bias" (zeros at first).
 *
 *     const lin = new Linear("4x0e+16x1o", "8x0e+8x1o"); // Linear(4x0e+16x1o -> 8x0e+8x1o | 160 weights)
 *
 * Errors: VALUE for paths between different irreps or biases on anything but 0e; SHAPE. Source: spec equivariant 4.3.
 */
export class Linear extends Module<readonly [x: Tensor, weight?: Weights, bias?: Tensor]> {
  readonly irrepsIn: Irreps;
  readonly irrepsOut: Irreps;
  /** Channels of input and output; undefined: none. */
  readonly fIn: number | undefined;
  readonly fOut: number | undefined;
  /** The paths with their factors, then the biases. */
  readonly instructions: readonly LinearInstruction[];
  /** Length of the flat vector of weights, for one pair of channels. */
  readonly weightNumel: number;
  readonly biasNumel: number;
  readonly sharedWeights: boolean;
  readonly internalWeights: boolean;
  /** The module's own weights, [weightNumel] or [fIn, fOut, weightNumel]. */
  readonly weight: Tensor | undefined;
  /** The module's own biases, [biasNumel] or [fOut, biasNumel]. */
  readonly bias: Tensor | undefined;
  private readonly blocks: readonly WeightBlock[];

  constructor(irrepsIn: IrrepsLike, irrepsOut: IrrepsLike, options: LinearOptions = {}) {
    super();
    this.irrepsIn = irrepsOf("Linear: irrepsIn", irrepsIn);
    this.irrepsOut = irrepsOf("Linear: irrepsOut", irrepsOut);
    assertOptional("Linear", options);
    const { fIn, fOut, sharedWeights = true, internalWeights = sharedWeights } = options;
    assertChannels(fIn, fOut);
    [this.fIn, this.fOut] = [fIn, fOut];
    this.instructions = linearInstructions(this.irrepsIn, this.irrepsOut, options, fIn ?? 1);
    this.blocks = blocksOf(this.instructions.map((i) => (i.iIn < 0 ? undefined : i.pathShape)));
    this.weightNumel = this.blocks.reduce((n, { shape }) => n + numel(shape), 0);
    this.biasNumel = this.instructions.reduce((n, i) => n + (i.iIn < 0 ? i.pathShape[0] : 0), 0);
    if (internalWeights && !sharedWeights)
      throw new AtomgradError(
        "VALUE",
        "Linear: internalWeights are shared by all rows; drop sharedWeights: false",
      );
    [this.sharedWeights, this.internalWeights] = [sharedWeights, internalWeights];
    if (!internalWeights) return;
    const own = [...this.weightLead, this.weightNumel];
    if (this.weightNumel > 0) this.weight = this.parameter("weight", normalWeights("Linear", own, options));
    if (this.biasNumel > 0)
      this.bias = this.parameter("bias", zeros(this.biasShape, { dtype: options.dtype ?? "f32" }));
  }

  /** Ones where an output is reached by a path or a bias, zeros elsewhere: [components of the output]. */
  get outputMask(): Float64Array {
    const mask = new Float64Array(this.irrepsOut.dim);
    this.irrepsOut.slices().forEach(({ start, stop }, k) => {
      if (this.instructions.some((i) => i.iOut === k && !i.pathShape.includes(0))) mask.fill(1, start, stop);
    });
    return mask;
  }

  /** Where each path's block stands in the flat vector of weights, and its shape [mul_in, mul_out]. */
  weightBlocks(): readonly WeightBlock[] {
    return this.blocks;
  }

  /** The weights of one path, [mul_in, mul_out] after the axes before the last of `weight`; default: the module's own weights. */
  weightViewForInstruction(instruction: number, weight?: Weights): Tensor {
    const block = blockOf("Linear", instruction, this.blocks, this.instructions.length);
    return scope(() => viewOf(this.weightsFor(weight)!, block));
  }

  /** The weights of every path in order; default: the module's own weights. */
  weightViews(weight?: Weights): WeightView[] {
    return this.blocks.map(({ instruction }) => ({
      instruction,
      weight: this.weightViewForInstruction(instruction, weight),
    }));
  }

  protected forward(x: Tensor, weight?: Weights, bias: Tensor | undefined = this.bias): Tensor {
    const channels = this.fIn === undefined ? [] : [this.fIn];
    assertFeatures("Linear", x, this.irrepsIn, { channels });
    const w = this.weightsFor(weight);
    this.assertBias(bias);
    assertSameType("Linear", ["x", x], { weight: w, bias });
    const single = this.weightLead.length;
    const leads = [x.shape.slice(0, -1 - channels.length)];
    if (w !== undefined && !this.sharedWeights) leads.push(w.shape.slice(0, -1 - single));
    const lead = broadcastShapes("Linear", leads);
    const N = sizeOf(lead);
    const flat = (t: Tensor, own: number): Tensor => {
      const inner = t.shape.slice(t.rank - own);
      return reshape(expandTo(t, [...lead, ...inner]), [N, ...inner]);
    };
    const rows = reshape(flat(x, 1 + channels.length), [N, this.fIn ?? 1, this.irrepsIn.dim]);
    const own = w === undefined || this.sharedWeights ? w : flat(w, 1 + single);
    const parts = this.irrepsOut.entries.flatMap((entry, k) =>
      entry.dim === 0 ? [] : [this.output(rows, k, own, bias)],
    );
    const shape = [...lead, ...(this.fOut === undefined ? [] : [this.fOut]), this.irrepsOut.dim];
    if (parts.length === 0) return zeros(shape, { dtype: x.dtype, device: x.device.name });
    return reshape(concat(parts, 2), shape);
  }

  override toString(): string {
    return `Linear(${this.irrepsIn.toString()} -> ${this.irrepsOut.toString()} | ${this.weightNumel} weights)`;
  }

  protected override derived(): ReadonlyMap<string, DerivedArray> {
    return new Map([...absent({ weight: this.weight, bias: this.bias }), ...maskArray(this.outputMask)]);
  }

  /** One entry of the output, [rows, channels, mul * dim], of x [rows, channels, components]. */
  private output(x: Tensor, k: number, weight: Tensor | undefined, bias: Tensor | undefined): Tensor {
    const { mul: mulOut, ir, dim } = this.irrepsOut.entries[k];
    const [N, F] = x.shape;
    const G = this.fOut ?? 1;
    const inputs = this.irrepsIn.slices();
    const terms = this.blocks.flatMap((block) => {
      const { iIn, iOut, pathShape, pathWeight: alpha } = this.instructions[block.instruction];
      if (iOut !== k || pathShape[0] === 0) return [];
      const { start, stop } = inputs[iIn];
      // [N, F, mul, d] -> [N, d, F mul], so that channels and copies are mixed by one matrix product.
      const copies = transpose(reshape(slice(x, 2, start, stop), [N, F, pathShape[0], ir.dim]), [0, 3, 1, 2]);
      const matrix = this.matrix(weight!, block);
      const inner = F * pathShape[0];
      if (this.sharedWeights) return [matmul(reshape(copies, [N * ir.dim, inner]), matrix, { alpha })];
      return [
        reshape(matmul(reshape(copies, [N, ir.dim, inner]), matrix, { alpha }), [N * ir.dim, G * mulOut]),
      ];
    });
    const options = { dtype: x.dtype, device: x.device.name };
    const sum =
      terms.length === 0 ? zeros([N * ir.dim, G * mulOut], options) : terms.reduce((a, b) => add(a, b));
    const out = reshape(transpose(reshape(sum, [N, ir.dim, G, mulOut]), [0, 2, 3, 1]), [N, G, dim]);
    const at = this.instructions
      .filter((i) => i.iIn < 0 && i.iOut < k)
      .reduce((n, i) => n + i.pathShape[0], 0);
    if (!this.instructions.some((i) => i.iIn < 0 && i.iOut === k)) return out;
    return add(out, slice(bias!, bias!.rank - 1, at, at + mulOut));
  }

  /** A block of weights as the matrix [fIn mul_in, fOut mul_out], or one such matrix a row. */
  private matrix(weight: Tensor, block: WeightBlock): Tensor {
    const view = viewOf(weight, block);
    if (this.fIn === undefined) return view;
    const [a, b] = block.shape;
    const rows = this.sharedWeights ? [] : [view.shape[0]];
    const at = rows.length;
    const order = [...rows.map((_, j) => j), at, at + 2, at + 1, at + 3];
    return reshape(transpose(view, order), [...rows, this.fIn * a, this.fOut! * b]);
  }

  /** Sizes before the last of shared weights. */
  private get weightLead(): Shape {
    return this.fIn === undefined ? [] : [this.fIn, this.fOut!];
  }

  private get biasShape(): Shape {
    return this.fOut === undefined ? [this.biasNumel] : [this.fOut, this.biasNumel];
  }

  private weightsFor(given: Weights | undefined): Tensor | undefined {
    const rule = {
      blocks: this.blocks,
      numel: this.weightNumel,
      shared: this.sharedWeights,
      lead: this.weightLead,
    };
    return resolveWeights("Linear", given, this.weight, rule);
  }

  private assertBias(bias: unknown): void {
    if (this.biasNumel === 0) return;
    const expected = `Linear: bias expected ${showShape(this.biasShape)}`;
    if (bias === undefined)
      throw new AtomgradError("VALUE", `${expected}, got nothing; the module holds no biases of its own`);
    assertTensor("Linear: bias", bias);
    if (!sameShape(bias.shape, this.biasShape))
      throw new AtomgradError("SHAPE", `${expected}, got ${showShape(bias.shape)}`);
  }
}

function assertChannels(fIn: unknown, fOut: unknown): void {
  if (fIn === undefined && fOut === undefined) return;
  for (const [name, f] of Object.entries({ fIn, fOut }))
    if (!Number.isInteger(f) || (f as number) < 1)
      throw new AtomgradError(
        "VALUE",
        `Linear: ${name} is ${String(f)}; give numbers of channels of at least 1 as fIn and fOut, or neither`,
      );
}
