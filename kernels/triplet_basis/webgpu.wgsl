// tripletProduct, tripletRadial, tripletAngular, tripletJoint; formulas in cpu.cc.
//
// Layout: rows of F = L R functions, degree by degree. Strategy: an invocation per number of the result, sums in the order of
// memory or of the edge's list; tripletJoint one per edge and degree, which alone writes that degree of the edge's triplets and
// looks at g once, `chunk` of its numbers at a time. Bound: memory, F numbers a triplet. Software adapter only: no timing
// claimed.
#include "../segment/rows.wgsl"
@group(0) @binding(0) var<storage, read> radial: array<f32>;
@group(0) @binding(1) var<storage, read> angular: array<f32>;
@group(0) @binding(2) var<storage, read> index: array<i32>;
@group(0) @binding(3) var<storage, read_write> products: array<f32>;
@group(0) @binding(4) var<uniform> p: Parameters;

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read> order: array<i32>;
@group(0) @binding(3) var<storage, read> ptr: array<i32>;
@group(0) @binding(4) var<storage, read_write> ofEdges: array<f32>;
@group(0) @binding(5) var<uniform> q: Parameters;

@group(0) @binding(1) var<storage, read> rows: array<f32>;
@group(0) @binding(3) var<storage, read_write> ofAngles: array<f32>;

@group(0) @binding(2) var<storage, read> jointRows: array<f32>;
@group(0) @binding(3) var<storage, read> jointOrder: array<i32>;
@group(0) @binding(4) var<storage, read> jointPtr: array<i32>;
@group(0) @binding(5) var<storage, read_write> toRadial: array<f32>;
@group(0) @binding(6) var<storage, read_write> toAngular: array<f32>;
@group(0) @binding(7) var<uniform> r: Parameters;

const chunk = 8;

@compute @workgroup_size(64)
fn tripletProduct(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let F = p.ints[0].y;
  let L = p.ints[0].w;
  let m = elementOf(id, groups, p.ints[0].z, F);
  if (!m.inside) { return; }
  products[m.number] = radial[index[m.row] * F + m.column] * angular[m.row * L + m.column / (F / L)];
}

@compute @workgroup_size(64)
fn tripletRadial(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let F = q.ints[0].y;
  let L = q.ints[0].z;
  let m = elementOf(id, groups, q.ints[0].w, F);
  if (!m.inside) { return; }
  let l = m.column / (F / L);
  var sum = 0.0;
  for (var at = ptr[m.row]; at < ptr[m.row + 1]; at++) {
    let t = order[at];
    sum += g[t * F + m.column] * angular[t * L + l];
  }
  ofEdges[m.number] = sum;
}

@compute @workgroup_size(64)
fn tripletAngular(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let F = p.ints[0].y;
  let L = p.ints[0].w;
  let m = elementOf(id, groups, p.ints[0].x, L);
  if (!m.inside) { return; }
  let R = F / L;
  let row = index[m.row] * F + m.column * R;
  var sum = 0.0;
  for (var n = 0; n < R; n++) { sum += g[m.number * R + n] * rows[row + n]; }
  ofAngles[m.number] = sum;
}

@compute @workgroup_size(64)
fn tripletJoint(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let L = r.ints[0].z;
  let m = elementOf(id, groups, r.ints[0].w, L);
  if (!m.inside) { return; }
  let R = r.ints[0].y / L;
  // Once where there are no radial functions: their sum is 0.
  for (var n = 0; n == 0 || n < R; n += chunk) {
    let width = min(chunk, R - n);
    var sum = array<f32, 8>(); // in a loop, a declaration alone is not zeroed again everywhere
    for (var at = jointPtr[m.row]; at < jointPtr[m.row + 1]; at++) {
      let t = jointOrder[at] * L + m.column;
      let y = angular[t];
      var total = 0.0;
      if (n > 0) { total = toAngular[t]; }
      for (var i = 0; i < width; i++) {
        let h = g[t * R + n + i];
        sum[i] += h * y;
        total += h * jointRows[m.number * R + n + i];
      }
      toAngular[t] = total;
    }
    for (var i = 0; i < width; i++) { toRadial[m.number * R + n + i] = sum[i]; }
  }
}
