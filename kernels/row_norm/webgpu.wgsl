// layerRows, unitRows and their derivatives over rows of [E,M]; formulas in cpu.cc. A workgroup of 64 per row: each invocation
// takes every 64th element in order, partial sums are joined in a fixed tree. Layout: rows of M contiguous numbers. Bound:
// memory, (2 to 4) E M numbers where a row stays in the cache between its passes. Software adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> out1: array<f32>;
@group(0) @binding(2) var<uniform> p1: Parameters;

@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> out2: array<f32>;
@group(0) @binding(3) var<uniform> p2: Parameters;

@group(0) @binding(2) var<storage, read> c: array<f32>;
@group(0) @binding(3) var<storage, read_write> out3: array<f32>;
@group(0) @binding(4) var<uniform> p3: Parameters;

var<workgroup> parts: array<vec4<f32>, 64>;

fn sumOf(part: vec4<f32>, lane: i32) -> vec4<f32> {
  workgroupBarrier();
  parts[lane] = part;
  for (var width = 32; width > 0; width /= 2) {
    workgroupBarrier();
    if (lane < width) { parts[lane] += parts[lane + width]; }
  }
  workgroupBarrier();
  return parts[0];
}

fn rowOf(group: vec3<u32>, groups: vec3<u32>) -> i32 { return i32(group.x + group.y * groups.x); }

// How a row is normalised: y = (x - shift) r. `share` is a row's share in sums, 1 for unit vectors; flat rows are x / eps.
struct Normal { r: f32, share: f32, flat: bool }

fn normalOf(squares: f32, M: i32, eps: f32, layer: bool) -> Normal {
  if (layer) { return Normal(1.0 / sqrt(squares / f32(M) + eps), 1.0 / f32(M), false); }
  let length = sqrt(squares);
  let flat = !(length > eps);
  return Normal(1.0 / select(length, eps, flat), 1.0, flat);
}

fn normalise(group: vec3<u32>, groups: vec3<u32>, lane: i32, layer: bool) {
  if (rowOf(group, groups) >= p1.ints[0].x) { return; }
  let M = p1.ints[0].y;
  let at = rowOf(group, groups) * M;
  var shift = 0.0;
  if (layer) {
    for (var k = lane; k < M; k += 64) { shift += a[at + k]; }
    shift = sumOf(vec4<f32>(shift), lane).x / f32(M);
  }
  var squares = 0.0;
  for (var k = lane; k < M; k += 64) { squares += (a[at + k] - shift) * (a[at + k] - shift); }
  let n = normalOf(sumOf(vec4<f32>(squares), lane).x, M, p1.reals[0].x, layer);
  for (var k = lane; k < M; k += 64) { out1[at + k] = (a[at + k] - shift) * n.r; }
}

// a is the gradient, b the row
fn slope(group: vec3<u32>, groups: vec3<u32>, lane: i32, layer: bool) {
  if (rowOf(group, groups) >= p2.ints[0].x) { return; }
  let M = p2.ints[0].y;
  let at = rowOf(group, groups) * M;
  var means = vec4<f32>();
  if (layer) {
    for (var k = lane; k < M; k += 64) { means += vec4<f32>(a[at + k], b[at + k], 0.0, 0.0); }
    means = sumOf(means, lane) / f32(M);
  }
  var sums = vec4<f32>();
  for (var k = lane; k < M; k += 64) {
    let x = b[at + k] - means.y;
    sums += vec4<f32>(x * x, x * (a[at + k] - means.x), 0.0, 0.0);
  }
  sums = sumOf(sums, lane);
  let n = normalOf(sums.x, M, p2.reals[0].x, layer);
  let along = select(n.r * sums.y * n.share, 0.0, n.flat);
  for (var k = lane; k < M; k += 64) {
    out2[at + k] = (a[at + k] - means.x - (b[at + k] - means.y) * n.r * along) * n.r;
  }
}

// a and b are applied to the derivative, c is the row
fn curvature(group: vec3<u32>, groups: vec3<u32>, lane: i32, layer: bool) {
  if (rowOf(group, groups) >= p3.ints[0].x) { return; }
  let M = p3.ints[0].y;
  let at = rowOf(group, groups) * M;
  var means = vec4<f32>();
  if (layer) {
    for (var k = lane; k < M; k += 64) { means += vec4<f32>(a[at + k], b[at + k], c[at + k], 0.0); }
    means = sumOf(means, lane) / f32(M);
  }
  var sums = vec4<f32>();
  for (var k = lane; k < M; k += 64) {
    let u = a[at + k] - means.x;
    let g = b[at + k] - means.y;
    let x = c[at + k] - means.z;
    sums += vec4<f32>(x * x, x * u, x * g, u * g);
  }
  sums = sumOf(sums, lane);
  let n = normalOf(sums.x, M, p3.reals[0].x, layer);
  let alongU = n.r * sums.y;
  let alongG = n.r * sums.z;
  let bend = sums.w - 3.0 * alongU * alongG * n.share;
  let scale = select(-n.r * n.r * n.share, 0.0, n.flat);
  for (var k = lane; k < M; k += 64) {
    let y = (c[at + k] - means.z) * n.r;
    out3[at + k] = (y * bend + (b[at + k] - means.y) * alongU + (a[at + k] - means.x) * alongG) * scale;
  }
}

@compute @workgroup_size(64)
fn layerRows(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  normalise(group, groups, i32(lane), true);
}

@compute @workgroup_size(64)
fn layerRowsVjp(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  slope(group, groups, i32(lane), true);
}

@compute @workgroup_size(64)
fn layerRowsCurvature(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  curvature(group, groups, i32(lane), true);
}

@compute @workgroup_size(64)
fn unitRows(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  normalise(group, groups, i32(lane), false);
}

@compute @workgroup_size(64)
fn unitRowsVjp(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  slope(group, groups, i32(lane), false);
}

@compute @workgroup_size(64)
fn unitRowsCurvature(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  curvature(group, groups, i32(lane), false);
}
