// sum, max: out[a,b] over r of x[a,r,b]; expand: out[a,r,b] = x[a,b].
//
// Runs shorter than 64 have an invocation per output, in the order of r. Longer ones have a workgroup per group of up to 32
// columns: its invocations take every (256 / width)-th row, in chunks of 64 whose sums are added up, and join in a fixed tree.
// Layout: the reduced run R stands between outer A and inner B. Bound: memory, A (R + 1) B numbers, for one flop each. Software
// adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> p: Parameters;

const threads = 256;
const shortRun = 64;
const chunk = 64;
var<workgroup> part: array<f32, 256>;

// Columns a workgroup takes at once; for short runs each invocation has its own.
fn widthOf() -> i32 {
  if (p.ints[0].y < shortRun) { return threads; }
  var width = 1;
  while (width < 32 && width < p.ints[0].z) { width *= 2; }
  return width;
}

// The elements of an invocation, x[first + r * B] for r = row, row + step, ..., and where their result belongs.
struct Place { first: i32, to: i32, row: i32, step: i32, inside: bool }

fn placeOf(item: i32, lane: i32, width: i32) -> Place {
  let A = p.ints[0].x;
  let R = p.ints[0].y;
  let B = max(p.ints[0].z, 1);
  if (R < shortRun) {
    let k = item * threads + lane;
    return Place(k / B * R * B + k % B, k, 0, 1, k < A * p.ints[0].z);
  }
  let groups = (B + width - 1) / width;
  let a = item / groups;
  let b = item % groups * width + lane % width;
  return Place(a * R * B + b, a * B + b, lane / width, threads / width, a < A && b < p.ints[0].z);
}

@compute @workgroup_size(256)
fn sum(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let R = p.ints[0].y;
  let B = p.ints[0].z;
  let width = widthOf();
  let m = placeOf(i32(group.x + group.y * groups.x), i32(lane), width);
  var total = 0.0;
  if (m.inside) {
    for (var r0 = m.row; r0 < R; r0 += chunk * m.step) {
      var s = 0.0;
      for (var r = r0; r < min(r0 + chunk * m.step, R); r += m.step) { s += x[m.first + r * B]; }
      total += s;
    }
  }
  part[lane] = total;
  workgroupBarrier();
  for (var half = threads / 2; half >= width; half /= 2) {
    if (i32(lane) < half) { part[lane] += part[i32(lane) + half]; }
    workgroupBarrier();
  }
  if (i32(lane) < width && m.inside) { out[m.to] = part[lane]; }
}

@compute @workgroup_size(256)
fn largest(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let R = p.ints[0].y;
  let B = p.ints[0].z;
  let width = widthOf();
  let m = placeOf(i32(group.x + group.y * groups.x), i32(lane), width);
  var most = -3.4028234e38;
  if (m.inside) {
    for (var r = m.row; r < R; r += m.step) { most = max(most, x[m.first + r * B]); }
  }
  part[lane] = most;
  workgroupBarrier();
  for (var half = threads / 2; half >= width; half /= 2) {
    if (i32(lane) < half) { part[lane] = max(part[lane], part[i32(lane) + half]); }
    workgroupBarrier();
  }
  if (i32(lane) < width && m.inside) { out[m.to] = part[lane]; }
}

@compute @workgroup_size(64)
fn expand(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  let B = p.ints[0].y;
  let R = p.ints[0].z;
  if (k >= p.ints[0].x * R * B) { return; }
  out[k] = x[(k / B / R) * B + k % B];
}
