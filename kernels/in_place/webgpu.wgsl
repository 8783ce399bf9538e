// blend: target += weight (source - target); exchange: two arrays change places. One element an invocation, in place. Layout:
// flat arrays. Bound: memory, 3 (blend) or 4 (exchange) numbers an element. Software adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read_write> a: array<f32>;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(1) var<storage, read_write> b: array<f32>;
@group(0) @binding(2) var<uniform> p: Parameters;

@compute @workgroup_size(64)
fn blend(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  if (k < p.ints[0].x) { a[k] = a[k] + p.reals[0].x * (source[k] - a[k]); }
}

@compute @workgroup_size(64)
fn exchange(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  if (k >= p.ints[0].x) { return; }
  let before = a[k];
  a[k] = b[k];
  b[k] = before;
}
