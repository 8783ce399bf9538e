// segmentSum, segmentMax, segmentExpand, gather, gatherSum; one invocation owns one output element and adds in the order of the
// rows. Formulas in op.ts. Layout: rows of F contiguous numbers. Bound: memory, (E + N) F numbers (2 E F for gather), for a flop
// each at most. Software adapter only: no timing claimed.
#include "rows.wgsl"
@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read> index: array<i32>;
@group(0) @binding(2) var<storage, read_write> out: array<T>;
@group(0) @binding(3) var<uniform> p: Parameters;
// gatherSum
@group(0) @binding(1) var<storage, read> order: array<i32>;
@group(0) @binding(2) var<storage, read> ptr: array<i32>;
@group(0) @binding(3) var<storage, read_write> sums: array<T>;
@group(0) @binding(4) var<uniform> q: Parameters;

@compute @workgroup_size(64)
fn segmentSum(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let F = p.ints[0].y;
  let m = elementOf(id, groups, p.ints[0].z, F);
  if (!m.inside) { return; }
  var total = T(0);
  for (var e = index[m.row]; e < index[m.row + 1]; e++) { total += x[e * F + m.column]; }
  out[m.number] = total;
}

@compute @workgroup_size(64)
fn segmentMax(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let F = p.ints[0].y;
  let m = elementOf(id, groups, p.ints[0].z, F);
  if (!m.inside) { return; }
  let first = index[m.row];
  let last = index[m.row + 1];
  var most = T(0);
  if (first < last) { most = x[first * F + m.column]; }
  for (var e = first + 1; e < last; e++) { most = max(most, x[e * F + m.column]); }
  out[m.number] = most;
}

@compute @workgroup_size(64)
fn segmentExpand(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let F = p.ints[0].y;
  let m = elementOf(id, groups, p.ints[0].x, F);
  if (!m.inside) { return; }
  for (var e = index[m.row]; e < index[m.row + 1]; e++) { out[e * F + m.column] = x[m.number]; }
}

@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let F = p.ints[0].y;
  let m = elementOf(id, groups, p.ints[0].z, F);
  if (!m.inside) { return; }
  let row = index[m.row];
  if (row < 0) { out[m.number] = T(0); } else { out[m.number] = x[row * F + m.column]; }
}

@compute @workgroup_size(64)
fn gatherSum(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let F = q.ints[0].y;
  let m = elementOf(id, groups, q.ints[0].w, F);
  if (!m.inside) { return; }
  var total = T(0);
  for (var j = ptr[m.row]; j < ptr[m.row + 1]; j++) { total += x[order[j] * F + m.column]; }
  sums[m.number] = total;
}
