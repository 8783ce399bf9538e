// envMatrix, its derivative both ways and its curvature; formulas in cpu.cc. An invocation per edge. Layout: one edge after the
// other, as in cpu.cc. Bound: memory, 12 to 18 numbers an edge, for 60 to 200 flops. Software adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> edge0: array<f32>;
@group(0) @binding(1) var<storage, read> type0: array<i32>;
@group(0) @binding(2) var<storage, read> mean0: array<f32>;
@group(0) @binding(3) var<storage, read> stddev0: array<f32>;
@group(0) @binding(4) var<storage, read_write> out0: array<f32>;
@group(0) @binding(5) var<uniform> p0: Parameters;

// the gradient [E,8], or the motion [E,3]
@group(0) @binding(0) var<storage, read> given: array<f32>;
@group(0) @binding(1) var<storage, read> edge1: array<f32>;
@group(0) @binding(2) var<storage, read> type1: array<i32>;
@group(0) @binding(3) var<storage, read> stddev1: array<f32>;
@group(0) @binding(4) var<storage, read_write> out1: array<f32>;
@group(0) @binding(5) var<uniform> p1: Parameters;

@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read> edge2: array<f32>;
@group(0) @binding(3) var<storage, read> type2: array<i32>;
@group(0) @binding(4) var<storage, read> stddev2: array<f32>;
@group(0) @binding(5) var<storage, read_write> out2: array<f32>;
@group(0) @binding(6) var<uniform> p2: Parameters;

// Displacement d, e/|e|, 1/(d1,d2,d3); sw, s = sw/(r+p), a = sw/(r+p)^2 with their first and second derivatives in r.
struct Edge { d: vec3<f32>, unit: vec3<f32>, inverse: vec3<f32>, inverse0: f32, r: f32, n: f32, sw: vec3<f32>, s: vec3<f32>, a: vec3<f32>, empty: bool }

fn edgeOf(d: vec3<f32>, deviation: vec4<f32>, radii: vec4<f32>) -> Edge {
  var o: Edge;
  o.d = d;
  o.inverse0 = 1.0 / deviation.x;
  o.inverse = 1.0 / deviation.yzw;
  o.r = sqrt(dot(d, d));
  o.empty = o.r == 0.0;
  let scaled = d * o.inverse;
  o.n = select(sqrt(dot(scaled, scaled)), 1.0, o.empty);
  o.unit = scaled / o.n;
  let width = radii.x - radii.y;
  let u = (o.r - radii.y) / width;
  let v = 1.0 - u;
  if (o.r < radii.y) {
    o.sw = vec3<f32>(1.0, 0.0, 0.0);
  } else if (o.r < radii.x) {
    o.sw = vec3<f32>(v * v * v * (1.0 + u * (3.0 + 6.0 * u)), -30.0 * u * u * v * v / width,
                     -60.0 * u * v * (1.0 - 2.0 * u) / (width * width));
  }
  let q = select(1.0 / (o.r + radii.z), 0.0, o.empty);
  o.s.x = o.sw.x * q;
  o.s.y = (o.sw.y - o.s.x) * q;
  o.s.z = (o.sw.z - 2.0 * o.s.y) * q;
  o.a.x = o.s.x * q;
  o.a.y = (o.s.y - o.a.x) * q;
  o.a.z = (o.s.z - 2.0 * o.a.y) * q;
  if (o.empty) { o.r = 1.0; }
  return o;
}

fn indexOf(id: vec3<u32>, groups: vec3<u32>) -> i32 { return i32(id.x + id.y * groups.x * 64u); }

@compute @workgroup_size(64)
fn envMatrix(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = indexOf(id, groups);
  if (e >= p0.ints[0].x) { return; }
  let t = 4 * type0[e];
  let o = edgeOf(vec3<f32>(edge0[3 * e], edge0[3 * e + 1], edge0[3 * e + 2]),
                 vec4<f32>(stddev0[t], stddev0[t + 1], stddev0[t + 2], stddev0[t + 3]), p0.reals[0]);
  let row = 8 * e;
  let angular = (o.a.x * o.d - vec3<f32>(mean0[t + 1], mean0[t + 2], mean0[t + 3])) * o.inverse;
  out0[row] = (o.s.x - mean0[t]) * o.inverse0;
  for (var k = 0; k < 3; k++) {
    out0[row + 1 + k] = angular[k];
    out0[row + 5 + k] = o.unit[k];
  }
  out0[row + 4] = o.sw.x;
}

