import { mul } from "../../kernels/elementwise/ops.generated.js";
import { Module } from "../nn/module.js";
import { AtomgradError } from "../tensor/error.js";
import type { RandomStream } from "../tensor/philox.js";
import { type Tensor, tensor } from "../tensor/tensor.js";
import { assertRandom } from "../tensor/arguments.js";
import { assertFeatures } from "./features.js";
import { pythonFloat } from "./python-print.js";
import { type Irreps, type IrrepsLike, irrepsOf } from "./irreps.js";

/**
 * Sets whole irreps of x [batch, ..., dim] to zero with probability p and divides the rest by 1 - p; a draw per batch entry and copy.
 * Does nothing when `training` is off. As e3nn's `Dropout`. Errors: SHAPE.
 */
export class Dropout extends Module {
  readonly irreps: Irreps;
  training = true;

  constructor(
    irreps: IrrepsLike,
    readonly p: number,
    private readonly random: RandomStream,
  ) {
    super();
    this.irreps = irrepsOf("Dropout: irreps", irreps);
    if (typeof p !== "number" || Number.isNaN(p))
      throw new AtomgradError(
        "VALUE",
        `Dropout: p is ${String(p)}; give the probability of a zero, from 0 to 1`,
      );
    assertRandom("Dropout", random);
  }

  protected forward(x: Tensor): Tensor {
    const { dim } = this.irreps;
    assertFeatures("Dropout", x, this.irreps, { least: 2 });
    if (!this.training || this.p <= 0) return x;
    const batch = x.shape[0];
    const factors = new Float64Array(batch * dim);
    let at = 0;
    for (let b = 0; b < batch; b++)
      for (const { mul: copies, ir } of this.irreps)
        for (let u = 0; u < copies; u++, at += ir.dim)
          if (this.p < 1 && this.random.uniform() >= this.p) factors.fill(1 / (1 - this.p), at, at + ir.dim);
    const shape = [batch, ...x.shape.slice(1, -1).map(() => 1), dim];
    return mul(x, tensor(factors, shape, { dtype: x.dtype, device: x.device.name }));
  }

  override toString(): string {
    return `Dropout (${this.irreps.toString()}, p=${pythonFloat(this.p)})`;
  }
}
