// segment_outer, segment_apply, segment_apply_t; one invocation owns one output element and adds in the order of the loop.
// Formulas in op.ts. Layout: row-major. Bound: memory, E (A + B) + N A B numbers, for 2 E A B flop, while a row of E stays in the
// cache. Software adapter only: no timing claimed.
#include "../segment/rows.wgsl"
@group(0) @binding(0) var<storage, read> first: array<f32>;
@group(0) @binding(1) var<storage, read> second: array<f32>;
@group(0) @binding(2) var<storage, read> ptr: array<i32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<uniform> p: Parameters;

// The segment of row e, or -1 behind the last one.
fn segmentOf(e: i32, count: i32) -> i32 {
  if (e >= ptr[count]) { return -1; }
  var low = 0;
  var high = count;
  while (high - low > 1) {
    let middle = (low + high) / 2;
    if (ptr[middle] <= e) { low = middle; } else { high = middle; }
  }
  return low;
}

@compute @workgroup_size(64)
fn segment_outer(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let A = p.ints[0].y;
  let B = p.ints[0].z;
  let m = elementOf(id, groups, p.ints[0].w, A * B);
  if (!m.inside) { return; }
  let a = m.column / B;
  let b = m.column % B;
  var sum = 0.0;
  for (var e = ptr[m.row]; e < ptr[m.row + 1]; e++) { sum = fma(first[e * A + a], second[e * B + b], sum); }
  out[m.number] = sum;
}

@compute @workgroup_size(64)
fn segment_apply(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let A = p.ints[0].y;
  let B = p.ints[0].w;
  let m = elementOf(id, groups, p.ints[0].x, B);
  if (!m.inside) { return; }
  let s = segmentOf(m.row, p.ints[0].z);
  var sum = 0.0;
  if (s >= 0) {
    for (var a = 0; a < A; a++) { sum = fma(first[m.row * A + a], second[(s * A + a) * B + m.column], sum); }
  }
  out[m.number] = sum;
}

// segment_apply_t has one more input, which may be absent.
@group(0) @binding(3) var<storage, read> addend: array<f32>;
@group(0) @binding(4) var<storage, read_write> resultWithAddend: array<f32>;
@group(0) @binding(5) var<uniform> q: Parameters;

@compute @workgroup_size(64)
fn segment_apply_t(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let B = q.ints[0].y;
  let A = q.ints[0].w;
  let m = elementOf(id, groups, q.ints[0].x, A);
  if (!m.inside) { return; }
  let s = segmentOf(m.row, q.ints[0].z);
  var sum = 0.0;
  if (s >= 0) {
    for (var b = 0; b < B; b++) { sum = fma(first[m.row * B + b], second[(s * A + m.column) * B + b], sum); }
  }
  if ((q.ints[17].w & 8) == 0) { sum += addend[m.number]; }
  resultWithAddend[m.number] = sum;
}
