import type { ReferenceCall } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

/** As in cpu.cc. */
const least = 2e-7;

/** j_m(z) for z > 0, m from 0 to `most`. */
function besselAt(z: number, most: number): number[] {
  const up = [Math.sin(z) / z];
  up.push((up[0] - Math.cos(z)) / z);
  for (let m = 1; m < most; m++) up.push(((2 * m + 1) / z) * up[m] - up[m - 1]);
  return up.slice(0, most + 1).map((value, m) => {
    if (z >= m + 0.5) return value;
    let [first, sum, term] = [1, 1, 1];
    for (let k = 1; k <= m; k++) first *= z / (2 * k + 1);
    for (let k = 1; Math.abs(term) > 1e-18 * Math.abs(sum); k++) {
      term *= (-0.5 * z * z) / (k * (2 * m + 2 * k + 1));
      sum += term;
    }
    return first * sum;
  });
}

/** d^k/dz^k j_l(z) for k = 0..order. */
function besselDerivatives(l: number, z: number, order: number): number[] {
  let j = besselAt(z, l + order);
  const out = [j[l]];
  for (let k = 1; k <= order; k++) {
    j = j.slice(0, -1).map((_, m) => ((m === 0 ? 0 : m * j[m - 1]) - (m + 1) * j[m + 1]) / (2 * m + 1));
    out.push(j[l]);
  }
  return out;
}

/** d^k/dx^k of u(x)/x for k = 0..order; p 0: of 1. */
function envelope(x: number, p: number, order: number): number[] {
  const orders = Array.from({ length: order + 1 }, (_, k) => k);
  if (p === 0) return orders.map((k) => (k === 0 ? 1 : 0));
  if (x >= 1) return orders.map(() => 0);
  const terms: [number, number][] = [
    [1, -1],
    [-((p + 1) * (p + 2)) / 2, p - 1],
    [p * (p + 2), p],
    [-(p * (p + 1)) / 2, p + 1],
  ];
  return orders.map((k) =>
    terms.reduce((sum, [factor, power]) => {
      let falling = factor;
      for (let b = 0; b < k; b++) falling *= power - b;
      return sum + (falling === 0 ? 0 : falling * x ** (power - k));
    }, 0),
  );
}

/** Function f of the table at `given`, derived `order` times. */
export function radialAt(
  f: number,
  given: number,
  { radials, envelope: p, order }: Readonly<Record<"radials" | "envelope" | "order", number>>,
  zeros: TypedArray,
  norms: TypedArray,
): number {
  if (given < least && order > 0) return 0;
  const x = Math.max(given, least);
  const env = envelope(x, p, order);
  const j = besselDerivatives(Math.floor(f / radials), zeros[f] * x, order);
  let [sum, binomial] = [0, 1];
  for (let i = 0; i <= order; i++) {
    sum += binomial * env[order - i] * zeros[f] ** i * j[i];
    binomial *= (order - i) / (i + 1);
  }
  return norms[f] * sum;
}

/** Y_l at t, derived `order` times. */
export function legendreAt(l: number, t: number, order: number): number {
  let below = new Array<number>(l + 1).fill(0);
  for (let k = 0; k <= order; k++) {
    const now = [k === 0 ? 1 : 0];
    for (let m = 0; m < l; m++) {
      const before = m > 0 ? now[m - 1] : 0;
      now.push(((2 * m + 1) * (t * now[m] + k * below[m]) - m * before) / (m + 1));
    }
    below = now;
  }
  return Math.sqrt((2 * l + 1) / (4 * Math.PI)) * below[l];
}

const shapeOf = ({ ints: { radials, envelope, order } }: ReferenceCall) => ({ radials, envelope, order });

export function besselReference(call: ReferenceCall): void {
  const { E, F } = call.ints;
  const [x, zeros, norms, out] = call.buffers as TypedArray[];
  const shape = shapeOf(call);
  for (let e = 0; e < E; e++)
    for (let f = 0; f < F; f++) out[e * F + f] = radialAt(f, x[e], shape, zeros, norms);
}

export function besselDotReference(call: ReferenceCall): void {
  const { E, F } = call.ints;
  const [g, x, zeros, norms, out] = call.buffers as TypedArray[];
  const shape = shapeOf(call);
  for (let e = 0; e < E; e++) {
    let sum = 0;
    for (let f = 0; f < F; f++) sum += g[e * F + f] * radialAt(f, x[e], shape, zeros, norms);
    out[e] = sum;
  }
}

export function legendreReference({ ints, buffers }: ReferenceCall): void {
  const [t, out] = buffers as TypedArray[];
  for (let e = 0; e < ints.E; e++)
    for (let l = 0; l < ints.L; l++) out[e * ints.L + l] = legendreAt(l, t[e], ints.order);
}

export function legendreDotReference({ ints, buffers }: ReferenceCall): void {
  const [g, t, out] = buffers as TypedArray[];
  for (let e = 0; e < ints.E; e++) {
    let sum = 0;
    for (let l = 0; l < ints.L; l++) sum += g[e * ints.L + l] * legendreAt(l, t[e], ints.order);
    out[e] = sum;
  }
}
