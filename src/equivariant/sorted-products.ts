import type { DerivedArray } from "../nn/state.js";
import { assertOptional } from "../tensor/arguments.js";
import type { FilteredProductOptions } from "./fixed-products.js";
import type { IrrepsLike } from "./irreps.js";
import { alignedPaths, inputsOf, keeper, pairPaths, sortedOutput } from "./product-paths.js";
import { couplingArray } from "./state-arrays.js";
import { TensorProduct } from "./tensor-product.js";

export interface FullTensorProductv2Options extends FilteredProductOptions {
  /** Whether the inputs are sorted and merged (default true): features then have the order of `irrepsIn1` and `irrepsIn2`. */
  regroupOutput?: boolean;
}

/**
 * `FullTensorProduct` of regrouped inputs, as e3nn's `FullTensorProductv2`: each irrep stands in one block of either input, so that there
 * is one path for each triple of irreps. The output irreps are sorted, not merged: one entry a path. Source: spec equivariant 4.2.
 */
export class FullTensorProductv2 extends TensorProduct {
  constructor(
    irrepsIn1: IrrepsLike,
    irrepsIn2: IrrepsLike,
    private readonly options: FullTensorProductv2Options = {},
  ) {
    const what = "FullTensorProductv2";
    assertOptional(what, options);
    const [a, b] = inputsOf(what, irrepsIn1, irrepsIn2).map((irreps) =>
      options.regroupOutput === false ? irreps : irreps.regroup(),
    );
    const made = pairPaths(what, a, b, keeper(what, options.filterIrOut));
    super(a, b, made.irreps, made.instructions, options);
  }

  protected override derived(): ReadonlyMap<string, DerivedArray> {
    return couplingArrays(this, this.options);
  }

  protected override get printedName(): string {
    return "FullTensorProductv2";
  }
}

/** `ElementwiseTensorProduct` of inputs as they are, with sorted output irreps, as e3nn's experimental `ElementwiseTensorProductv2`. */
export class ElementwiseTensorProductv2 extends TensorProduct {
  constructor(
    irrepsIn1: IrrepsLike,
    irrepsIn2: IrrepsLike,
    private readonly options: FilteredProductOptions = {},
  ) {
    const what = "ElementwiseTensorProductv2";
    assertOptional(what, options);
    const [one, two] = inputsOf(what, irrepsIn1, irrepsIn2);
    const { in1, in2, irreps, instructions } = alignedPaths(
      what,
      one,
      two,
      keeper(what, options.filterIrOut),
    );
    const made = sortedOutput(irreps, instructions);
    super(in1, in2, made.irreps, made.instructions, options);
  }

  protected override derived(): ReadonlyMap<string, DerivedArray> {
    return couplingArrays(this, this.options);
  }

  protected override get printedName(): string {
    return "ElementwiseTensorProductv2";
  }
}

/** e3nn keeps nothing but the 3j tensors of these products, one for all paths of equal degrees, with their normalisation. */
function couplingArrays(
  { irrepsIn1, irrepsIn2, irrepsOut, instructions }: TensorProduct,
  { irrepNormalization = "component" }: FilteredProductOptions,
): ReadonlyMap<string, DerivedArray> {
  return new Map(
    instructions.map(({ iIn1, iIn2, iOut }) => {
      const irs = [irrepsIn1.entries[iIn1].ir, irrepsIn2.entries[iIn2].ir, irrepsOut.entries[iOut].ir];
      const [a, b, c] = irs;
      const factor = Math.sqrt({ component: c.dim, norm: a.dim * b.dim, none: 1 }[irrepNormalization]);
      return [`cg_${a.l}_${b.l}_${c.l}`, couplingArray([a.l, b.l, c.l], factor)];
    }),
  );
}
