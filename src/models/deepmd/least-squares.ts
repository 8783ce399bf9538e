/**
 * The minimum-norm solution of min |A x - b|, as numpy's lstsq with rcond = None: singular values below
 * eps * max(m, n) * largest count as zero. One-sided Jacobi rotations make the columns of A orthogonal (Hestenes 1958);
 * fine for the few columns (elements) it is used with.
 *
 * @param a [m, n] row-major; @param b [m]; @returns x [n]
 */
export function leastSquares(a: Float64Array, b: Float64Array, m: number, n: number): Float64Array {
  const u = Array.from({ length: n }, (_, j) => Float64Array.from({ length: m }, (_, i) => a[i * n + j]));
  const v = Array.from({ length: n }, (_, j) => Float64Array.from({ length: n }, (_, i) => Number(i === j)));
  for (let sweep = 0; sweep < 60; sweep++) {
    let rotated = false;
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) rotated = orthogonalise(u[p], u[q], v[p], v[q]) || rotated;
    if (!rotated) break;
  }
  const sigma = u.map((column) => Math.sqrt(dot(column, column)));
  const cutoff = Number.EPSILON * Math.max(m, n) * Math.max(0, ...sigma);
  const x = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    if (sigma[j] <= cutoff) continue;
    const weight = dot(u[j], b) / (sigma[j] * sigma[j]);
    for (let i = 0; i < n; i++) x[i] += weight * v[j][i];
  }
  return x;
}

/** Rotates two columns until they are orthogonal; false if they were. */
function orthogonalise(up: Float64Array, uq: Float64Array, vp: Float64Array, vq: Float64Array): boolean {
  const [alpha, beta, gamma] = [dot(up, up), dot(uq, uq), dot(up, uq)];
  if (Math.abs(gamma) <= Number.EPSILON * Math.sqrt(alpha * beta) || gamma === 0) return false;
  const zeta = (beta - alpha) / (2 * gamma);
  const t = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const c = 1 / Math.sqrt(1 + t * t);
  rotate(up, uq, c, c * t);
  rotate(vp, vq, c, c * t);
  return true;
}

function rotate(p: Float64Array, q: Float64Array, c: number, s: number): void {
  for (let i = 0; i < p.length; i++) {
    const x = p[i];
    p[i] = c * x - s * q[i];
    q[i] = s * x + c * q[i];
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}
