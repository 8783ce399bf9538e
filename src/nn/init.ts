import { AtomgradError } from "../tensor/error.js";
import type { RandomStream } from "../tensor/philox.js";
import { type Shape, showShape, sizeOf } from "../tensor/shape.js";

/**
 * Gives the first values of a parameter, in float64 on the host: the same for every device and number type. Draws from
 * `random` in row-major order.
 */
export type Initializer = (shape: Shape, random: RandomStream) => Float64Array;

export function constant(value: number): Initializer {
  return (shape) => new Float64Array(sizeOf(shape)).fill(value);
}

/** N(mean, deviation^2). */
export function normal(options: { mean?: number; deviation?: number } = {}): Initializer {
  const { mean = 0, deviation = 1 } = options;
  return (shape, random) => draw(shape, () => mean + deviation * random.normal());
}

/** U[low, high). */
export function uniform(options: { low?: number; high?: number } = {}): Initializer {
  const { low = 0, high = 1 } = options;
  return (shape, random) => draw(shape, () => low + (high - low) * random.uniform());
}

/**
 * U(-a, a) with a = gain sqrt(6 / (in + out)) for weights [..., in, out].
 * Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.
 */
export function xavierUniform(gain = 1): Initializer {
  return (shape, random) => {
    const { fanIn, fanOut } = fansOf("xavierUniform", shape);
    const a = gain * Math.sqrt(6 / (fanIn + fanOut));
    return uniform({ low: -a, high: a })(shape, random);
  };
}

/** N(0, 2 gain^2 / (in + out)) for weights [..., in, out]; the source is that of `xavierUniform`. */
export function xavierNormal(gain = 1): Initializer {
  return (shape, random) => {
    const { fanIn, fanOut } = fansOf("xavierNormal", shape);
    return normal({ deviation: gain * Math.sqrt(2 / (fanIn + fanOut)) })(shape, random);
  };
}

/** U(-a, a) with a = 1 / sqrt(fanIn): what PyTorch draws for the weights and biases of its linear layers. */
export function fanInUniform(fanIn: number): Initializer {
  const a = 1 / Math.sqrt(Math.max(1, fanIn));
  return uniform({ low: -a, high: a });
}

/** Inputs and outputs of a unit with weights [..., in, out]; sizes before the last two multiply both. */
export function fansOf(what: string, shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2)
    throw new AtomgradError(
      "SHAPE",
      `${what}: weights need at least two dimensions [in,out], got ${showShape(shape)}`,
    );
  const field = sizeOf(shape.slice(0, -2));
  return { fanIn: field * shape[shape.length - 2], fanOut: field * shape[shape.length - 1] };
}

function draw(shape: Shape, next: () => number): Float64Array {
  return Float64Array.from({ length: sizeOf(shape) }, next);
}
