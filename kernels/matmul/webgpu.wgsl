// out = f(alpha op(a) op(b) + bias) + residual; matmul_joined: [a | b | c] w^T + residual. A workgroup per tile (tile.wgsl).
// Layout: row-major; op is nothing or the transpose, read in place. Bound: 2 M N K flop a product; below K ~ 30 the traffic of A
// and C. Software adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<uniform> p: Parameters;

@group(0) @binding(2) var<storage, read> c: array<f32>;
@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read> addend: array<f32>;
@group(0) @binding(5) var<storage, read_write> joined: array<f32>;
@group(0) @binding(6) var<uniform> r: Parameters;

#include "tile.wgsl"

fn word(k: i32) -> i32 { return p.ints[k / 4][k % 4]; }

// Where the operands of one product start, their rows as stored, and the sizes behind them (integers from `rest` on).
struct Product { a: i32, b: i32, out: i32, aColumns: i32, bColumns: i32, depth: i32, rest: i32 }

fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(-x)); }
fn safeTanh(x: f32) -> f32 { return tanh(clamp(x, -20.0, 20.0)); }

fn activate(x: f32, kind: i32) -> f32 {
  switch (kind) {
    case 1: { return safeTanh(x); }
    case 2: { return max(x, 0.0); }
    case 3: { return 0.5 * x * (1.0 + safeTanh(0.7978845608028654 * (x + 0.044715 * x * x * x))); }
    case 4: { return x * sigmoid(x); }
    case 5: { return max(x, 0.0) + log(1.0 + exp(-abs(x))); }
    case 6: { return sigmoid(x); }
    case 7: { return min(max(x, 0.0), 6.0); }
    default: { return x; }
  }
}

fn multiply(m: Product, row0: i32, column0: i32, lane: i32) {
  let M = word(m.rest);
  let N = word(m.rest + 1);
  let transposeA = word(m.rest + 2) == 1;
  let transposeB = word(m.rest + 3) == 1;
  var sums = Sums();
  for (var k0 = 0; k0 < m.depth; k0 += strip) {
    for (var e = lane; e < tile * strip; e += 64) {
      // Neighbouring invocations read neighbouring elements, whichever way the operand lies.
      let ka = k0 + select(e % strip, e / tile, transposeA);
      let i = select(e / strip, e % tile, transposeA);
      var value = 0.0;
      if (row0 + i < M && ka < m.depth) {
        value = a[m.a + select((row0 + i) * m.aColumns + ka, ka * m.aColumns + row0 + i, transposeA)];
      }
      aStrip[(ka - k0) * tile + i] = value;
      let kb = k0 + select(e / tile, e % strip, transposeB);
      let j = select(e % tile, e / strip, transposeB);
      value = 0.0;
      if (column0 + j < N && kb < m.depth) {
        value = b[m.b + select(kb * m.bColumns + column0 + j, (column0 + j) * m.bColumns + kb, transposeB)];
      }
      bStrip[(kb - k0) * tile + j] = value;
    }
    addStrips(&sums, lane);
  }
  let absent = word(71);
  for (var i = 0; i < 4; i++) {
    for (var j = 0; j < 4; j++) {
      let row = row0 + placeOf(lane, i, j).x;
      let column = column0 + placeOf(lane, i, j).y;
      if (row >= M || column >= N) { continue; }
      var value = p.reals[0].x * sums[i][j];
      if ((absent & 4) == 0) { value += bias[column]; }
      value = activate(value, word(m.rest + 4));
      let at = m.out + row * N + column;
      if ((absent & 8) == 0) { value += residual[at]; }
      out[at] = value;
    }
  }
}

@compute @workgroup_size(64)
fn matmul(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = i32(group.x + group.y * groups.x);
  let columns = (word(8) + tile - 1) / tile;
  let rows = (word(7) + tile - 1) / tile;
  if (index >= rows * columns) { return; }
  let m = Product(0, 0, 0, word(1), word(3), select(word(1), word(0), word(9) == 1), 7);
  multiply(m, index / columns * tile, index % columns * tile, i32(lane));
}

@compute @workgroup_size(64)
fn matmul_batched(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = i32(group.x + group.y * groups.x);
  let columns = (word(12) + tile - 1) / tile;
  let rows = (word(11) + tile - 1) / tile;
  if (index >= rows * columns * word(10)) { return; }
  let q = index / (rows * columns);
  let inside = index % (rows * columns);
  let m = Product(
    select(q * word(1) * word(2), 0, word(0) == 1),
    select(q * word(4) * word(5), 0, word(3) == 1),
    q * word(11) * word(12),
    word(2),
    word(5),
    select(word(2), word(1), word(13) == 1),
    11,
  );
  multiply(m, inside / columns * tile, inside % columns * tile, i32(lane));
}

fn partAt(part: i32, k: i32) -> f32 {
  if (part == 0) { return a[k]; }
  if (part == 1) { return b[k]; }
  return c[k];
}

// E H M PH
@compute @workgroup_size(64)
fn matmul_joined(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let E = r.ints[0].x;
  let H = r.ints[0].y;
  let M = r.ints[0].z;
  let lane = i32(index);
  let number = i32(group.x + group.y * groups.x);
  let columns = (M + tile - 1) / tile;
  if (number >= (E + tile - 1) / tile * columns) { return; }
  let row0 = number / columns * tile;
  let column0 = number % columns * tile;
  var sums = Sums();
  for (var first = 0; first < r.ints[0].w; first += H) {
    for (var k0 = 0; k0 < H; k0 += strip) {
      for (var e = lane; e < tile * strip; e += 64) {
        let k = k0 + e % strip;
        let i = e / strip;
        let at = e % strip * tile + i;
        aStrip[at] = 0.0;
        bStrip[at] = 0.0;
        if (k >= H) { continue; }
        if (row0 + i < E) { aStrip[at] = partAt(first / H, (row0 + i) * H + k); }
        if (column0 + i < M) { bStrip[at] = w[(column0 + i) * r.ints[0].w + first + k]; }
      }
      addStrips(&sums, lane);
    }
  }
  for (var i = 0; i < 4; i++) {
    for (var j = 0; j < 4; j++) {
      let row = row0 + placeOf(lane, i, j).x;
      let column = column0 + placeOf(lane, i, j).y;
      if (row >= E || column >= M) { continue; }
      let at = row * M + column;
      var value = sums[i][j];
      if ((r.ints[17].w & 16) == 0) { value += addend[at]; }
      joined[at] = value;
    }
  }
}
