import type { Tensor } from "../tensor/tensor.js";
import { AtomgradError } from "../tensor/error.js";
import type { InstructionLike, NormalizationOptions } from "./instruction.js";
import { Irrep, type IrrepLike } from "./irrep.js";
import { Irreps, type IrrepsLike, MulIr } from "./irreps.js";
import { TensorProduct, type TensorProductOptions } from "./tensor-product.js";

/** Irreps of the output to keep; absent: all. */
type IrFilter = readonly IrrepLike[] | undefined;

const mostPairs = 1e7;

/** Refuses lists whose combinations would fill the memory. */
function assertFew(...lists: readonly Irreps[]): void {
  const combinations = lists.reduce((n, list) => n * list.length, 1);
  if (combinations > mostPairs)
    throw new AtomgradError(
      "VALUE",
      `${lists.map((l) => l.length).join(" x ")} entries have ${combinations} combinations, more than ${mostPairs}; simplify the irreps`,
    );
}

function keeper(filter: IrFilter): (ir: Irrep) => boolean {
  const kept = filter?.map((ir) => Irrep.of(ir));
  return (ir) => kept?.some((k) => k.equals(ir)) ?? true;
}

/** All paths the selection rules allow between given irreps, each with weights (mode uvw). */
export class FullyConnectedTensorProduct extends TensorProduct {
  protected override readonly printedName: string = "FullyConnectedTensorProduct";

  constructor(in1: IrrepsLike, in2: IrrepsLike, out: IrrepsLike, options: TensorProductOptions = {}) {
    const [a, b, c] = [new Irreps(in1), new Irreps(in2), new Irreps(out)];
    assertFew(a, b, c);
    const instructions = a.entries.flatMap((one, i) =>
      b.entries.flatMap((two, j) => {
        const allowed = one.ir.times(two.ir);
        return c.entries.flatMap((three, k): InstructionLike[] =>
          allowed.some((ir) => ir.equals(three.ir)) ? [[i, j, k, "uvw", true, 1]] : [],
        );
      }),
    );
    super(a, b, c, instructions, options);
  }
}

/** Every product of every copy with every copy, no weights; the output irreps follow, sorted but not merged. */
export class FullTensorProduct extends TensorProduct {
  protected override readonly printedName: string = "FullTensorProduct";

  constructor(
    in1: IrrepsLike,
    in2: IrrepsLike,
    options: TensorProductOptions & { filterIrOut?: readonly IrrepLike[] } = {},
  ) {
    const [a, b] = [new Irreps(in1).simplify(), new Irreps(in2).simplify()];
    assertFew(a, b);
    const keep = keeper(options.filterIrOut);
    const out: MulIr[] = [];
    const instructions: InstructionLike[] = [];
    a.entries.forEach((one, i) =>
      b.entries.forEach((two, j) => {
        for (const ir of one.ir.times(two.ir).filter(keep)) {
          instructions.push([i, j, out.length, "uvuv", false]);
          out.push(new MulIr(one.mul * two.mul, ir));
        }
      }),
    );
    const { irreps, p } = new Irreps(out).sort();
    const sorted = instructions.map(([i, j, k, ...rest]): InstructionLike => [i, j, p[k], ...rest]);
    super(a, b, irreps, sorted, options);
  }
}

/** Copy u of one input with copy u of the other, no weights; both need the same number of irreps. */
export class ElementwiseTensorProduct extends TensorProduct {
  protected override readonly printedName: string = "ElementwiseTensorProduct";

  constructor(
    in1: IrrepsLike,
    in2: IrrepsLike,
    options: TensorProductOptions & { filterIrOut?: readonly IrrepLike[] } = {},
  ) {
    const [a, b] = align(new Irreps(in1).simplify(), new Irreps(in2).simplify());
    const keep = keeper(options.filterIrOut);
    const out: MulIr[] = [];
    const instructions: InstructionLike[] = [];
    a.forEach((one, i) => {
      for (const ir of one.ir.times(b[i].ir).filter(keep)) {
        instructions.push([i, i, out.length, "uuu", false]);
        out.push(new MulIr(one.mul, ir));
      }
    });
    super(new Irreps(a), new Irreps(b), new Irreps(out), instructions, options);
  }
}

/** Cuts entries until both lists have the same multiplicities. */
function align(a: Irreps, b: Irreps): [MulIr[], MulIr[]] {
  if (a.numIrreps !== b.numIrreps)
    throw new AtomgradError(
      "VALUE",
      `ElementwiseTensorProduct: ${a.toString()} has ${a.numIrreps} irreps, ${b.toString()} has ${b.numIrreps}; they must be equal`,
    );
  const [one, two]: [MulIr[], MulIr[]] = [[], []];
  let [i, j, usedA, usedB] = [0, 0, 0, 0];
  while (i < a.length && j < b.length) {
    const [x, y] = [a.entries[i], b.entries[j]];
    const mul = Math.min(x.mul - usedA, y.mul - usedB);
    one.push(new MulIr(mul, x.ir));
    two.push(new MulIr(mul, y.ir));
    if ((usedA += mul) === x.mul) [i, usedA] = [i + 1, 0];
    if ((usedB += mul) === y.mul) [j, usedB] = [j + 1, 0];
  }
  return [one, two];
}

