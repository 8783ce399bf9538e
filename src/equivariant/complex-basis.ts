import { assertWhole } from "../tensor/arguments.js";
import type { Square } from "./matrix.js";

export type Complex = readonly [re: number, im: number];

/** A square matrix of complex numbers, both parts row-major. */
export interface ComplexSquare {
  readonly re: Square;
  readonly im: Square;
}

/** The product of two complex numbers. */
export const times = (a: Complex, b: Complex): Complex => [
  a[0] * b[0] - a[1] * b[1],
  a[0] * b[1] + a[1] * b[0],
];

/** Column m of the change of basis Q of degree l: rows and values (spec 2.4). */
export function basisColumn(l: number, m: number): [number, Complex][] {
  const phase = (
    [
      [1, 0],
      [0, -1],
      [-1, 0],
      [0, 1],
    ] as const
  )[l % 4]; // (-i)^l
  if (m === 0) return [[0, phase]];
  const h = Math.SQRT1_2;
  const n = Math.abs(m);
  const sign = n % 2 === 0 ? h : -h;
  const below: Complex = m > 0 ? [h, 0] : [0, -h];
  const above: Complex = m > 0 ? [sign, 0] : [0, sign];
  return [
    [-n, times(phase, below)],
    [n, times(phase, above)],
  ];
}

/**
 * The unitary matrix Q of degree l that turns real components (columns, m = -l..l) into complex ones (rows), with the phase (-i)^l that
 * makes all couplings real: [2l+1, 2l+1], as e3nn's `change_basis_real_to_complex`. Source: spec equivariant 2.4.
 */
export function changeBasisRealToComplex(l: number): ComplexSquare {
  assertWhole("changeBasisRealToComplex: l", l, { most: 1000 });
  const n = 2 * l + 1;
  const [re, im] = [new Float64Array(n * n), new Float64Array(n * n)];
  for (let m = -l; m <= l; m++)
    for (const [row, value] of basisColumn(l, m))
      [re[(row + l) * n + m + l], im[(row + l) * n + m + l]] = value;
  return { re, im };
}

/**
 * The generators of SU(2) of degree j in the complex basis, as e3nn's `su2_generators`: (R + L) / 2, diag(i m), -i (R - L) / 2 with the
 * raising R and lowering L of spec equivariant 2.4; Q^H X Q are the real `generators`.
 */
export function su2Generators(j: number): readonly [ComplexSquare, ComplexSquare, ComplexSquare] {
  assertWhole("su2Generators: j", j, { most: 1000 });
  const n = 2 * j + 1;
  const made = [0, 1, 2].map(() => ({ re: new Float64Array(n * n), im: new Float64Array(n * n) }));
  const [x, y, z] = made;
  for (let a = 0; a < n; a++) {
    const m = a - j;
    y.im[a * n + a] = m;
    if (a + 1 === n) continue;
    const step = Math.sqrt(j * (j + 1) - m * (m + 1)) / 2; // R[a+1,a] = -2 step, L[a,a+1] = 2 step
    x.re[(a + 1) * n + a] = -step;
    x.re[a * n + a + 1] = step;
    z.im[(a + 1) * n + a] = z.im[a * n + a + 1] = step;
  }
  return [x, y, z];
}
