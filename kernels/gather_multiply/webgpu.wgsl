// gatherMultiplySum, gatherMultiply; one invocation owns one output element and adds in the order of the map.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
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
  let at = i32(id.x + id.y * groups.x * 64u);
  let F = p.ints[0].y;
  if (at >= p.ints[1].y * F) { return; }
  let n = at / F;
  let f = at % F;
  var total = 0.0;
  for (var k = ptr[n]; k < ptr[n + 1]; k++) {
    let e = order[k];
    if (source[e] >= 0) { total = fma(x[source[e] * F + f], w[e * F + f], total); }
  }
  sums[at] = total;
}

@compute @workgroup_size(64)
fn gatherMultiply(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = i32(id.x + id.y * groups.x * 64u);
  let F = q.ints[0].y;
  if (at >= q.ints[0].w * F) { return; }
  let e = at / F;
  let f = at % F;
  var product = 0.0;
  if (source[e] >= 0 && ends[e] >= 0) { product = x[source[e] * F + f] * w[ends[e] * F + f]; }
  products[at] = product;
}
