import { expandTo } from "../../kernels/reduce/op.js";
import { concat, slice } from "../../kernels/shape_ops/op.js";
import { reshape } from "../autograd/reshape.js";
import { AtomgradError } from "../tensor/error.js";
import { broadcastShapes, type Shape, showShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { assertTensor } from "../tensor/arguments.js";

/** Weights as users give them: one flat vector on the last axis, or a tensor [..., ...shape] an instruction that has weights, in order. */
export type Weights = Tensor | readonly Tensor[];

/** The weights of one instruction in the flat vector: numbers start .. stop - 1, row-major in `shape`. */
export interface WeightBlock {
  /** Index of the instruction. */
  readonly instruction: number;
  readonly start: number;
  readonly stop: number;
  readonly shape: Shape;
}

/** The weights of one instruction, [..., ...shape]. */
export interface WeightView {
  readonly instruction: number;
  readonly weight: Tensor;
}

export const numel = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** Blocks one after the other; undefined: an instruction without weights. */
export function blocksOf(shapes: readonly (Shape | undefined)[]): WeightBlock[] {
  let start = 0;
  return shapes.flatMap((shape, instruction) =>
    shape === undefined ? [] : [{ instruction, start, stop: (start += numel(shape)), shape }],
  );
}

/** One block of weights [..., count] as [..., ...shape]. */
export function viewOf(weights: Tensor, { start, stop, shape }: WeightBlock): Tensor {
  const axis = weights.rank - 1;
  const whole = start === 0 && stop === weights.shape[axis];
  const part = whole ? weights : slice(weights, axis, start, stop);
  return reshape(part, [...weights.shape.slice(0, -1), ...shape]);
}

/** The block of an instruction. Errors: VALUE for one that is not there or has no weights; `count` is the number of instructions. */
export function blockOf(
  what: string,
  instruction: number,
  blocks: readonly WeightBlock[],
  count: number,
): WeightBlock {
  const found = blocks.find((block) => block.instruction === instruction);
  if (found !== undefined) return found;
  const known = Number.isInteger(instruction) && instruction >= 0 && instruction < count;
  throw new AtomgradError(
    "VALUE",
    known
      ? `${what}: instruction ${instruction} has no weights`
      : `${what}: instruction must be a whole number from 0 to ${count - 1}, got ${String(instruction)}`,
  );
}

/** What weights a module wants. */
export interface WeightRule {
  readonly blocks: readonly WeightBlock[];
  /** Length of the flat vector. */
  readonly numel: number;
  /** Whether one set serves all rows: then there is no axis but those of `lead`. */
  readonly shared: boolean;
  /** Sizes that always stand before the flat vector. */
  readonly lead: Shape;
}

/**
 * Weights [..., ...lead, numel] as given, or the module's own; undefined where none are needed.
 * Errors: VALUE, SHAPE naming what is expected.
 */
export function resolveWeights(
  what: string,
  given: Weights | undefined,
  own: Tensor | undefined,
  { blocks, numel: count, shared, lead }: WeightRule,
): Tensor | undefined {
  if (count === 0) return undefined;
  const wanted = [...lead, count];
  const expected = `${what}: weight expected [${shared ? "" : "...,"}${wanted.join(",")}]`;
  const w = Array.isArray(given) ? joinBlocks(what, given as readonly Tensor[], blocks) : (given ?? own);
  if (w === undefined)
    throw new AtomgradError(
      "VALUE",
      `${expected}, got nothing; the module holds no weights, pass ${count} of them`,
    );
  assertTensor(`${what}: weight`, w);
  const before = w.rank - wanted.length;
  if ((shared ? before !== 0 : before < 1) || wanted.some((n, k) => n !== w.shape[before + k]))
    throw new AtomgradError("SHAPE", `${expected}, got ${showShape(w.shape)}`);
  return w;
}

/** The flat vectors [..., count] that a list of blocks stands for; leading sizes broadcast. Errors: VALUE, SHAPE naming the tensor. */
function joinBlocks(what: string, given: readonly Tensor[], blocks: readonly WeightBlock[]): Tensor {
  if (given.length !== blocks.length)
    throw new AtomgradError(
      "VALUE",
      `${what}: weight is a list of ${given.length} tensors; give one for each of the ${blocks.length} instructions with weights, or one tensor`,
    );
  const leads = given.map((t, k): Shape => {
    assertTensor(`${what}: weight[${k}]`, t);
    const { shape } = blocks[k];
    const at = t.rank - shape.length;
    if (at < 0 || shape.some((n, j) => n !== t.shape[at + j]))
      throw new AtomgradError(
        "SHAPE",
        `${what}: weight[${k}] expected [...,${shape.join(",")}] for instruction ${blocks[k].instruction}, got ${showShape(t.shape)}`,
      );
    return t.shape.slice(0, at);
  });
  const lead = broadcastShapes(`${what}: weight`, leads);
  return concat(
    given.map((t, k) => {
      const { shape } = blocks[k];
      return reshape(expandTo(t, [...lead, ...shape]), [...lead, numel(shape)]);
    }),
    lead.length,
  );
}
