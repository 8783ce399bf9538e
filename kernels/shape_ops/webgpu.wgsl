// slice, pad, join, swap; one invocation copies one output element. Formulas in op.ts. Layout: the axis worked on stands between
// outer A and inner B (D for swap). Bound: memory, every number read and written once. Software adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read_write> out: array<T>;
@group(0) @binding(2) var<uniform> p: Parameters;
@group(0) @binding(1) var<storage, read> y: array<T>;
@group(0) @binding(2) var<storage, read_write> joined: array<T>;
@group(0) @binding(3) var<uniform> q: Parameters;

@compute @workgroup_size(64)
fn slice(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let S = p.ints[0].y;
  let B = p.ints[0].z;
  let R = p.ints[0].w;
  if (k >= p.ints[0].x * R * B) { return; }
  let row = k / B;
  out[k] = x[((row / R) * S + p.ints[1].x + row % R) * B + k % B];
}

@compute @workgroup_size(64)
fn pad(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let R = p.ints[0].y;
  let B = p.ints[0].z;
  let S = p.ints[0].w;
  if (k >= p.ints[0].x * S * B) { return; }
  let row = k / B;
  let r = row % S - p.ints[1].x;
  if (r >= 0 && r < R) { out[k] = x[((row / S) * R + r) * B + k % B]; } else { out[k] = T(0); }
}

@compute @workgroup_size(64)
fn join(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let R = q.ints[0].y;
  let B = q.ints[0].z;
  let Q = q.ints[0].w;
  let S = R + Q;
  if (k >= q.ints[0].x * S * B) { return; }
  let row = k / B;
  let a = row / S;
  let s = row % S;
  if (s < R) { joined[k] = x[(a * R + s) * B + k % B]; } else { joined[k] = y[(a * Q + s - R) * B + k % B]; }
}

@compute @workgroup_size(64)
fn swap(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let B = p.ints[0].y;
  let C = p.ints[0].z;
  let D = p.ints[0].w;
  if (k >= p.ints[0].x * B * C * D) { return; }
  let d = k % D;
  let b = (k / D) % B;
  let c = (k / D / B) % C;
  let a = k / D / B / C;
  out[k] = x[((a * B + b) * C + c) * D + d];
}
