// ragged_nt, ragged_nn, ragged_tn: C_i = op(A_i) op(B_i) for every centre i. Eight workgroups share the tiles of a centre, 32 x
// 32 elements each, made from strips of 16 k's that the 64 invocations load together; each keeps 4 x 4 sums, a step of 8 apart,
// in the order of k. Eight more behind the last centre clear what belongs to none. Layout: matrices of a centre row-major, one
// after the other (cpu.cc). Bound: 2 H flop a pair. Software adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> first: array<f32>;
@group(0) @binding(1) var<storage, read> second: array<f32>;
@group(0) @binding(2) var<storage, read> ptr: array<i32>;
@group(0) @binding(3) var<storage, read> start: array<i32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<uniform> p: Parameters;

const shares = 8;
const tile = 32;
const strip = 16;
var<workgroup> aStrip: array<f32, 512>;  // [k][row]
var<workgroup> bStrip: array<f32, 512>;  // [k][column]

// op(A)(i, k) = first[a + i aRow + k aColumn], op(B)(k, j) = second[b + k bRow + j bColumn]; C contiguous from out[c].
struct Product { rows: i32, columns: i32, depth: i32, a: i32, aRow: i32, aColumn: i32, b: i32, bRow: i32, bColumn: i32, c: i32 }

fn multiplyTile(m: Product, row0: i32, column0: i32, lane: i32) {
  let y = lane / 8;
  let x = lane % 8;
  var sums: array<array<f32, 4>, 4>;
  for (var k0 = 0; k0 < m.depth; k0 += strip) {
    for (var e = lane; e < tile * strip; e += 64) {
      // Neighbouring invocations read neighbouring elements, whichever way the operand lies.
      let i = select(e % tile, e / strip, m.aColumn == 1);
      let ka = select(e / tile, e % strip, m.aColumn == 1);
      var value = 0.0;
      if (row0 + i < m.rows && k0 + ka < m.depth) { value = first[m.a + (row0 + i) * m.aRow + (k0 + ka) * m.aColumn]; }
      aStrip[ka * tile + i] = value;
      let j = select(e % tile, e / strip, m.bRow == 1);
      let kb = select(e / tile, e % strip, m.bRow == 1);
      value = 0.0;
      if (column0 + j < m.columns && k0 + kb < m.depth) { value = second[m.b + (k0 + kb) * m.bRow + (column0 + j) * m.bColumn]; }
      bStrip[kb * tile + j] = value;
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
  for (var i = 0; i < 4; i++) {
    for (var j = 0; j < 4; j++) {
      let row = row0 + y + 8 * i;
      let column = column0 + x + 8 * j;
      if (row < m.rows && column < m.columns) { out[m.c + row * m.columns + column] = sums[i][j]; }
    }
  }
}

fn multiply(m: Product, share: i32, lane: i32) {
  let across = (m.columns + tile - 1) / tile;
  let tiles = across * ((m.rows + tile - 1) / tile);
  for (var t = share; t < tiles; t += shares) { multiplyTile(m, t / across * tile, t % across * tile, lane); }
}

fn clear(begin: i32, end: i32, share: i32, lane: i32) {
  for (var k = begin + share * 64 + lane; k < end; k += 64 * shares) { out[k] = 0.0; }
}

@compute @workgroup_size(64)
fn ragged_nt(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = i32(group.x + group.y * groups.x);
  let H = p.ints[0].y;
  let N = p.ints[0].z;
  let i = index / shares;
  let share = index % shares;
  if (i > N) { return; }
  if (i == N) {
    clear(start[N], p.ints[0].w, share, i32(lane));
    return;
  }
  let n = ptr[i + 1] - ptr[i];
  multiply(Product(n, n, H, ptr[i] * H, H, 1, ptr[i] * H, 1, H, start[i]), share, i32(lane));
  clear(start[i] + n * n, start[i + 1], share, i32(lane));
}

fn timesRows(index: i32, transposed: bool, lane: i32) {
  let H = p.ints[0].z;
  let N = p.ints[0].w;
  let i = index / shares;
  let share = index % shares;
  if (i > N) { return; }
  if (i == N) {
    clear(ptr[N] * H, p.ints[0].y * H, share, lane);
    return;
  }
  let n = ptr[i + 1] - ptr[i];
  multiply(Product(n, H, n, start[i], select(n, 1, transposed), select(1, n, transposed), ptr[i] * H, H, 1, ptr[i] * H), share, lane);
}

@compute @workgroup_size(64)
fn ragged_nn(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  timesRows(i32(group.x + group.y * groups.x), false, i32(lane));
}

@compute @workgroup_size(64)
fn ragged_tn(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  timesRows(i32(group.x + group.y * groups.x), true, i32(lane));
}
