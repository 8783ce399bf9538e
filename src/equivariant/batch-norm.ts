import { add, mul, pow, square, sub } from "../../kernels/elementwise/ops.generated.js";
import { blendInto } from "../../kernels/in_place/op.js";
import { max, mean, sum } from "../../kernels/reduce/op.js";
import { concat, slice } from "../../kernels/shape_ops/op.js";
import { detach } from "../autograd/node.js";
import { reshape } from "../autograd/reshape.js";
import { Module } from "../nn/module.js";
import type { DType } from "../tensor/dtype.js";
import { ones, type Tensor, zeros } from "../tensor/tensor.js";
import { assertNumber, assertOneOf, assertOptional } from "../tensor/arguments.js";
import { assertFeatures, assertSameType } from "./features.js";
import { pythonFloat } from "./python-print.js";
import { type Irreps, type IrrepsLike, irrepsOf, type MulIr } from "./irreps.js";

export interface BatchNormOptions {
  /** Added to mean squares (default 1e-5), and the part of a new batch in the running statistics (default 0.1). */
  eps?: number;
  momentum?: number;
  /** Trained factors on every irrep and, unless `includeBias` is false, summands on even scalars (default true). */
  affine?: boolean;
  includeBias?: boolean;
  /** How the squares of the samples of one batch entry are joined (default "mean"). */
  reduce?: "mean" | "max";
  /** Statistics of each batch entry by itself, none kept (default false). */
  instance?: boolean;
  /** Mean square of a component 1 (default), or mean square of the length 1. */
  normalization?: "component" | "norm";
  /** Type of parameters and statistics, default f32. */
  dtype?: DType;
}

/** Where an entry's numbers begin in the statistics: copies of all irreps, copies of even scalars. */
interface Place {
  readonly irreps: number;
  readonly scalars: number;
}

/**
 * Batch normalisation of features [batch, ..., dim]: every irrep is divided by the root of its mean square, even scalars are centred first.
 * As e3nn's `BatchNorm`, with the same names of parameters and statistics. `training` decides whether the statistics of the batch or the
 * running ones are used. Errors: SHAPE. Source: spec equivariant 4.6.
 */
export class BatchNorm extends Module {
  readonly irreps: Irreps;
  /** Use (and keep) the statistics of the batch; otherwise the running ones. */
  training = true;
  private readonly weight: Tensor | undefined;
  private readonly bias: Tensor | undefined;
  private readonly runningMean: Tensor | undefined;
  private readonly runningVar: Tensor | undefined;
  private readonly places: readonly Place[];

  constructor(
    irreps: IrrepsLike,
    private readonly options: BatchNormOptions = {},
  ) {
    super();
    this.irreps = irrepsOf("BatchNorm: irreps", irreps);
    assertOptional("BatchNorm", options);
    const { eps = 1e-5, momentum = 0.1, reduce = "mean", normalization = "component" } = options;
    assertNumber("BatchNorm: eps", eps);
    assertNumber("BatchNorm: momentum", momentum);
    assertOneOf("BatchNorm: reduce", reduce, ["mean", "max"]);
    assertOneOf("BatchNorm: normalization", normalization, ["component", "norm"]);
    const { affine = true, includeBias = true, instance = false, dtype = "f32" } = options;
    let [all, scalars] = [0, 0];
    this.places = this.irreps.entries.map(({ mul: copies, ir }) => {
      const place = { irreps: all, scalars };
      all += copies;
      if (ir.isScalar) scalars += copies;
      return place;
    });
    if (affine) this.weight = this.parameter("weight", ones([all], { dtype }));
    if (affine && includeBias) this.bias = this.parameter("bias", zeros([scalars], { dtype }));
    if (instance) return;
    this.runningMean = this.buffer("running_mean", zeros([scalars], { dtype }));
    this.runningVar = this.buffer("running_var", ones([all], { dtype }));
  }

  protected forward(x: Tensor): Tensor {
    const { dim } = this.irreps;
    assertFeatures("BatchNorm", x, this.irreps, { least: 2 });
    const { weight, bias, runningVar } = this;
    assertSameType("BatchNorm", ["x", x], { weight, bias, running_var: runningVar });
    const [batch, samples] = [x.shape[0], x.shape.slice(1, -1).reduce((a, b) => a * b, 1)];
    const rows = reshape(x, [batch, samples, dim]);
    const means: Tensor[] = [];
    const variances: Tensor[] = [];
    const slices = this.irreps.slices();
    const parts = this.irreps.entries.flatMap((entry, k) => {
      if (entry.mul === 0) return [];
      const { start, stop } = slices[k];
      const field = reshape(slice(rows, 2, start, stop), [batch, samples, entry.mul, entry.ir.dim]);
      return [
        reshape(this.entry(field, entry, this.places[k], means, variances), [batch, samples, entry.dim]),
      ];
    });
    this.keepStatistics(means, variances);
    return parts.length === 0 ? x : reshape(concat(parts, 2), x.shape);
  }

  override toString(): string {
    const { eps = 1e-5, momentum = 0.1 } = this.options;
    return `BatchNorm (${this.irreps.toString()}, eps=${pythonFloat(eps)}, momentum=${pythonFloat(momentum)})`;
  }

  /** One entry [batch, samples, mul, 2l+1], normalised; its statistics are added to the lists. */
  private entry(
    field: Tensor,
    { mul: copies, ir }: MulIr,
    at: Place,
    means: Tensor[],
    variances: Tensor[],
  ): Tensor {
    const { eps = 1e-5, instance = false } = this.options;
    const own = this.training || instance;
    const part = (t: Tensor, from: number): Tensor => slice(t, 0, from, from + copies);
    let centred = field;
    if (ir.isScalar) {
      const average = own
        ? mean(field, { axis: instance ? [1, 3] : [0, 1, 3] })
        : part(this.runningMean!, at.scalars);
      means.push(average);
      centred = sub(field, reshape(average, [instance ? average.shape[0] : 1, 1, copies, 1]));
    }
    const variance = own ? this.variance(centred) : part(this.runningVar!, at.irreps);
    variances.push(variance);
    let scale = pow(add(variance, eps), -0.5);
    if (this.weight !== undefined) scale = mul(scale, part(this.weight, at.irreps));
    const out = mul(centred, reshape(scale, [variance.rank === 2 ? variance.shape[0] : 1, 1, copies, 1]));
    if (this.bias === undefined || !ir.isScalar) return out;
    return add(out, reshape(part(this.bias, at.scalars), [1, 1, copies, 1]));
  }

  /** Mean squares [mul], or [batch, mul] for instances. */
  private variance(field: Tensor): Tensor {
    const { normalization = "component", reduce = "mean", instance = false } = this.options;
    const squares = (normalization === "norm" ? sum : mean)(square(field), { axis: 3 });
    const joined = reduce === "max" ? max(squares, { axis: 1 }) : mean(squares, { axis: 1 });
    return instance ? joined : mean(joined, { axis: 0 });
  }

  private keepStatistics(means: readonly Tensor[], variances: readonly Tensor[]): void {
    const { momentum = 0.1, instance = false } = this.options;
    if (instance || !this.training || variances.length === 0) return;
    if (means.length > 0) blendInto(this.runningMean!, detach(concat(means, 0)), momentum);
    blendInto(this.runningVar!, detach(concat(variances, 0)), momentum);
  }
}
