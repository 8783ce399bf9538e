// raggedSoftmax, raggedSoftmaxVjp, raggedSoftmaxCurvature over the rows of ragged square blocks; formulas in cpu.cc. Eight
// workgroups of 64 share the rows of a block: each invocation takes every 64th element of a row in order, partial results are
// joined in a fixed tree. Eight more behind the last block clear what belongs to none. Layout: blocks row-major, one after the
// other (cpu.cc). Bound: memory, (2 to 4) P numbers where a row stays in the cache between its passes. Software adapter only: no
// timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> ptr1: array<i32>;
@group(0) @binding(2) var<storage, read> start1: array<i32>;
@group(0) @binding(3) var<storage, read> pad: array<i32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<uniform> p: Parameters;

@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> ptr2: array<i32>;
@group(0) @binding(3) var<storage, read> start2: array<i32>;

@group(0) @binding(2) var<storage, read> z: array<f32>;
@group(0) @binding(3) var<storage, read> ptr3: array<i32>;
@group(0) @binding(4) var<storage, read> start3: array<i32>;
@group(0) @binding(5) var<storage, read_write> bend: array<f32>;
@group(0) @binding(6) var<uniform> q: Parameters;

const shares = 8;
var<workgroup> parts: array<vec2<f32>, 64>;

fn sumOf(part: vec2<f32>, lane: i32) -> vec2<f32> {
  workgroupBarrier();
  parts[lane] = part;
  for (var width = 32; width > 0; width /= 2) {
    workgroupBarrier();
    if (lane < width) { parts[lane] += parts[lane + width]; }
  }
  workgroupBarrier();
  return parts[0];
}

fn largestOf(part: f32, lane: i32) -> f32 {
  workgroupBarrier();
  parts[lane].x = part;
  for (var width = 32; width > 0; width /= 2) {
    workgroupBarrier();
    if (lane < width) { parts[lane].x = max(parts[lane].x, parts[lane + width].x); }
  }
  workgroupBarrier();
  return parts[0].x;
}

// The workgroup's block, N behind the last, and which of its rows r, r + shares, ... it takes.
struct Place { block: i32, share: i32 }
fn placeOf(group: vec3<u32>, groups: vec3<u32>) -> Place {
  let index = i32(group.x + group.y * groups.x);
  return Place(index / shares, index % shares);
}

fn softmaxRow(first: i32, n: i32, block: i32, lane: i32) {
  let padValue = p.reals[0].x;
  var largest = select(-3.4028234e38, padValue, pad[block] > 0);
  for (var k = lane; k < n; k += 64) { largest = max(largest, x[first + k]); }
  largest = largestOf(largest, lane);
  var total = 0.0;
  for (var k = lane; k < n; k += 64) { total += exp(x[first + k] - largest); }
  total = sumOf(vec2<f32>(total), lane).x;
  if (pad[block] > 0) { total += f32(pad[block]) * exp(padValue - largest); }
  for (var k = lane; k < n; k += 64) { out[first + k] = exp(x[first + k] - largest) / total; }
}

@compute @workgroup_size(64)
fn raggedSoftmax(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
                 @builtin(local_invocation_index) index: u32) {
  let at = placeOf(group, groups);
  let N = p.ints[0].y;
  if (at.block > N) { return; }
  var begin = start1[min(at.block, N)];
  var end = p.ints[0].x;
  if (at.block < N) {
    let n = ptr1[at.block + 1] - ptr1[at.block];
    for (var r = at.share; r < n; r += shares) { softmaxRow(begin + r * n, n, at.block, i32(index)); }
    begin += n * n;
    end = start1[at.block + 1];
  }
  for (var k = begin + at.share * 64 + i32(index); k < end; k += 64 * shares) { out[k] = 0.0; }
}

fn slopeRow(first: i32, n: i32, lane: i32) {
  var along = 0.0;
  for (var k = lane; k < n; k += 64) { along += x[first + k] * y[first + k]; }
  along = sumOf(vec2<f32>(along), lane).x;
  for (var k = lane; k < n; k += 64) { out[first + k] = y[first + k] * (x[first + k] - along); }
}

@compute @workgroup_size(64)
fn raggedSoftmaxVjp(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
                    @builtin(local_invocation_index) index: u32) {
  let at = placeOf(group, groups);
  let N = p.ints[0].y;
  if (at.block > N) { return; }
  var begin = start2[min(at.block, N)];
  var end = p.ints[0].x;
  if (at.block < N) {
    let n = ptr2[at.block + 1] - ptr2[at.block];
    for (var r = at.share; r < n; r += shares) { slopeRow(begin + r * n, n, i32(index)); }
    begin += n * n;
    end = start2[at.block + 1];
  }
  for (var k = begin + at.share * 64 + i32(index); k < end; k += 64 * shares) { out[k] = 0.0; }
}

fn curvatureRow(first: i32, n: i32, lane: i32) {
  var along = vec2<f32>();
  for (var k = lane; k < n; k += 64) { along += z[first + k] * vec2<f32>(y[first + k], x[first + k]); }
  along = sumOf(along, lane);
  for (var k = lane; k < n; k += 64) {
    let u = x[first + k];
    let g = y[first + k];
    bend[first + k] = u * g - u * along.x - g * along.y;
  }
}

@compute @workgroup_size(64)
fn raggedSoftmaxCurvature(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
                          @builtin(local_invocation_index) index: u32) {
  let at = placeOf(group, groups);
  let N = q.ints[0].y;
  if (at.block > N) { return; }
  var begin = start3[min(at.block, N)];
  var end = q.ints[0].x;
  if (at.block < N) {
    let n = ptr3[at.block + 1] - ptr3[at.block];
    for (var r = at.share; r < n; r += shares) { curvatureRow(begin + r * n, n, i32(index)); }
    begin += n * n;
    end = start3[at.block + 1];
  }
  for (var k = begin + at.share * 64 + i32(index); k < end; k += 64 * shares) { bend[k] = 0.0; }
}
