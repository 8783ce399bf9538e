// out = f(alpha op(a) op(b) + bias) + residual. A workgroup makes a tile of 32 x 32 elements from strips of 16 k's that its 64
// invocations load together; each keeps 4 x 4 sums, a step of 8 apart, in the order of k.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<uniform> p: Parameters;

const tile = 32;
const strip = 16;
var<workgroup> aStrip: array<f32, 512>;  // [k][row]
var<workgroup> bStrip: array<f32, 512>;  // [k][column]

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
  let y = lane / 8;
  let x = lane % 8;
  var sums: array<array<f32, 4>, 4>;
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
    workgroupBarrier();
    for (var k = 0; k < strip; k++) {
      let bs = vec4<f32>(bStrip[k * tile + x], bStrip[k * tile + x + 8], bStrip[k * tile + x + 16], bStrip[k * tile + x + 24]);
      for (var i = 0; i < 4; i++) {
        let value = aStrip[k * tile + y + 8 * i];
        for (var j = 0; j < 4; j++) { sums[i][j] = fma(value, bs[j], sums[i][j]); }
      }
    }
    workgroupBarrier();
  }
  let absent = word(71);
  for (var i = 0; i < 4; i++) {
    for (var j = 0; j < 4; j++) {
      let row = row0 + y + 8 * i;
      let column = column0 + x + 8 * j;
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
