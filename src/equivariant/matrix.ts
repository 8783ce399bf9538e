/** A square matrix of float64 numbers, row-major, on the host. */
export type Square = Float64Array;

export function identity(n: number): Square {
  const out = new Float64Array(n * n);
  for (let k = 0; k < n; k++) out[k * n + k] = 1;
  return out;
}

export function multiply(a: Square, b: Square, n: number): Square {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) {
      const x = a[i * n + k];
      if (x !== 0) for (let j = 0; j < n; j++) out[i * n + j] += x * b[k * n + j];
    }
  return out;
}

export function transposed(a: Square, n: number): Square {
  return a.map((_, at) => a[(at % n) * n + Math.floor(at / n)]);
}

/** exp(a): Taylor's series of a / 2^k, squared k times. */
export function exponential(a: Square, n: number): Square {
  let norm = 0;
  for (let i = 0; i < n; i++) {
    let row = 0;
    for (let j = 0; j < n; j++) row += Math.abs(a[i * n + j]);
    norm = Math.max(norm, row);
  }
  const squarings = Math.max(0, Math.ceil(Math.log2(norm)) + 1);
  const small = a.map((x) => x / 2 ** squarings);
  let sum = identity(n);
  let power = identity(n);
  for (let k = 1; k <= 20; k++) {
    power = multiply(power, small, n).map((x) => x / k);
    sum = sum.map((x, at) => x + power[at]);
  }
  for (let k = 0; k < squarings; k++) sum = multiply(sum, sum, n);
  return sum;
}
