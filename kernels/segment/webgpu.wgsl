// segmentSum, segmentMax, segmentExpand, gather, gatherSum; one invocation owns one output element and adds in the order of the rows.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read> index: array<i32>;
@group(0) @binding(2) var<storage, read_write> segments: array<T>;
@group(0) @binding(3) var<uniform> p: Parameters;
@group(0) @binding(2) var<storage, read> order: array<i32>;
@group(0) @binding(3) var<storage, read> ptr: array<i32>;
@group(0) @binding(4) var<storage, read_write> out: array<T>;
@group(0) @binding(5) var<uniform> q: Parameters;

@compute @workgroup_size(64)
fn segmentSum(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let F = p.ints[0].y;
  if (k >= p.ints[0].z * F) { return; }
  let n = k / F;
  var total = T(0);
  for (var e = index[n]; e < index[n + 1]; e++) { total += x[e * F + k % F]; }
  segments[k] = total;
}

@compute @workgroup_size(64)
fn segmentMax(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let F = p.ints[0].y;
  if (k >= p.ints[0].z * F) { return; }
  let n = k / F;
  var most = T(0);
  if (index[n] < index[n + 1]) { most = x[index[n] * F + k % F]; }
  for (var e = index[n] + 1; e < index[n + 1]; e++) { most = max(most, x[e * F + k % F]); }
  segments[k] = most;
}

@compute @workgroup_size(64)
fn segmentExpand(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let N = p.ints[0].x;
  let F = p.ints[0].y;
  if (k >= N * F) { return; }
  let n = k / F;
  for (var e = index[n]; e < index[n + 1]; e++) { segments[e * F + k % F] = x[k]; }
}

@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let F = q.ints[0].y;
  if (k >= q.ints[0].z * F) { return; }
  let row = index[k / F];
  if (row < 0) { out[k] = T(0); } else { out[k] = x[row * F + k % F]; }
}

@compute @workgroup_size(64)
fn gatherSum(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let F = q.ints[0].y;
  if (k >= q.ints[0].w * F) { return; }
  let r = k / F;
  var total = T(0);
  for (var j = ptr[r]; j < ptr[r + 1]; j++) { total += x[order[j] * F + k % F]; }
  out[k] = total;
}
