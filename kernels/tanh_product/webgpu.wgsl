// tanhProductVjp: out[E,K] = (g (1 - y^2))[E,N] w[K,N]^T + residual. Layout: row-major. A workgroup per tile
// (../matmul/tile.wgsl), which forms the slope as it loads it: it is never stored. Bound: 2 E N K flop; below N, K ~ 30 the
// traffic of what has E rows. Software adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<uniform> p: Parameters;

#include "../matmul/tile.wgsl"

@compute @workgroup_size(64)
fn tanhProductVjp(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let E = p.ints[0].x;
  let N = p.ints[0].y;
  let K = p.ints[0].z;
  let lane = i32(index);
  let number = i32(group.x + group.y * groups.x);
  let columns = (K + tile - 1) / tile;
  if (number >= (E + tile - 1) / tile * columns) { return; }
  let row0 = number / columns * tile;
  let column0 = number % columns * tile;
  var sums = Sums();
  for (var n0 = 0; n0 < N; n0 += strip) {
    for (var e = lane; e < tile * strip; e += 64) {
      let n = n0 + e % strip;
      let i = e / strip;
      let at = e % strip * tile + i;
      aStrip[at] = 0.0;
      bStrip[at] = 0.0;
      if (n >= N) { continue; }
      if (row0 + i < E) {
        let value = y[(row0 + i) * N + n];
        aStrip[at] = g[(row0 + i) * N + n] * (1.0 - value * value);
      }
      if (column0 + i < K) { bStrip[at] = w[(column0 + i) * N + n]; }
    }
    addStrips(&sums, lane);
  }
  for (var i = 0; i < 4; i++) {
    for (var j = 0; j < 4; j++) {
      let row = row0 + placeOf(lane, i, j).x;
      let column = column0 + placeOf(lane, i, j).y;
      if (row >= E || column >= K) { continue; }
      let at = row * K + column;
      var value = sums[i][j];
      if ((p.ints[17].w & 8) == 0) { value += residual[at]; }
      out[at] = value;
    }
  }
}
