import { Module } from "../nn/module.js";
import { AtomgradError } from "../tensor/error.js";
import type { Tensor } from "../tensor/tensor.js";
import { assertOptional, isList, kindOf } from "../tensor/arguments.js";
import { columns } from "./columns.js";
import { assertFeatures } from "./features.js";
import { type IrrepLike, irrepOf } from "./irrep.js";
import { type Irreps, type IrrepsLike, irrepsOf } from "./irreps.js";

export interface ExtractOptions<Single extends boolean> {
  /** Whether a single part comes as the tensor itself instead of a list of one (default false). */
  squeezeOut?: Single;
}

/**
 * Cuts features into parts: part n holds the entries `instructions[n]` of the input, in that order. As e3nn's `Extract`.
 * Errors: VALUE for an entry that is not there or differs from the part's; SHAPE.
 */
export class Extract<Single extends boolean = false> extends Module<
  readonly [x: Tensor],
  Single extends true ? Tensor : Tensor[]
> {
  readonly irrepsIn: Irreps;
  readonly irrepsOuts: readonly Irreps[];
  private readonly squeeze: boolean;

  constructor(
    irrepsIn: IrrepsLike,
    irrepsOuts: readonly IrrepsLike[],
    private readonly instructions: readonly (readonly number[])[],
    options: ExtractOptions<Single> = {},
  ) {
    super();
    this.irrepsIn = irrepsOf("Extract: irrepsIn", irrepsIn);
    if (!isList(irrepsOuts) || !isList(instructions) || !instructions.every(isList))
      throw new AtomgradError(
        "VALUE",
        `Extract: give a list of parts and a list of their entries, such as ["1x0e"], [[0]]; irrepsOuts is ${kindOf(irrepsOuts)}, instructions ${kindOf(instructions)}`,
      );
    this.irrepsOuts = irrepsOuts.map((like, n) => irrepsOf(`Extract: irrepsOuts[${n}]`, like));
    if (instructions.length !== irrepsOuts.length)
      throw new AtomgradError(
        "VALUE",
        `Extract: instructions has ${instructions.length} lists of entries for the ${irrepsOuts.length} parts irrepsOuts`,
      );
    assertOptional("Extract", options);
    this.squeeze = options.squeezeOut === true && irrepsOuts.length === 1;
    instructions.forEach((list, n) => {
      const found = list.map((k) => this.irrepsIn.entries[k]?.toString() ?? "nothing").join("+");
      if (found !== this.irrepsOuts[n].toString())
        throw new AtomgradError(
          "VALUE",
          `Extract: irrepsOuts[${n}] is ${this.irrepsOuts[n].toString()}, but the entries [${list.join(",")}] of irrepsIn in instructions[${n}] are ${found}`,
        );
    });
  }

  protected forward(x: Tensor): Single extends true ? Tensor : Tensor[] {
    assertFeatures("Extract", x, this.irrepsIn);
    const slices = this.irrepsIn.slices();
    const parts = this.instructions.map((list) =>
      columns(
        x,
        list.map((k) => slices[k]),
      ),
    );
    return (this.squeeze ? parts[0] : parts) as Single extends true ? Tensor : Tensor[];
  }
}

/** All copies of one irrep, x [..., dim] -> [..., mul (2l+1)]. */
export function extractIr(x: Tensor, irrepsIn: IrrepsLike, ir: IrrepLike): Tensor {
  const irreps = irrepsOf("extractIr: irrepsIn", irrepsIn);
  const wanted = irrepOf("extractIr: ir", ir);
  assertFeatures("extractIr", x, irreps);
  const slices = irreps.slices();
  return columns(
    x,
    slices.filter((_, k) => irreps.entries[k].ir.equals(wanted)),
  );
}
