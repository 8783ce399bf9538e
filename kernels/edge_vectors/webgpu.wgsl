// edgeVectors: an invocation per edge finds its centre and frame by bisection. edgePull: an invocation per atom adds the pulls of
// its edges in order, those towards it as a neighbour and those away from it as a centre; formulas in cpu.cc. Layout: rows of
// three numbers, edges sorted by centre. Bound: memory, 10 numbers an edge forward, 7 back. Software adapter only: no timing
// claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> positions: array<f32>;
@group(0) @binding(1) var<storage, read> cells: array<f32>;
@group(0) @binding(2) var<storage, read> shift: array<f32>;
@group(0) @binding(3) var<storage, read> ptr: array<i32>;
@group(0) @binding(4) var<storage, read> edgePtr: array<i32>;
@group(0) @binding(5) var<storage, read> source: array<i32>;
@group(0) @binding(6) var<storage, read_write> vectors: array<f32>;
@group(0) @binding(7) var<uniform> p: Parameters;

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read> centrePtr: array<i32>;
@group(0) @binding(2) var<storage, read> order: array<i32>;
@group(0) @binding(3) var<storage, read> sourcePtr: array<i32>;
@group(0) @binding(4) var<storage, read_write> pulls: array<f32>;
@group(0) @binding(5) var<uniform> q: Parameters;

@compute @workgroup_size(64)
fn edgeVectors(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = i32(id.x + id.y * groups.x * 64u);
  if (e >= p.ints[0].z) { return; }
  var i = 0;
  var last = p.ints[0].x;
  while (last - i > 1) {
    let middle = (i + last) / 2;
    if (ptr[middle] <= e) { i = middle; } else { last = middle; }
  }
  var d = vec3<f32>();
  for (var k = 0; k < 3; k++) { d[k] = positions[3 * source[e] + k] - positions[3 * i + k]; }
  let hasCell = (p.ints[17].w & 2) == 0;
  if (hasCell) {
    var frame = 0;
    last = p.ints[0].y;
    while (last - frame > 1) {
      let middle = (frame + last) / 2;
      if (edgePtr[middle] <= e) { frame = middle; } else { last = middle; }
    }
    for (var a = 0; a < 3; a++) {
      let cell = 9 * frame + 3 * a;
      d += shift[3 * e + a] * vec3<f32>(cells[cell], cells[cell + 1], cells[cell + 2]);
    }
  }
  for (var k = 0; k < 3; k++) { vectors[3 * e + k] = d[k]; }
}

fn pullOf(e: i32) -> vec3<f32> { return vec3<f32>(g[3 * e], g[3 * e + 1], g[3 * e + 2]); }

@compute @workgroup_size(64)
fn edgePull(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = i32(id.x + id.y * groups.x * 64u);
  if (i >= q.ints[0].y) { return; }
  var near = vec3<f32>();
  var far = vec3<f32>();
  for (var e = centrePtr[i]; e < centrePtr[i + 1]; e++) { near += pullOf(e); }
  for (var k = sourcePtr[i]; k < sourcePtr[i + 1]; k++) { far += pullOf(order[k]); }
  for (var k = 0; k < 3; k++) { pulls[3 * i + k] = far[k] - near[k]; }
}
