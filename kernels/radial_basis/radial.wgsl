// Spherical Bessel functions with an envelope, env(x) N j_l(z x), and their derivatives in f32 (spherical.h says how), for
// the shaders that need them. Sines by Cody-Waite reduction: WGSL promises its own only to 2^-11, and only near 0.
const least = 2e-7;
const seriesTerms = 24;

// (sin z, cos z) for 0 <= z < 1000
fn sineCosine(z: f32) -> vec2<f32> {
  let quarters = round(z * 0.6366197723675814);
  var a = z - quarters * 1.5703125;
  a = a - quarters * 4.837512969970703e-4;
  a = a - quarters * 7.549789954891882e-8;
  let b = a * a;
  let sine = ((-1.9515295891e-4 * b + 8.3321608736e-3) * b - 1.6666654611e-1) * b * a + a;
  let cosine = ((2.443315711809948e-5 * b - 1.388731625493765e-3) * b + 4.166664568298827e-2) * b * b - 0.5 * b + 1.0;
  let turn = i32(quarters) & 3;
  let pair = select(vec2<f32>(sine, cosine), vec2<f32>(cosine, -sine), (turn & 1) == 1);
  return select(pair, -pair, turn > 1);
}

// z^m / (2m+1)!! times the power series: for z below m + 1/2
fn series(z: f32, m: i32) -> f32 {
  let half = -0.5 * z * z;
  var first = 1.0;
  var sum = 1.0;
  var term = 1.0;
  for (var k = 1; k <= m; k++) { first = first * z / f32(2 * k + 1); }
  for (var k = 1; k <= seriesTerms; k++) {
    term = term * half / f32(k * (2 * m + 2 * k + 1));
    sum = sum + term;
  }
  return first * sum;
}

// d^order/dx^order of env(x) norm j_l(zero x), env of exponent e
fn radialAt(given: f32, zero: f32, norm: f32, l: i32, e: i32, order: i32) -> f32 {
  if ((given < least && order > 0) || (given >= 1.0 && e > 0)) { return 0.0; }
  let position = max(given, least);
  let z = zero * position;
  let low = max(l - order, 0);
  var j: array<f32, 24>;
  let pair = sineCosine(z);
  var before = pair.x / z;
  var now = (before - pair.y) / z;
  for (var m = 0; m <= l + order; m++) {
    if (m >= low) {
      if (z < f32(m) + 0.5) { j[m] = series(z, m); } else { j[m] = before; }
    }
    let next = f32(2 * m + 3) / z * now - before;
    before = now;
    now = next;
  }
  var sum = 0.0;
  var factor = norm;
  for (var i = 0; i <= order; i++) {
    sum = sum + factor * envelope(position, e, order - i) * j[l];
    factor = factor * zero * f32(order - i) / f32(i + 1);
    var below = select(0.0, j[low], low > 0);
    for (var m = select(0, low + 1, low > 0); m < l + order - i; m++) {
      let here = j[m];
      j[m] = (f32(m) * below - f32(m + 1) * j[m + 1]) / f32(2 * m + 1);
      below = here;
    }
  }
  return sum;
}

// d^k/dx^k of u(x)/x; exponent 0: of 1
fn envelope(position: f32, e: i32, k: i32) -> f32 {
  if (e == 0) { return select(0.0, 1.0, k == 0); }
  var sum = 1.0 / position;
  for (var i = 1; i <= k; i++) { sum = sum * f32(-i) / position; }
  let exponent = f32(e);
  let factors = vec3<f32>(-0.5 * (exponent + 1.0) * (exponent + 2.0), exponent * (exponent + 2.0), -0.5 * exponent * (exponent + 1.0));
  for (var a = 0; a < 3; a++) {
    let degree = e - 1 + a;
    if (degree < k) { continue; }
    var term = factors[a];
    for (var b = 0; b < k; b++) { term = term * f32(degree - b); }
    for (var b = k; b < degree; b++) { term = term * position; }
    sum = sum + term;
  }
  return sum;
}
