import type { ReferenceCall } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

const place = (l: number, m: number): number => l * l + l + m;

/** Factor of degree l from "component" to a normalisation (0 component, 1 norm, 2 integral). */
function scaleOf(l: number, normalization: number): number {
  if (normalization === 1) return 1 / Math.sqrt(2 * l + 1);
  return normalization === 2 ? 1 / Math.sqrt(4 * Math.PI) : 1;
}

/** Solid harmonics of all degrees up to L at (x, y, z), e3nn's basis (spec equivariant 3.2). */
export function harmonicsAt(
  [x, y, z]: readonly number[],
  L: number,
  normalization: number,
  out: TypedArray,
  at: number,
): void {
  const square = x * x + y * y + z * z;
  let [A, B, diagonal] = [1, 0, 1];
  for (let m = 0; m <= L; m++) {
    if (m > 0) {
      [A, B] = [z * A - x * B, z * B + x * A];
      diagonal *= Math.sqrt((2 * m + 1) / (2 * m)) * (m === 1 ? Math.SQRT2 : 1);
    }
    let [before, q] = [0, diagonal];
    for (let l = m; l <= L; l++) {
      if (l > m) {
        const rise = Math.sqrt((4 * l * l - 1) / (l * l - m * m));
        const fall = l === m + 1 ? 0 : Math.sqrt(((l - 1) ** 2 - m * m) / (4 * (l - 1) ** 2 - 1));
        [before, q] = [q, rise * (y * q - fall * square * before)];
      }
      const value = q * scaleOf(l, normalization);
      out[at + place(l, m)] = value * A;
      if (m > 0) out[at + place(l, -m)] = value * B;
    }
  }
}

interface Entry {
  readonly axis: number;
  readonly row: number;
  readonly column: number;
  readonly value: number;
}

/** The constant sparse matrices D_k with d_k Y = D_k Y (spec equivariant 3.3). */
function derivative(L: number, normalization: number): Entry[] {
  const entries: Entry[] = [];
  for (let l = 1; l <= L; l++) {
    const ratio = scaleOf(l, normalization) / scaleOf(l - 1, normalization);
    const s = ratio * Math.sqrt((2 * l + 1) / (2 * l - 1));
    const add = (axis: number, m: number, below: number, value: number): void => {
      if (Math.abs(below) <= l - 1)
        entries.push({ axis, row: place(l, m), column: place(l - 1, below), value });
    };
    for (let m = 0; m <= l; m++) {
      const a = 0.5 * s * Math.sqrt((l + m) * (l + m - 1));
      const b = 0.5 * s * Math.sqrt((l - m) * (l - m - 1));
      const polar = s * Math.sqrt(l * l - m * m);
      add(1, m, m, polar);
      if (m === 0) {
        add(2, 0, 1, -Math.SQRT2 * b);
        add(0, 0, -1, -Math.SQRT2 * b);
        continue;
      }
      const upper = m === 1 ? Math.SQRT2 * a : a;
      add(1, -m, -m, polar);
      add(2, m, m - 1, upper);
      add(0, -m, m - 1, upper);
      if (m > 1) add(0, m, 1 - m, -a);
      if (m > 1) add(2, -m, 1 - m, a);
      add(2, m, m + 1, -b);
      add(0, m, -m - 1, -b);
      add(2, -m, -m - 1, -b);
      add(0, -m, m + 1, b);
    }
  }
  return entries;
}

export function valuesReference({ ints, buffers }: ReferenceCall): void {
  const [x, out] = buffers as TypedArray[];
  for (let e = 0; e < ints.E; e++)
    harmonicsAt(Array.from(x.subarray(3 * e, 3 * e + 3)), ints.lmax, ints.normalization, out, ints.S * e);
}

export function gradientReference({ ints, buffers }: ReferenceCall): void {
  const [g, y, out] = buffers as TypedArray[];
  out.fill(0, 0, 3 * ints.E);
  for (const { axis, row, column, value } of derivative(ints.lmax, ints.normalization))
    for (let e = 0; e < ints.E; e++)
      out[3 * e + axis] += value * g[ints.S * e + row] * y[ints.S * e + column];
}

export function pushReference({ ints, buffers }: ReferenceCall): void {
  const [w, y, out] = buffers as TypedArray[];
  out.fill(0, 0, ints.S * ints.E);
  for (const { axis, row, column, value } of derivative(ints.lmax, ints.normalization))
    for (let e = 0; e < ints.E; e++)
      out[ints.S * e + row] += value * w[3 * e + axis] * y[ints.S * e + column];
}

export function pullReference({ ints, buffers }: ReferenceCall): void {
  const [w, g, out] = buffers as TypedArray[];
  out.fill(0, 0, ints.S * ints.E);
  for (const { axis, row, column, value } of derivative(ints.lmax, ints.normalization))
    for (let e = 0; e < ints.E; e++)
      out[ints.S * e + column] += value * w[3 * e + axis] * g[ints.S * e + row];
}

/** x / |x| and 1 / |x|, zeros for the zero vector. */
function direction(x: TypedArray, e: number): { n: number[]; inverse: number } {
  const v = Array.from(x.subarray(3 * e, 3 * e + 3));
  const length = Math.hypot(...v);
  const least = x instanceof Float32Array ? 1.1754944e-38 : 1e-24;
  const inverse = length * length > least ? 1 / length : 0;
  return { n: v.map((c) => c * inverse), inverse };
}

export function unitReference({ ints, buffers }: ReferenceCall): void {
  const [x, out] = buffers as TypedArray[];
  for (let e = 0; e < ints.E; e++)
    harmonicsAt(direction(x, e).n, ints.lmax, ints.normalization, out, ints.S * e);
}

export function unitGradientReference({ ints, buffers }: ReferenceCall): void {
  const [g, x, out] = buffers as TypedArray[];
  const y = new Float64Array(ints.S);
  const entries = derivative(ints.lmax, ints.normalization);
  for (let e = 0; e < ints.E; e++) {
    const { n, inverse } = direction(x, e);
    harmonicsAt(n, ints.lmax, ints.normalization, y, 0);
    const h = [0, 0, 0];
    for (const { axis, row, column, value } of entries) h[axis] += value * g[ints.S * e + row] * y[column];
    const radial = h[0] * n[0] + h[1] * n[1] + h[2] * n[2];
    for (let k = 0; k < 3; k++) out[3 * e + k] = (h[k] - radial * n[k]) * inverse;
  }
}
