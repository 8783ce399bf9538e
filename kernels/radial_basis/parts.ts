import { reshape } from "../../src/autograd/reshape.js";
import { full, type Tensor, tensor } from "../../src/tensor/tensor.js";
import {
  add,
  cos,
  div,
  less,
  maximum,
  minimum,
  mul,
  mulAdd,
  sin,
  square,
  sub,
  where,
} from "../elementwise/ops.generated.js";
import { concat, slice } from "../shape_ops/op.js";

/** The functions of this family in elementary operations, each with the meaning its kernel has (cpu.cc). */

const least = 2e-7;
const seriesTerms = 24;

const like = (x: Tensor, shape: readonly number[], value: number): Tensor =>
  full(shape, value, { dtype: x.dtype, device: x.device.name });
const sumOf = (terms: readonly Tensor[]): Tensor => terms.reduce((a, b) => add(a, b));

/** x^n for n >= 0 by squaring. */
export function integerPower(x: Tensor, n: number): Tensor {
  if (n === 0) return like(x, x.shape, 1);
  if (n === 1) return x;
  const half = square(integerPower(x, Math.floor(n / 2)));
  return n % 2 === 0 ? half : mul(half, x);
}

/** j_m(z) where z < m + 1/2: z^m / (2m+1)!! times a polynomial in z^2 / 2, whose powers alone would overflow in f32. */
function seriesAt(m: number, z: Tensor): Tensor {
  const near = minimum(z, m + 0.5);
  const half = mul(square(near), -0.5);
  let polynomial = like(z, z.shape, 1);
  for (let k = seriesTerms; k > 0; k--)
    polynomial = mulAdd(mul(half, 1 / (k * (2 * m + 2 * k + 1))), polynomial, 1);
  let first = 1;
  for (let k = 1; k <= m; k++) first /= 2 * k + 1;
  return mul(mul(polynomial, first), integerPower(near, m));
}

/** j_m(z) for m = low..high. */
function besselsAt(z: Tensor, low: number, high: number): Tensor[] {
  // Nearer only series are taken; there the recurrence must not grow, for gradients pass through both.
  const far = maximum(z, low + 0.5);
  const inverse = div(1, far);
  let before = mul(sin(far), inverse);
  let now = mul(sub(before, cos(far)), inverse);
  const out: Tensor[] = [];
  for (let m = 0; m <= high; m++) {
    if (m >= low) out.push(where(less(z, m + 0.5), seriesAt(m, z), before));
    [before, now] = [now, sub(mul(mul(inverse, 2 * m + 3), now), before)];
  }
  return out;
}

/** The factors of j_low, j_(low+1), ... in d^k/dz^k j_l, low = max(0, l - order): (2l+1) j_l' = l j_(l-1) - (l+1) j_(l+1). */
function derivativeFactors(l: number, k: number): Map<number, number> {
  if (k === 0) return new Map([[l, 1]]);
  const factors = new Map<number, number>();
  const put = (m: number, value: number): void => void factors.set(m, (factors.get(m) ?? 0) + value);
  for (const [m, factor] of derivativeFactors(l, k - 1)) {
    if (m > 0) put(m - 1, (factor * m) / (2 * m + 1));
    put(m + 1, (-factor * (m + 1)) / (2 * m + 1));
  }
  return factors;
}

/** u(x)/x and its derivatives up to `order`; p 0: those of 1. */
function envelopes(x: Tensor, p: number, order: number): Tensor[] {
  const orders = Array.from({ length: order + 1 }, (_, k) => k);
  if (p === 0) return orders.map((k) => like(x, x.shape, k === 0 ? 1 : 0));
  const inside = less(x, 1);
  const inverse = div(1, x);
  let hyperbola = inverse;
  return orders.map((k) => {
    const terms = [-((p + 1) * (p + 2)) / 2, p * (p + 2), -(p * (p + 1)) / 2].flatMap((factor, a) => {
      let falling = factor;
      for (let b = 0; b < k; b++) falling *= p - 1 + a - b;
      return falling === 0 ? [] : [mul(integerPower(x, p - 1 + a - k), falling)];
    });
    const value = where(inside, sumOf([hyperbola, ...terms]), 0);
    hyperbola = mul(mul(hyperbola, inverse), -(k + 1));
    return value;
  });
}

export interface RadialShape {
  readonly degrees: number;
  readonly radials: number;
  /** p; 0 for none. */
  readonly envelope: number;
  readonly order: number;
}

/** d^order/dx^order of env(x) N j_l(z x): x [E], zeros and norms [F] -> [E, F]. */
export function besselParts(x: Tensor, zeros: Tensor, norms: Tensor, shape: RadialShape): Tensor {
  const { degrees, radials: R, envelope, order } = shape;
  const given = reshape(x, [x.size, 1]);
  const column = maximum(given, least);
  const env = envelopes(column, envelope, order);
  const blocks = Array.from({ length: degrees }, (_, l) => {
    const zero = reshape(slice(zeros, 0, l * R, (l + 1) * R), [1, R]);
    const low = Math.max(0, l - order);
    const j = besselsAt(mul(column, zero), low, l + order);
    let [binomial, scale] = [1, reshape(slice(norms, 0, l * R, (l + 1) * R), [1, R])];
    const terms = env.map((_, i) => {
      const derivative = sumOf(Array.from(derivativeFactors(l, i), ([m, factor]) => mul(j[m - low], factor)));
      const term = mul(mul(mul(env[order - i], binomial), scale), derivative);
      binomial *= (order - i) / (i + 1);
      scale = mul(scale, zero);
      return term;
    });
    return sumOf(terms);
  });
  if (blocks.length === 0) return like(x, [x.size, 0], 0);
  const all = concat(blocks, 1);
  return order > 0 ? where(less(given, least), 0, all) : all;
}

/** d^order/dt^order of sqrt((2l+1) / 4 pi) P_l(t) for l < L: t [E] -> [E, L]. */
export function legendreParts(t: Tensor, L: number, order: number): Tensor {
  if (L === 0) return like(t, [t.size, 0], 0);
  const column = reshape(t, [t.size, 1]);
  const zero = like(t, column.shape, 0);
  let below = Array.from({ length: L }, () => zero);
  for (let k = 0; k <= order; k++) {
    const now = [like(t, column.shape, k === 0 ? 1 : 0)];
    for (let l = 0; l < L - 1; l++) {
      const rise = mul(mulAdd(column, now[l], mul(below[l], k)), (2 * l + 1) / (l + 1));
      now.push(l === 0 ? rise : sub(rise, mul(now[l - 1], l / (l + 1))));
    }
    below = now;
  }
  const scales = Float64Array.from({ length: L }, (_, l) => Math.sqrt((2 * l + 1) / (4 * Math.PI)));
  return mul(concat(below, 1), tensor(scales, [1, L], { dtype: t.dtype, device: t.device.name }));
}
