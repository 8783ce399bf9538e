import { assertOptional } from "../tensor/arguments.js";
import { type IrrepsLike, irrepsOf } from "./irreps.js";
import { alignedPaths, connectedPaths, type IrFilter, inputsOf, keeper, pairPaths } from "./product-paths.js";
import { TensorProduct, type TensorProductOptions } from "./tensor-product.js";

export interface FilteredProductOptions extends TensorProductOptions {
  /** Irreps of the output to keep; default: all. */
  filterIrOut?: IrFilter;
}

/** All paths the selection rules allow between given irreps, each with weights (mode uvw). */
export class FullyConnectedTensorProduct extends TensorProduct {
  constructor(
    irrepsIn1: IrrepsLike,
    irrepsIn2: IrrepsLike,
    irrepsOut: IrrepsLike,
    options: TensorProductOptions = {},
  ) {
    const what = "FullyConnectedTensorProduct";
    const [a, b] = inputsOf(what, irrepsIn1, irrepsIn2);
    const c = irrepsOf(`${what}: irrepsOut`, irrepsOut);
    super(a, b, c, connectedPaths(what, a, b, c), options);
  }

  protected override get printedName(): string {
    return "FullyConnectedTensorProduct";
  }
}

/** Every product of every copy with every copy, no weights; the output irreps follow, sorted but not merged. */
export class FullTensorProduct extends TensorProduct {
  constructor(irrepsIn1: IrrepsLike, irrepsIn2: IrrepsLike, options: FilteredProductOptions = {}) {
    const what = "FullTensorProduct";
    const [a, b] = inputsOf(what, irrepsIn1, irrepsIn2).map((irreps) => irreps.simplify());
    assertOptional(what, options);
    const made = pairPaths(what, a, b, keeper(what, options.filterIrOut));
    super(a, b, made.irreps, made.instructions, options);
  }

  protected override get printedName(): string {
    return "FullTensorProduct";
  }
}

/** Copy u of one input with copy u of the other, no weights; both need the same number of irreps. The output is not sorted. */
export class ElementwiseTensorProduct extends TensorProduct {
  constructor(irrepsIn1: IrrepsLike, irrepsIn2: IrrepsLike, options: FilteredProductOptions = {}) {
    const what = "ElementwiseTensorProduct";
    const [a, b] = inputsOf(what, irrepsIn1, irrepsIn2).map((irreps) => irreps.simplify());
    assertOptional(what, options);
    const made = alignedPaths(what, a, b, keeper(what, options.filterIrOut));
    super(made.in1, made.in2, made.irreps, made.instructions, options);
  }

  protected override get printedName(): string {
    return "ElementwiseTensorProduct";
  }
}
