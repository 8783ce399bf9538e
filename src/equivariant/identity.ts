import { Module } from "../nn/module.js";
import type { DerivedArray } from "../nn/state.js";
import { AtomgradError } from "../tensor/error.js";
import type { Tensor } from "../tensor/tensor.js";
import { assertFeatures } from "./features.js";
import { type Irreps, type IrrepsLike, irrepsOf } from "./irreps.js";
import { maskArray } from "./state-arrays.js";

/** Gives features [..., dim] back as they are. As e3nn's `Identity`. Errors: VALUE unless both irreps are equal when simplified; SHAPE. */
export class Identity extends Module {
  readonly irrepsIn: Irreps;
  readonly irrepsOut: Irreps;

  constructor(irrepsIn: IrrepsLike, irrepsOut: IrrepsLike) {
    super();
    this.irrepsIn = irrepsOf("Identity: irrepsIn", irrepsIn).simplify();
    this.irrepsOut = irrepsOf("Identity: irrepsOut", irrepsOut).simplify();
    if (!this.irrepsIn.equals(this.irrepsOut))
      throw new AtomgradError(
        "VALUE",
        `Identity: ${this.irrepsIn.toString()} is not ${this.irrepsOut.toString()}; irrepsIn and irrepsOut must be the same`,
      );
  }

  /** Ones: every output is reached. */
  get outputMask(): Float64Array {
    return new Float64Array(this.irrepsOut.dim).fill(1);
  }

  protected forward(x: Tensor): Tensor {
    assertFeatures("Identity", x, this.irrepsIn);
    return x;
  }

  protected override derived(): ReadonlyMap<string, DerivedArray> {
    return new Map(maskArray(this.outputMask));
  }

  override toString(): string {
    return `Identity(${this.irrepsIn.toString()} -> ${this.irrepsOut.toString()})`;
  }
}
