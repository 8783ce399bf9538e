// softmax, softmaxVjp, softmaxCurvature over rows of [R,C]: a workgroup of 64 per row. Each invocation takes every 64th element
// in order, partial results are joined in a fixed tree. Formulas in op.ts. Bound: memory, (2, 3, 4) R C numbers where a row stays
// in the cache between its passes. Software adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> powers: array<f32>;
@group(0) @binding(2) var<uniform> p1: Parameters;

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> slope: array<f32>;
@group(0) @binding(3) var<uniform> p2: Parameters;

@group(0) @binding(0) var<storage, read> u: array<f32>;
@group(0) @binding(1) var<storage, read> v: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> bend: array<f32>;
@group(0) @binding(4) var<uniform> p3: Parameters;

var<workgroup> shared0: array<f32, 64>;
var<workgroup> shared1: array<f32, 64>;

fn rowOf(group: vec3<u32>, groups: vec3<u32>) -> i32 { return i32(group.x + group.y * groups.x); }

fn sumShared(lane: i32) {
  for (var width = 32; width > 0; width /= 2) {
    workgroupBarrier();
    if (lane < width) {
      shared0[lane] += shared0[lane + width];
      shared1[lane] += shared1[lane + width];
    }
  }
  workgroupBarrier();
}

fn maxShared(lane: i32) {
  for (var width = 32; width > 0; width /= 2) {
    workgroupBarrier();
    if (lane < width) { shared0[lane] = max(shared0[lane], shared0[lane + width]); }
  }
  workgroupBarrier();
}

@compute @workgroup_size(64)
fn softmax(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
           @builtin(local_invocation_index) index: u32) {
  let row = rowOf(group, groups);
  let C = p1.ints[0].y;
  let lane = i32(index);
  if (row >= p1.ints[0].x) { return; }
  var largest = -3.402823e38;
  for (var c = lane; c < C; c += 64) { largest = max(largest, x[row * C + c]); }
  shared0[lane] = largest;
  maxShared(lane);
  largest = shared0[0];
  workgroupBarrier();
  var total = 0.0;
  for (var c = lane; c < C; c += 64) { total += exp(x[row * C + c] - largest); }
  shared0[lane] = total;
  sumShared(lane);
  total = shared0[0];
  for (var c = lane; c < C; c += 64) { powers[row * C + c] = exp(x[row * C + c] - largest) / total; }
}

@compute @workgroup_size(64)
fn softmaxVjp(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
              @builtin(local_invocation_index) index: u32) {
  let row = rowOf(group, groups);
  let C = p2.ints[0].y;
  let lane = i32(index);
  if (row >= p2.ints[0].x) { return; }
  var total = 0.0;
  for (var c = lane; c < C; c += 64) { total += g[row * C + c] * y[row * C + c]; }
  shared0[lane] = total;
  sumShared(lane);
  total = shared0[0];
  for (var c = lane; c < C; c += 64) { slope[row * C + c] = y[row * C + c] * (g[row * C + c] - total); }
}

@compute @workgroup_size(64)
fn softmaxCurvature(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
                    @builtin(local_invocation_index) index: u32) {
  let row = rowOf(group, groups);
  let C = p3.ints[0].y;
  let lane = i32(index);
  if (row >= p3.ints[0].x) { return; }
  var alongU = 0.0;
  var alongV = 0.0;
  for (var c = lane; c < C; c += 64) {
    alongU += u[row * C + c] * w[row * C + c];
    alongV += v[row * C + c] * w[row * C + c];
  }
  shared0[lane] = alongU;
  shared1[lane] = alongV;
  sumShared(lane);
  alongU = shared0[0];
  alongV = shared1[0];
  for (var c = lane; c < C; c += 64) {
    let a = u[row * C + c];
    let b = v[row * C + c];
    bend[row * C + c] = a * (b - alongV) - b * alongU;
  }
}
