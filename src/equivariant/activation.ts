import { concat, slice } from "../../kernels/shape_ops/op.js";
import { Module } from "../nn/module.js";
import { AtomgradError } from "../tensor/error.js";
import type { Tensor } from "../tensor/tensor.js";
import { assertFunction, isList, kindOf } from "../tensor/arguments.js";
import { assertFeatures } from "./features.js";
import { Irrep, type Parity } from "./irrep.js";
import { Irreps, type IrrepsLike, irrepsOf, MulIr } from "./irreps.js";
import { functionParity, normalize2mom, type ScalarFunction } from "./normalized-activation.js";

/** A function of an entry of scalars; undefined leaves the entry as it is. */
export type EntryActivation = ScalarFunction | undefined;

/**
 * Applies a function, scaled to second moment 1, to entries of scalars: one function or none an entry. An odd scalar (0o) takes the
 * parity of its function. As e3nn's `Activation`.
 *
 * Errors: VALUE for as many functions as there are not entries, a function on l > 0, or a function on 0o that is neither even nor odd.
 */
export class Activation extends Module {
  readonly irrepsIn: Irreps;
  readonly irrepsOut: Irreps;
  private readonly functions: readonly EntryActivation[];

  constructor(
    irrepsIn: IrrepsLike,
    private readonly given: readonly EntryActivation[],
  ) {
    super();
    this.irrepsIn = irrepsOf("Activation: irrepsIn", irrepsIn);
    if (!isList(given))
      throw new AtomgradError(
        "VALUE",
        `Activation: give a list as functions, one or undefined an entry of ${this.irrepsIn.toString()}, got ${kindOf(given)}`,
      );
    if (given.length !== this.irrepsIn.length)
      throw new AtomgradError(
        "VALUE",
        `Activation: ${given.length} functions for ${this.irrepsIn.length} entries of irrepsIn ${this.irrepsIn.toString()}`,
      );
    given.forEach((f, k) => {
      if (f !== undefined) assertFunction(`Activation: functions[${k}]`, f, "relu, or undefined");
    });
    this.functions = given.map((f) => f && normalize2mom(f));
    this.irrepsOut = new Irreps(this.irrepsIn.entries.map((entry, k) => actOn(entry, given[k])));
  }

  protected forward(x: Tensor): Tensor {
    assertFeatures("Activation", x, this.irrepsIn);
    const axis = x.rank - 1;
    const parts = this.irrepsIn.slices().flatMap(({ start, stop }, k) => {
      if (start === stop) return [];
      const part = slice(x, axis, start, stop);
      return [this.functions[k]?.(part) ?? part];
    });
    return parts.length === 0 ? x : concat(parts, axis);
  }

  override toString(): string {
    const marks = this.given.map((f) => (f === undefined ? " " : "x")).join("");
    return `Activation [${marks}] (${this.irrepsIn.toString()} -> ${this.irrepsOut.toString()})`;
  }
}

function actOn(entry: MulIr, f: EntryActivation): MulIr {
  if (f === undefined) return entry;
  if (entry.ir.l !== 0)
    throw new AtomgradError(
      "VALUE",
      `Activation: cannot apply a function to ${entry.toString()}; only scalars`,
    );
  const parity: Parity | 0 = entry.ir.p === 1 ? 1 : functionParity(f);
  if (parity === 0)
    throw new AtomgradError(
      "VALUE",
      "Activation: the parity is violated! The input scalar is odd but the activation is neither even nor odd.",
    );
  return new MulIr(entry.mul, new Irrep(0, parity));
}