export interface TensorSquareOptions extends TensorProductOptions {
  filterIrOut?: readonly IrrepLike[];
}

/**
 * The product of a feature with itself, each symmetric pair once. With `irrepsOut` (in the options) it is weighted and gives those irreps,
 * else all of them.
 */
export class TensorSquare extends TensorProduct {
  protected override readonly printedName: string = "TensorSquare";

  constructor(irrepsIn: IrrepsLike, options: TensorSquareOptions & { irrepsOut?: IrrepsLike } = {}) {
    const input = new Irreps(irrepsIn).simplify();
    const normalization = options.irrepNormalization ?? "component";
    const made =
      options.irrepsOut === undefined
        ? fullSquare(input, keeper(options.filterIrOut), normalization)
        : weightedSquare(input, new Irreps(options.irrepsOut).simplify(), normalization);
    super(input, input, made.irreps, made.instructions, { ...options, irrepNormalization: "none" });
  }

  /** The square of x [..., dim]; weights as in a tensor product. */
  override call(x: Tensor, weight?: Tensor): Tensor {
    return super.call(x, x, weight);
  }

  /** The same as `call`. */
  square(x: Tensor, weight?: Tensor): Tensor {
    return this.call(x, weight);
  }

  override toString(): string {
    return `${this.printedName}(${this.irrepsIn1.simplify().toString()} -> ${this.irrepsOut.simplify().toString()} | ${this.pathCount} paths | ${this.weightNumel} weights)`;
  }
}

type Normalization = NonNullable<NormalizationOptions["irrepNormalization"]>;

/** Squared factors of pairs of different copies, and of a copy with itself. */
function squareFactors(normalization: Normalization, d1: number, d2: number, out: Irrep): [number, number] {
  if (normalization === "none") return [1, 1];
  if (normalization === "component") return [out.dim, out.l === 0 ? out.dim / (d1 + 2) : out.dim / 2];
  return [d1 * d2, out.l === 0 ? out.dim * d1 : (d1 * (d1 + 2)) / 2];
}

function fullSquare(
  input: Irreps,
  keep: (ir: Irrep) => boolean,
  normalization: Normalization,
): { irreps: Irreps; instructions: InstructionLike[] } {
  const out: MulIr[] = [];
  const instructions: InstructionLike[] = [];
  const put = (
    i: number,
    j: number,
    mul: number,
    ir: Irrep,
    mode: InstructionLike[3],
    factor: number,
  ): void => {
    instructions.push([i, j, out.length, mode, false, factor]);
    out.push(new MulIr(mul, ir));
  };
  input.entries.forEach((one, i) =>
    input.entries.forEach((two, j) => {
      if (i > j) return;
      for (const ir of one.ir.times(two.ir).filter(keep)) {
        const [pair, self] = squareFactors(normalization, one.ir.dim, two.ir.dim, ir);
        if (i < j) put(i, j, one.mul * two.mul, ir, "uvuv", pair);
        else {
          if (one.mul > 1) put(i, i, (one.mul * (one.mul - 1)) / 2, ir, "uvu<v", pair);
          if (ir.l % 2 === 0) put(i, i, one.mul, ir, "uuu", self);
        }
      }
    }),
  );
  const { irreps, p } = new Irreps(out).sort();
  return { irreps, instructions: instructions.map(([i, j, k, ...rest]) => [i, j, p[k], ...rest]) };
}

function weightedSquare(
  input: Irreps,
  output: Irreps,
  normalization: Normalization,
): { irreps: Irreps; instructions: InstructionLike[] } {
  const instructions: InstructionLike[] = [];
  input.entries.forEach((one, i) =>
    input.entries.forEach((two, j) =>
      output.entries.forEach(({ ir }, k) => {
        if (i > j || !one.ir.times(two.ir).some((allowed) => allowed.equals(ir))) return;
        const [pair, self] = squareFactors(normalization, one.ir.dim, two.ir.dim, ir);
        if (i < j) instructions.push([i, j, k, "uvw", true, pair]);
        else {
          if (one.mul > 1) instructions.push([i, i, k, "u<vw", true, pair]);
          if (ir.l % 2 === 0) instructions.push([i, i, k, "uuw", true, self]);
        }
      }),
    ),
  );
  return { irreps: output, instructions };
}
