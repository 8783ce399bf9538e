// neighbourCandidates: atoms and images that may be neighbours of a centre: |r_l + X a + Y b + Z c - r_k|^2 <= limit.
//
// Layout: candidate-arrays.ts. An invocation per centre looks through the grid cells of its window, a run of cells in one image
// at a time; a frame without a grid is one cell. Which cells those are is whole numbers alone, decided by the host in f64. Two
// passes of the same code: without `ptr` the candidates are counted, with it they are written, so that nothing depends on the
// order in which invocations run. Distances are in the frame's unit, about the frame's middle; `limit` is far enough out that no
// neighbour is missed however WGSL rounds, fuses and reorders what stands here (src/geometry/candidate-arrays.ts proves it).
// Bound: the candidates read, 16 bytes each, which neighbours in memory share. Software adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> place: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> window: array<i32>;
@group(0) @binding(2) var<storage, read> cellPtr: array<i32>;
@group(0) @binding(3) var<storage, read> frame: array<f32>;
@group(0) @binding(4) var<storage, read> plan: array<i32>;
@group(0) @binding(5) var<storage, read> ptr: array<i32>;
@group(0) @binding(6) var<storage, read_write> found: array<i32>;
@group(0) @binding(7) var<uniform> p: Parameters;

fn floorDiv(a: i32, n: i32) -> i32 {
  if (a >= 0) { return a / n; }
  return -((n - 1 - a) / n);
}

fn threeOf(at: i32) -> vec3<i32> { return vec3<i32>(window[at], window[at + 1], window[at + 2]); }
fn planOf(at: i32) -> vec3<i32> { return vec3<i32>(plan[at], plan[at + 1], plan[at + 2]); }
fn vectorOf(at: i32) -> vec3<f32> { return vec3<f32>(frame[at], frame[at + 1], frame[at + 2]); }

@compute @workgroup_size(64)
fn neighbourCandidates(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let m = i32(id.x + id.y * groups.x * 64u);
  if (m >= p.ints[1].x) { return; }
  let counting = (p.ints[17].w & 32) != 0;
  let k = p.ints[1].z + m;
  let least = threeOf(7 * k);
  let most = threeOf(7 * k + 3);
  let f = window[7 * k + 6];
  let n = planOf(7 * f);
  let firstCell = plan[7 * f + 3];
  let farthest = planOf(7 * f + 4);
  let images = 2 * farthest + 1;
  let home = (farthest.x * images.y + farthest.y) * images.z + farthest.z;
  let a = vectorOf(10 * f);
  let b = vectorOf(10 * f + 3);
  let c = vectorOf(10 * f + 6);
  let limit = frame[10 * f + 9];
  let centre = place[k].xyz;
  var at = 0;
  if (!counting) { at = ptr[m]; }
  for (var X = least.x; X <= most.x; X++) {
    let x = floorDiv(X, n.x);
    for (var Y = least.y; Y <= most.y; Y++) {
      let y = floorDiv(Y, n.y);
      let row = firstCell + ((X - x * n.x) * n.y + (Y - y * n.y)) * n.z;
      for (var Z = least.z; Z <= most.z;) {
        let z = floorDiv(Z, n.z);
        let last = min((z + 1) * n.z - 1, most.z);
        let end = cellPtr[row + last - z * n.z + 1];
        let image = home + (x * images.y + y) * images.z + z;
        let moved = f32(x) * a + f32(y) * b + f32(z) * c - centre;
        for (var l = cellPtr[row + Z - z * n.z]; l < end; l++) {
          let d = place[l].xyz + moved;
          if (d.x * d.x + d.y * d.y + d.z * d.z > limit || (l == k && image == home)) { continue; }
          if (!counting) {
            found[2 * at] = l;
            found[2 * at + 1] = image;
          }
          at++;
        }
        Z = last + 1;
      }
    }
  }
  if (counting) { found[m] = at; }
}
