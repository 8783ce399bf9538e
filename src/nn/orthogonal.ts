import { AtomgradError } from "../tensor/error.js";
import { showShape } from "../tensor/shape.js";
import { fansOf, type Initializer, normal } from "./init.js";

/**
 * GlorotOrthogonal: a random matrix [in, out] with orthonormal rows or columns, scaled to the variance
 * scale / (in + out) of its elements.
 *
 * @param options.variance which estimate is scaled: "population" (n elements, TensorFlow's DimeNet) or "unbiased" (n - 1,
 *   PyTorch Geometric's). A single element has neither; its square is taken.
 *
 * Errors: SHAPE for weights that are not a matrix.
 * Source: Gasteiger et al., DimeNet; specs/dimenetpp.md 3.3.
 */
export function glorotOrthogonal(
  options: { scale?: number; variance?: "population" | "unbiased" } = {},
): Initializer {
  const { scale = 2, variance = "population" } = options;
  return (shape, random) => {
    if (shape.length !== 2)
      throw new AtomgradError(
        "SHAPE",
        `glorotOrthogonal: expected a matrix [in,out], got ${showShape(shape)}`,
      );
    const { fanIn, fanOut } = fansOf("glorotOrthogonal", shape);
    const tall = normal()([Math.max(fanIn, fanOut), Math.min(fanIn, fanOut)], random);
    orthonormalise(tall, Math.max(fanIn, fanOut), Math.min(fanIn, fanOut));
    const weights = fanIn >= fanOut ? tall : transposed(tall, fanOut, fanIn);
    const factor = Math.sqrt(scale / ((fanIn + fanOut) * varianceOf(weights, variance)));
    return weights.map((w) => w * factor);
  };
}

/**
 * Makes the columns of a [rows, columns] orthonormal, rows >= columns. Gram-Schmidt is the QR factorisation whose R has a
 * positive diagonal, which makes the result uniformly distributed; done twice, it is orthogonal to rounding.
 */
function orthonormalise(a: Float64Array, rows: number, columns: number): void {
  const project = (to: number, from: number): number => {
    let dot = 0;
    for (let r = 0; r < rows; r++) dot += a[r * columns + to] * a[r * columns + from];
    return dot;
  };
  for (let c = 0; c < columns; c++) {
    for (let pass = 0; pass < 2; pass++)
      for (let before = 0; before < c; before++) {
        const dot = project(c, before);
        for (let r = 0; r < rows; r++) a[r * columns + c] -= dot * a[r * columns + before];
      }
    const length = Math.sqrt(project(c, c));
    for (let r = 0; r < rows; r++) a[r * columns + c] /= length;
  }
}

function transposed(a: Float64Array, rows: number, columns: number): Float64Array {
  return Float64Array.from(a, (_, k) => a[(k % rows) * columns + Math.floor(k / rows)]);
}

function varianceOf(weights: Float64Array, kind: "population" | "unbiased"): number {
  const n = weights.length;
  if (n === 1) return weights[0] ** 2;
  const mean = weights.reduce((a, b) => a + b, 0) / n;
  const squares = weights.reduce((a, b) => a + (b - mean) ** 2, 0);
  return squares / (kind === "unbiased" ? n - 1 : n);
}