fn edge1Of(e: i32) -> Edge {
  let t = 4 * type1[e];
  return edgeOf(vec3<f32>(edge1[3 * e], edge1[3 * e + 1], edge1[3 * e + 2]),
                vec4<f32>(stddev1[t], stddev1[t + 1], stddev1[t + 2], stddev1[t + 3]), p1.reals[0]);
}

@compute @workgroup_size(64)
fn envMatrixVjp(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = indexOf(id, groups);
  if (e >= p1.ints[0].x) { return; }
  let o = edge1Of(e);
  let g = 8 * e;
  let gv = vec3<f32>(given[g + 1], given[g + 2], given[g + 3]) * o.inverse;
  let gu = vec3<f32>(given[g + 5], given[g + 6], given[g + 7]);
  let rise = given[g] * o.inverse0 * o.s.y + o.a.y * dot(gv, o.d) + given[g + 4] * o.sw.y;
  let turn = (gu - dot(gu, o.unit) * o.unit) * o.inverse / o.n;
  let slope = (rise / o.r) * o.d + o.a.x * gv + turn;
  for (var k = 0; k < 3; k++) { out1[3 * e + k] = select(slope[k], 0.0, o.empty); }
}

@compute @workgroup_size(64)
fn envMatrixJvp(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = indexOf(id, groups);
  if (e >= p1.ints[0].x) { return; }
  let o = edge1Of(e);
  let w = vec3<f32>(given[3 * e], given[3 * e + 1], given[3 * e + 2]);
  let q = w * o.inverse;
  let wr = dot(w, o.d) / o.r;
  let angular = (o.a.y * wr * o.d + o.a.x * w) * o.inverse;
  let turn = (q - dot(q, o.unit) * o.unit) / o.n;
  out1[8 * e] = select(o.s.y * wr * o.inverse0, 0.0, o.empty);
  for (var k = 0; k < 3; k++) {
    out1[8 * e + 1 + k] = select(angular[k], 0.0, o.empty);
    out1[8 * e + 5 + k] = select(turn[k], 0.0, o.empty);
  }
  out1[8 * e + 4] = select(o.sw.y * wr, 0.0, o.empty);
}

@compute @workgroup_size(64)
fn envMatrixCurvature(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = indexOf(id, groups);
  if (e >= p2.ints[0].x) { return; }
  let t = 4 * type2[e];
  let o = edgeOf(vec3<f32>(edge2[3 * e], edge2[3 * e + 1], edge2[3 * e + 2]),
                 vec4<f32>(stddev2[t], stddev2[t + 1], stddev2[t + 2], stddev2[t + 3]), p2.reals[0]);
  let g = 8 * e;
  let w = vec3<f32>(given[3 * e], given[3 * e + 1], given[3 * e + 2]);
  let q = w * o.inverse;
  let gv = vec3<f32>(gradient[g + 1], gradient[g + 2], gradient[g + 3]) * o.inverse;
  let gu = vec3<f32>(gradient[g + 5], gradient[g + 6], gradient[g + 7]);
  let g0 = gradient[g] * o.inverse0;
  let g4 = gradient[g + 4];
  let gd = dot(gv, o.d);
  let first = g0 * o.s.y + g4 * o.sw.y + o.a.y * gd;
  let slope = (g0 * o.s.z + g4 * o.sw.z + o.a.z * gd - first / o.r) / o.r;
  let bend = o.a.y / o.r;
  let stretch = dot(w, o.d) * ((slope / o.r) * o.d + bend * gv) + (first / o.r) * w + (bend * dot(gv, w)) * o.d;
  let alpha = dot(gu, o.unit);
  let beta = dot(q, o.unit);
  let turn = beta * gu + alpha * q + (dot(gu, q) - 3.0 * alpha * beta) * o.unit;
  let curved = stretch - turn * o.inverse / (o.n * o.n);
  for (var k = 0; k < 3; k++) { out2[3 * e + k] = select(curved[k], 0.0, o.empty); }
}
