// sphericalBasis; formulas in cpu.cc, radial functions in ../radial_basis/radial.wgsl. Its gradients run by their parts: in one
// kernel they would bind more buffers than every device has.
//
// Layout: rows of F = L R functions, degree by degree. Strategy: a workgroup per edge puts the edge's radial functions into its
// own memory, so that they need no scratch, and writes the rows of the edge's triplets, each invocation every 64th number with
// the recurrence up to its degree. Bound: memory, F numbers a triplet; radial functions are arithmetic, F an edge. Software
// adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> u: array<f32>;
@group(0) @binding(2) var<storage, read> zeros: array<f32>;
@group(0) @binding(3) var<storage, read> norms: array<f32>;
@group(0) @binding(4) var<storage, read> order: array<i32>;
@group(0) @binding(5) var<storage, read> ptr: array<i32>;
@group(0) @binding(6) var<storage, read_write> rows: array<f32>;
@group(0) @binding(7) var<uniform> p: Parameters;

#include "../radial_basis/radial.wgsl"

// As many as op.ts allows.
var<workgroup> edge: array<f32, 512>;

// sqrt((2l+1) / 4 pi) P_l(t)
fn angularAt(t: f32, l: i32) -> f32 {
  var before = 0.0;
  var here = 1.0;
  for (var k = 0; k < l; k++) {
    let next = (f32(2 * k + 1) * t * here - f32(k) * before) / f32(k + 1);
    before = here;
    here = next;
  }
  return here * sqrt(f32(2 * l + 1) * 0.07957747154594767);
}

@compute @workgroup_size(64)
fn sphericalBasis(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let e = i32(group.x + group.y * groups.x);
  let F = p.ints[0].z;
  let radials = p.ints[1].x;
  if (e >= p.ints[0].x) { return; }
  for (var f = i32(lane); f < F; f += 64) {
    edge[f] = radialAt(x[e], zeros[f], norms[f], f / radials, p.ints[1].y, 0);
  }
  workgroupBarrier();
  let first = ptr[e];
  let numbers = (ptr[e + 1] - first) * F;
  for (var k = i32(lane); k < numbers; k += 64) {
    let t = order[first + k / F];
    let f = k % F;
    rows[t * F + f] = edge[f] * angularAt(u[t], f / radials);
  }
}
