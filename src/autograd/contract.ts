import type { DType } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import { type Shape, showShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/**
 * Shape expressions of op contracts: `[E,3]` floating point of the op's type, `i32[N+1]` integers, `[]` a scalar. A letter
 * word is a dimension: bound at its first appearance, checked at every other. Sizes may be numbers, or `D+k`, `D-k`, `k*D`.
 */
export interface Expression {
  readonly text: string;
  /** undefined: the op's own type T. */
  readonly dtype: DType | undefined;
  readonly dims: readonly Dim[];
}

interface Dim {
  /** -1: a fixed number. */
  readonly symbol: number;
  readonly factor: number;
  readonly offset: number;
}

/** The dimensions of a contract in order of first appearance, then its integer attributes. */
export class Symbols {
  readonly names: string[] = [];

  index(name: string): number {
    const k = this.names.indexOf(name);
    if (k >= 0) return k;
    this.names.push(name);
    return this.names.length - 1;
  }
}

const pattern = /^(?:f32|f64|i32|u8|bool)?\[[^\]]*\]$/;
const numberPattern = /^\d+$/;
const symbolPattern = /^[A-Za-z]\w*$/;
const dimPattern = /^(?:(\d+)\*)?([A-Za-z]\w*)([+-]\d+)?$/;

/** Errors: VALUE for a text that is no shape expression. */
export function parseExpression(text: string, symbols: Symbols): Expression {
  const compact = text.includes(" ") ? text.replaceAll(" ", "") : text;
  if (!pattern.test(compact))
    throw new AtomgradError("VALUE", `contract: "${text}" is not a shape expression`);
  const open = compact.indexOf("[");
  const inside = compact.slice(open + 1, -1);
  const dims = inside === "" ? [] : inside.split(",").map((word) => parseDim(word, text, symbols));
  return { text, dtype: open === 0 ? undefined : (compact.slice(0, open) as DType), dims };
}

/** The commonest spelling first: contracts are read while a program waits for its first result. */
function parseDim(word: string, text: string, symbols: Symbols): Dim {
  if (symbolPattern.test(word)) return { symbol: symbols.index(word), factor: 1, offset: 0 };
  if (numberPattern.test(word)) return { symbol: -1, factor: 0, offset: Number(word) };
  const match = dimPattern.exec(word);
  if (match === null) throw new AtomgradError("VALUE", `contract: "${word}" in "${text}" is not a size`);
  return { symbol: symbols.index(match[2]), factor: Number(match[1] ?? 1), offset: Number(match[3] ?? 0) };
}

/**
 * Checks one input against its expression and binds the sizes met for the first time (`bound` holds -1 for those).
 * Errors: SHAPE, naming op, input, what was expected and found.
 */
export function bind(
  op: string,
  name: string,
  e: Expression,
  t: Tensor,
  symbols: Symbols,
  bound: number[],
): void {
  if (t.shape.length !== e.dims.length)
    throw new AtomgradError("SHAPE", `${op}: ${name} expected shape ${e.text}, got ${showShape(t.shape)}`);
  for (let k = 0; k < e.dims.length; k++) {
    const dim = e.dims[k];
    const n = t.shape[k];
    if (dim.symbol < 0) {
      if (n !== dim.offset) throw mismatch(op, name, e, t.shape, `size ${dim.offset} at index ${k}`);
    } else if (bound[dim.symbol] < 0) {
      const value = (n - dim.offset) / dim.factor;
      if (value < 0 || value !== Math.floor(value))
        throw mismatch(op, name, e, t.shape, `a size of the form ${e.text} at index ${k}`);
      bound[dim.symbol] = value;
    } else if (n !== dim.factor * bound[dim.symbol] + dim.offset) {
      const wanted = dim.factor * bound[dim.symbol] + dim.offset;
      throw mismatch(
        op,
        name,
        e,
        t.shape,
        `size ${wanted} at index ${k} (${symbols.names[dim.symbol]} is ${bound[dim.symbol]})`,
      );
    }
  }
}

/** The shape an output expression stands for once all its dimensions are bound. */
export function evaluate(e: Expression, bound: readonly number[]): number[] {
  const { dims } = e;
  const shape = new Array<number>(dims.length);
  for (let k = 0; k < dims.length; k++) {
    const { symbol, factor, offset } = dims[k];
    shape[k] = symbol < 0 ? offset : factor * bound[symbol] + offset;
  }
  return shape;
}

function mismatch(op: string, name: string, e: Expression, found: Shape, wanted: string): AtomgradError {
  return new AtomgradError(
    "SHAPE",
    `${op}: ${name} ${e.text} expected ${wanted}, got shape ${showShape(found)}`,
  );
}
