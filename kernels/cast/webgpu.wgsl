// Casts between f32, i32, u8 and bool, one element an invocation. Bytes and booleans lie one to a 32-bit word. Layout: flat
// arrays. Bound: memory, 2 words an element. Software adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> reals: array<f32>;
@group(0) @binding(0) var<storage, read> ints: array<i32>;
@group(0) @binding(0) var<storage, read> bytes: array<u32>;
@group(0) @binding(1) var<storage, read_write> toReals: array<f32>;
@group(0) @binding(1) var<storage, read_write> toInts: array<i32>;
@group(0) @binding(1) var<storage, read_write> toBytes: array<u32>;
@group(0) @binding(2) var<uniform> p: Parameters;

@compute @workgroup_size(64)
fn cast_f32_i32(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  if (k < p.ints[0].x) { toInts[k] = i32(reals[k]); }
}

@compute @workgroup_size(64)
fn cast_i32_f32(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  if (k < p.ints[0].x) { toReals[k] = f32(ints[k]); }
}

@compute @workgroup_size(64)
fn cast_f32_bool(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  if (k < p.ints[0].x) { toBytes[k] = u32(reals[k] != 0.0); }
}

@compute @workgroup_size(64)
fn cast_i32_bool(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  if (k < p.ints[0].x) { toBytes[k] = u32(ints[k] != 0); }
}

@compute @workgroup_size(64)
fn bytes_f32(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  if (k < p.ints[0].x) { toReals[k] = f32(bytes[k]); }
}

@compute @workgroup_size(64)
fn bytes_i32(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  if (k < p.ints[0].x) { toInts[k] = i32(bytes[k]); }
}
