// sphericalBessel, sphericalBesselDot, legendre, legendreDot; formulas in cpu.cc, here in f32 (radial.wgsl). An invocation per
// function, or per row where they are summed. Layout: rows of functions of one number each. Bound: arithmetic for Bessel
// functions, about 150 flops each; memory for Legendre functions. Software adapter only: no timing claimed.
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

#include "radial.wgsl"

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
