/** 3 x 3 numbers, row-major. */
export type Matrix3 = ArrayLike<number>;

export function determinant(m: Matrix3): number {
  return (
    m[0] * (m[4] * m[8] - m[5] * m[7]) -
    m[1] * (m[3] * m[8] - m[5] * m[6]) +
    m[2] * (m[3] * m[7] - m[4] * m[6])
  );
}

/** Inverse by cofactors; not finite for a singular matrix. */
export function inverse(m: Matrix3): Float64Array {
  const det = determinant(m);
  const c = (a: number, b: number, p: number, q: number): number => (m[a] * m[b] - m[p] * m[q]) / det;
  return Float64Array.of(
    c(4, 8, 5, 7),
    c(2, 7, 1, 8),
    c(1, 5, 2, 4),
    c(5, 6, 3, 8),
    c(0, 8, 2, 6),
    c(2, 3, 0, 5),
    c(3, 7, 4, 6),
    c(1, 6, 0, 7),
    c(0, 4, 1, 3),
  );
}

/** Rows [N, 3] times the matrix. */
export function rowsTimes(rows: ArrayLike<number>, m: Matrix3): Float64Array {
  const out = new Float64Array(rows.length);
  for (let k = 0; k + 2 < rows.length; k += 3)
    for (let b = 0; b < 3; b++) out[k + b] = rows[k] * m[b] + rows[k + 1] * m[3 + b] + rows[k + 2] * m[6 + b];
  return out;
}

/** Cross product of two vectors. */
export function cross(a: ArrayLike<number>, b: ArrayLike<number>): [number, number, number] {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}
