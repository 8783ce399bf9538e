/** Splits a number into two of half as many digits: x = high + low exactly (Dekker). */
function split(x: number): [high: number, low: number] {
  const big = 134217729 * x;
  const high = big - (big - x);
  return [high, x - high];
}

/** What rounding left of a product: a b = p + error exactly, p = fl(a b). */
function productError(a: number, b: number, p: number): number {
  const [[aHigh, aLow], [bHigh, bLow]] = [split(a), split(b)];
  return aHigh * bHigh - p + aHigh * bLow + aLow * bHigh + aLow * bLow;
}

/**
 * x^(-1/2) of a number of ordinary size, correctly rounded, as Python gives it (1 in 1000 apart): the factors that are printed have e3nn's
 * last digit. (`Math.pow` and 1 / sqrt are off by one in a tenth and a quarter of cases.) One step of Newton's method with the exact
 * remainder 1 - x r^2.
 */
export function inverseRoot(x: number): number {
  const r = 1 / Math.sqrt(x);
  const square = r * r;
  const product = x * square;
  const remainder = 1 - product - productError(x, square, product) - x * productError(r, r, square);
  return r + (r * remainder) / 2;
}
