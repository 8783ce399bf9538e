import { AtomgradError } from "../tensor/error.js";

/** j_0..j_most at z by the upward recurrence, which is stable where z > most. */
function besselUp(most: number, z: number): number[] {
  const j = [Math.sin(z) / z];
  j.push((j[0] - Math.cos(z)) / z);
  for (let l = 1; l < most; l++) j.push(((2 * l + 1) / z) * j[l] - j[l - 1]);
  return j;
}

/** The zero of j_l in (low, high), to the last bit or two. */
function zeroBetween(l: number, low: number, high: number): number {
  const sign = Math.sign(besselUp(l, low)[l]);
  let [a, b] = [low, high];
  for (let k = 0; k < 40; k++) {
    const middle = (a + b) / 2;
    if (Math.sign(besselUp(l, middle)[l]) === sign) a = middle;
    else b = middle;
  }
  let z = (a + b) / 2;
  for (let k = 0; k < 3; k++) {
    const j = besselUp(l, z);
    z -= j[l] / (j[l - 1] - ((l + 1) / z) * j[l]);
  }
  return z;
}

/**
 * The first `radials` positive zeros of the spherical Bessel functions j_l, l = 0..degrees-1, row-major [degrees, radials], to 1e-14.
 * Zeros of j_l lie between neighbouring zeros of j_(l-1).
 */
export function besselZeros(degrees: number, radials: number): Float64Array {
  if (!Number.isInteger(degrees) || !Number.isInteger(radials) || degrees < 0 || radials < 0)
    throw new AtomgradError(
      "VALUE",
      `besselZeros: ${degrees} degrees and ${radials} zeros; give whole numbers`,
    );
  const out = new Float64Array(degrees * radials);
  let row = Array.from({ length: radials + degrees }, (_, n) => (n + 1) * Math.PI);
  for (let l = 0; l < degrees; l++) {
    if (l > 0) row = row.slice(0, -1).map((z, n) => zeroBetween(l, z, row[n + 1]));
    out.set(row.slice(0, radials), l * radials);
  }
  return out;
}

/** sqrt(2) / |j_(l+1)(z)| for zeros [degrees, radials]: squares of N j_l(z x) x integrate to 1 on [0, 1]. */
export function besselNorms(zeros: Float64Array, degrees: number): Float64Array {
  const radials = degrees > 0 ? zeros.length / degrees : 0;
  return zeros.map((z, f) => {
    const l = Math.floor(f / radials);
    return Math.SQRT2 / Math.abs(besselUp(l + 1, z)[l + 1]);
  });
}

/**
 * Zeros and factors as PyTorch Geometric computes with them: zeros rounded to float32, factors made in float32 steps. Its factors come
 * out bit for bit. Source: spec dimenetpp, measured with PyG 2.8.1.
 */
export function besselTableOfPyg(
  degrees: number,
  radials: number,
): { zeros: Float64Array; norms: Float64Array } {
  const f = Math.fround;
  const zeros = besselZeros(degrees, radials).map(f);
  const norms = zeros.map((z, at) => {
    const l = Math.floor(at / radials);
    const s = f(Math.sqrt(f(f(Math.PI) / f(2 * z))));
    // J_(l+3/2)(z) = sqrt(2 z / pi) j_(l+1)(z)
    const J = f(s * f(Math.sqrt((2 * z) / Math.PI) * besselUp(l + 1, z)[l + 1]));
    return f(1 / f(Math.sqrt(f(0.5 * f(J * J)))));
  });
  return { zeros, norms };
}
