// tripletProduct, tripletRadial, tripletAngular, tripletJoint; formulas in cpu.cc.
//
// Layout: rows of F = L R functions, degree by degree. Strategy: an invocation per number of the result, sums in the order of
// memory or of the edge's list; tripletJoint one per edge and degree, which alone writes that degree of the edge's triplets and
// looks at g once, `chunk` of its numbers at a time. Bound: memory, F numbers a triplet.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
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
  let k = i32(id.x + id.y * groups.x * 64u);
  let F = p.ints[0].y;
  let L = p.ints[0].w;
  if (k >= p.ints[0].z * F) { return; }
  let t = k / F;
  let f = k % F;
  products[k] = radial[index[t] * F + f] * angular[t * L + f / (F / L)];
}

@compute @workgroup_size(64)
fn tripletRadial(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let F = q.ints[0].y;
  let L = q.ints[0].z;
  if (k >= q.ints[0].w * F) { return; }
  let e = k / F;
  let f = k % F;
  let l = f / (F / L);
  var sum = 0.0;
  for (var at = ptr[e]; at < ptr[e + 1]; at++) {
    let t = order[at];
    sum += g[t * F + f] * angular[t * L + l];
  }
  ofEdges[k] = sum;
}

@compute @workgroup_size(64)
fn tripletAngular(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let F = p.ints[0].y;
  let L = p.ints[0].w;
  if (k >= p.ints[0].x * L) { return; }
  let R = F / L;
  let row = index[k / L] * F + k % L * R;
  var sum = 0.0;
  for (var n = 0; n < R; n++) { sum += g[k * R + n] * rows[row + n]; }
  ofAngles[k] = sum;
}

@compute @workgroup_size(64)
fn tripletJoint(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let L = r.ints[0].z;
  if (k >= r.ints[0].w * L) { return; }
  let R = r.ints[0].y / L;
  let e = k / L;
  let l = k % L;
  // Once where there are no radial functions: their sum is 0.
  for (var n = 0; n == 0 || n < R; n += chunk) {
    let width = min(chunk, R - n);
    var sum = array<f32, 8>(); // in a loop, a declaration alone is not zeroed again everywhere
    for (var at = jointPtr[e]; at < jointPtr[e + 1]; at++) {
      let t = jointOrder[at] * L + l;
      let y = angular[t];
      var total = 0.0;
      if (n > 0) { total = toAngular[t]; }
      for (var i = 0; i < width; i++) {
        let h = g[t * R + n + i];
        sum[i] += h * y;
        total += h * jointRows[k * R + n + i];
      }
      toAngular[t] = total;
    }
    for (var i = 0; i < width; i++) { toRadial[k * R + n + i] = sum[i]; }
  }
}
