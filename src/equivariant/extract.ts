import { Module } from "../nn/module.js";
import { AtomgradError } from "../tensor/error.js";
import type { Tensor } from "../tensor/tensor.js";
import { columns } from "./columns.js";
import { assertFeatures, kindOf, isList } from "./features.js";
import { Irrep, type IrrepLike } from "./irrep.js";
import { Irreps, type IrrepsLike } from "./irreps.js";

/**
 * Cuts features into parts: part n holds the entries `instructions[n]` of the input, in that order. As e3nn's `Extract`.
 * Errors: VALUE for an entry that is not there or differs from the part's; SHAPE.
 */
export class Extract extends Module<readonly [x: Tensor], Tensor[]> {
  readonly irrepsIn: Irreps;
  readonly irrepsOuts: readonly Irreps[];

  constructor(
    irrepsIn: IrrepsLike,
    irrepsOuts: readonly IrrepsLike[],
    private readonly instructions: readonly (readonly number[])[],
  ) {
    super();
    this.irrepsIn = new Irreps(irrepsIn);
    if (!isList(irrepsOuts) || !isList(instructions))
      throw new AtomgradError(
        "VALUE",
        `Extract: give a list of parts and a list of their entries, such as ["1x0e"], [[0]]; got ${kindOf(irrepsOuts)}, ${kindOf(instructions)}`,
      );
    this.irrepsOuts = irrepsOuts.map((like) => new Irreps(like));
    if (instructions.length !== irrepsOuts.length)
      throw new AtomgradError(
        "VALUE",
        `Extract: ${instructions.length} lists of entries for ${irrepsOuts.length} parts`,
      );
    instructions.forEach((list, n) => {
      const found = list.map((k) => this.irrepsIn.entries.at(k)?.toString() ?? "nothing").join("+");
      if (found !== this.irrepsOuts[n].toString())
        throw new AtomgradError(
          "VALUE",
          `Extract: part ${n} is ${this.irrepsOuts[n].toString()}, but entries [${list.join(",")}] are ${found}`,
        );
    });
  }

  protected forward(x: Tensor): Tensor[] {
    assertFeatures("Extract", x, this.irrepsIn);
    const slices = this.irrepsIn.slices();
    return this.instructions.map((list) =>
      columns(
        x,
        list.map((k) => slices[k]),
      ),
    );
  }
}

/** All copies of one irrep, x [..., dim] -> [..., mul (2l+1)]. */
export function extractIr(x: Tensor, irrepsIn: IrrepsLike, ir: IrrepLike): Tensor {
  const irreps = new Irreps(irrepsIn);
  const wanted = Irrep.of(ir);
  assertFeatures("extractIr", x, irreps);
  const slices = irreps.slices();
  return columns(
    x,
    slices.filter((_, k) => irreps.entries[k].ir.equals(wanted)),
  );
}
