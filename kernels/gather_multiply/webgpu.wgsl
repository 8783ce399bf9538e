// gatherMultiplySum, gatherMultiply; one invocation owns one output element and adds in the order of the map. Formulas in op.ts.
// Layout: rows of F contiguous numbers. Bound: memory, E F numbers where x and y lie in the caches, for 1 or 2 flops each.
// Software adapter only: no timing claimed.
#include "../segment/rows.wgsl"
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> source: array<i32>;
// gatherMultiplySum
@group(0) @binding(3) var<storage, read> order: array<i32>;
@group(0) @binding(4) var<storage, read> ptr: array<i32>;
@group(0) @binding(5) var<storage, read_write> sums: array<f32>;
@group(0) @binding(6) var<uniform> p: Parameters;
// gatherMultiply
@group(0) @binding(3) var<storage, read> ends: array<i32>;
@group(0) @binding(4) var<storage, read_write> products: array<f32>;
@group(0) @binding(5) var<uniform> q: Parameters;

@compute @workgroup_size(64)
fn gatherMultiplySum(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let F = p.ints[0].y;
  let m = elementOf(id, groups, p.ints[1].y, F);
  if (!m.inside) { return; }
  var total = 0.0;
  for (var k = ptr[m.row]; k < ptr[m.row + 1]; k++) {
    let e = order[k];
    if (source[e] >= 0) { total = fma(x[source[e] * F + m.column], w[e * F + m.column], total); }
  }
  sums[m.number] = total;
}

@compute @workgroup_size(64)
fn gatherMultiply(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let F = q.ints[0].y;
  let m = elementOf(id, groups, q.ints[0].w, F);
  if (!m.inside) { return; }
  let near = source[m.row];
  let far = ends[m.row];
  var product = 0.0;
  if (near >= 0 && far >= 0) { product = x[near * F + m.column] * w[far * F + m.column]; }
  products[m.number] = product;
}
