// sum, max, expand over [A,R,B]; one invocation owns one output element and adds in the order of r.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> p: Parameters;

@compute @workgroup_size(64)
fn sum(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let R = p.ints[0].y;
  let B = p.ints[0].z;
  if (k >= p.ints[0].x * B) { return; }
  let a = k / B;
  let b = k % B;
  // Eight partial sums in a fixed order keep the rounding of long runs near that of a tree.
  var s = array<f32, 8>(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
  for (var r = 0; r < R; r++) { s[r & 7] += x[(a * R + r) * B + b]; }
  out[k] = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

@compute @workgroup_size(64)
fn max(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let R = p.ints[0].y;
  let B = p.ints[0].z;
  if (k >= p.ints[0].x * B) { return; }
  let first = (k / B) * R * B + k % B;
  var largest = x[first];
  for (var r = 1; r < R; r++) {
    let v = x[first + r * B];
    if (v > largest) { largest = v; }
  }
  out[k] = largest;
}

@compute @workgroup_size(64)
fn expand(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let B = p.ints[0].y;
  let R = p.ints[0].z;
  if (k >= p.ints[0].x * R * B) { return; }
  out[k] = x[(k / B / R) * B + k % B];
}
