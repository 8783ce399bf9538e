// doubleRows, foldRows; formulas in cpu.cc. An invocation per element of the result. Layout: row-major, rows of W and of 2 W.
// Bound: memory, 5 W or 4 W numbers a row. Software adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> addend: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> p: Parameters;

fn put(k: i32, value: f32) {
  if ((p.ints[17].w & 2) == 0) { out[k] = value + addend[k]; } else { out[k] = value; }
}

@compute @workgroup_size(64)
fn doubleRows(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let W = p.ints[0].y;
  if (k >= 2 * W * p.ints[0].x) { return; }
  put(k, x[k / (2 * W) * W + k % W]);
}

@compute @workgroup_size(64)
fn foldRows(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let W = p.ints[1].x;
  if (k >= W * p.ints[0].x) { return; }
  let at = k / W * 2 * W + k % W;
  put(k, x[at] + x[at + W]);
}
