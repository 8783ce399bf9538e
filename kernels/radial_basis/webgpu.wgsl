// sphericalBessel, sphericalBesselDot, legendre, legendreDot; formulas in cpu.cc, here in f32. An invocation per function, or
// per row where they are summed. Sines by Cody-Waite reduction: WGSL promises its own only to 2^-11, and only near 0.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> zeros: array<f32>;
@group(0) @binding(2) var<storage, read> norms: array<f32>;
@group(0) @binding(3) var<storage, read_write> functions: array<f32>;
@group(0) @binding(4) var<uniform> p: Parameters;

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read> at: array<f32>;
@group(0) @binding(2) var<storage, read> dotZeros: array<f32>;
@group(0) @binding(3) var<storage, read> dotNorms: array<f32>;
@group(0) @binding(4) var<storage, read_write> sums: array<f32>;
@group(0) @binding(5) var<uniform> q: Parameters;

@group(0) @binding(0) var<storage, read> t: array<f32>;
@group(0) @binding(1) var<storage, read_write> polynomials: array<f32>;
@group(0) @binding(2) var<uniform> r: Parameters;

@group(0) @binding(0) var<storage, read> h: array<f32>;
@group(0) @binding(1) var<storage, read> dotT: array<f32>;
@group(0) @binding(2) var<storage, read_write> dotSums: array<f32>;
@group(0) @binding(3) var<uniform> s: Parameters;

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

@compute @workgroup_size(64)
fn sphericalBessel(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let n = i32(id.x + id.y * groups.x * 64u);
  let F = p.ints[0].y;
  if (n >= p.ints[0].x * F) { return; }
  let f = n % F;
  functions[n] = radialAt(x[n / F], zeros[f], norms[f], f / p.ints[0].w, p.ints[1].x, p.ints[1].y);
}

@compute @workgroup_size(64)
fn sphericalBesselDot(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = i32(id.x + id.y * groups.x * 64u);
  let F = q.ints[0].y;
  if (e >= q.ints[0].x) { return; }
  var sum = 0.0;
  for (var f = 0; f < F; f++) {
    sum = sum + g[e * F + f] * radialAt(at[e], dotZeros[f], dotNorms[f], f / q.ints[0].w, q.ints[1].x, q.ints[1].y);
  }
  sums[e] = sum;
}

// d^order/dt^order of sqrt((2l+1) / 4 pi) P_l(t) for l < L
fn legendreRow(position: f32, L: i32, order: i32) -> array<f32, 12> {
  var lower: array<f32, 12>;
  for (var k = 0; k <= order; k++) {
    var before = 0.0;
    var here = select(0.0, 1.0, k == 0);
    for (var l = 0; l < L; l++) {
      let rise = (f32(2 * l + 1) * (position * here + f32(k) * lower[l]) - f32(l) * before) / f32(l + 1);
      lower[l] = here;
      before = here;
      here = rise;
    }
  }
  for (var l = 0; l < L; l++) { lower[l] = lower[l] * sqrt(f32(2 * l + 1) * 0.07957747154594767); }
  return lower;
}

@compute @workgroup_size(64)
fn legendre(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = i32(id.x + id.y * groups.x * 64u);
  if (e >= r.ints[0].x) { return; }
  let L = r.ints[0].y;
  let row = legendreRow(t[e], L, r.ints[0].z);
  for (var l = 0; l < L; l++) { polynomials[e * L + l] = row[l]; }
}

@compute @workgroup_size(64)
fn legendreDot(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = i32(id.x + id.y * groups.x * 64u);
  if (e >= s.ints[0].x) { return; }
  let L = s.ints[0].y;
  let row = legendreRow(dotT[e], L, s.ints[0].z);
  var sum = 0.0;
  for (var l = 0; l < L; l++) { sum = sum + h[e * L + l] * row[l]; }
  dotSums[e] = sum;
}
