import { concat } from "../../kernels/shape_ops/op.js";
import { Module } from "../nn/module.js";
import { AtomgradError } from "../tensor/error.js";
import type { Tensor } from "../tensor/tensor.js";
import { Activation, type EntryActivation } from "./activation.js";
import { named } from "../tensor/arguments.js";
import { columns } from "./columns.js";
import { assertFeatures } from "./features.js";
import { ElementwiseTensorProduct } from "./fixed-products.js";
import { Irreps, type IrrepsLike, irrepsOf, type Slice } from "./irreps.js";

/**
 * e3nn's gated non-linearity: functions of the scalars, then every gated irrep times a function of its own gate. The input is one sorted,
 * merged vector (`irrepsIn`); the output comes in the order declared. A gate of 0o changes the parity of what it gates.
 *
 *     new Gate("16x0e", [relu], "8x0e", [sigmoid], "8x1o")
 *
 * Errors: VALUE for gates that are no scalars or not as many as gated irreps, and as `Activation`. Source: spec equivariant 4.5.
 */
export class Gate extends Module {
  readonly irrepsIn: Irreps;
  readonly irrepsOut: Irreps;
  private readonly parts: readonly (readonly Slice[])[];
  private readonly scalars: Activation;
  private readonly gates: Activation;
  private readonly product: ElementwiseTensorProduct;

  constructor(
    irrepsScalars: IrrepsLike,
    actScalars: readonly EntryActivation[],
    irrepsGates: IrrepsLike,
    actGates: readonly EntryActivation[],
    irrepsGated: IrrepsLike,
  ) {
    super();
    const given = Object.entries({ irrepsScalars, irrepsGates, irrepsGated }).map(([name, like]) =>
      irrepsOf(`Gate: ${name}`, like),
    );
    const [scalars, gates, gated] = given;
    for (const irreps of [scalars, gates])
      if (irreps.ls.some((l) => l > 0))
        throw new AtomgradError(
          "VALUE",
          `Gate: scalars and gates must be 0e or 0o, got ${irreps.toString()}`,
        );
    if (gates.numIrreps !== gated.numIrreps)
      throw new AtomgradError(
        "VALUE",
        `Gate: ${gates.numIrreps} gates (irrepsGates ${gates.toString()}) for ${gated.numIrreps} irreps (irrepsGated ${gated.toString()}); give one a gated irrep`,
      );
    ({ irreps: this.irrepsIn, parts: this.parts } = sortedParts(given));
    this.scalars = this.child(
      "act_scalars",
      named("Gate: actScalars of irrepsScalars", () => new Activation(scalars, actScalars)),
    );
    this.gates = this.child(
      "act_gates",
      named("Gate: actGates of irrepsGates", () => new Activation(gates, actGates)),
    );
    this.product = this.child("mul", new ElementwiseTensorProduct(gated, this.gates.irrepsOut));
    this.irrepsOut = this.scalars.irrepsOut.plus(this.product.irrepsOut);
  }

  protected forward(x: Tensor): Tensor {
    assertFeatures("Gate", x, this.irrepsIn);
    const [scalars, gates, gated] = this.parts.map((ranges) => columns(x, ranges));
    const passed = this.scalars.call(scalars);
    if (this.product.irrepsOut.dim === 0) return passed;
    return concat([passed, this.product.call(gated, this.gates.call(gates))], x.rank - 1);
  }

  override toString(): string {
    return `Gate (${this.irrepsIn.toString()} -> ${this.irrepsOut.toString()})`;
  }
}

/** The sorted, merged sum of several irreps, and where each of them lies in it. */
function sortedParts(given: readonly Irreps[]): { irreps: Irreps; parts: Slice[][] } {
  const simple = given.map((irreps) => irreps.simplify());
  const { irreps, p } = new Irreps(simple.flatMap((one) => one.entries)).sort();
  const slices = irreps.slices();
  let first = 0;
  const parts = simple.map(({ length }) => p.slice(first, (first += length)).map((at) => slices[at]));
  return { irreps: irreps.simplify(), parts };
}
