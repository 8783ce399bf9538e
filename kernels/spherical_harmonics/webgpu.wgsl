// sphericalHarmonics, harmonicsGradient, harmonicsPush, harmonicsPull, unitHarmonics, unitHarmonicsGradient; formulas in cpu.cc.
// An invocation per row computes the constants of the recurrence as it goes. Layout: rows of S = (L+1)^2 numbers. Bound: memory,
// S + 3 numbers a row for values (2 S + 3 for the gradient from values, S + 6 from a direction), for 3 S to 15 S flops. Software
// adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> Y: array<f32>;
@group(0) @binding(2) var<uniform> p: Parameters;

@group(0) @binding(0) var<storage, read> first: array<f32>;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> q: Parameters;

const root2 = 1.4142135623730951;

fn scaleOf(l: f32, normalization: i32) -> f32 {
  if (normalization == 1) { return 1.0 / sqrt(2.0 * l + 1.0); }
  return select(1.0, 0.28209479177387814, normalization == 2);
}

// Factors of the recurrence: next = rise (y q - fall r^2 before).
fn riseOf(l: i32, m: i32) -> f32 { return sqrt(f32(4 * l * l - 1) / f32(l * l - m * m)); }
fn fallOf(l: i32, m: i32) -> f32 {
  if (l == m + 1) { return 0.0; }
  return sqrt(f32((l - 1) * (l - 1) - m * m) / f32(4 * (l - 1) * (l - 1) - 1));
}
fn diagonalOf(m: i32) -> f32 { return sqrt(f32(2 * m + 1) / f32(2 * m)) * select(1.0, root2, m == 1); }

// Writes the row of v from Y[to] on.
fn putHarmonics(v: vec3<f32>, to: i32) {
  let L = p.ints[0].z;
  let square = dot(v, v);
  var A = 1.0;
  var B = 0.0;
  var diagonal = 1.0;
  for (var m = 0; m <= L; m++) {
    if (m > 0) {
      let rise = v.z * A - v.x * B;
      B = v.z * B + v.x * A;
      A = rise;
      diagonal *= diagonalOf(m);
    }
    var before = 0.0;
    var value = diagonal;
    for (var l = m; l <= L; l++) {
      if (l > m) {
        let next = riseOf(l, m) * (v.y * value - fallOf(l, m) * square * before);
        before = value;
        value = next;
      }
      let scaled = value * scaleOf(f32(l), p.ints[0].w);
      Y[to + l * l + l + m] = scaled * A;
      if (m > 0) { Y[to + l * l + l - m] = scaled * B; }
    }
  }
}

@compute @workgroup_size(64)
fn sphericalHarmonics(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = i32(id.x + id.y * groups.x * 64u);
  if (e >= p.ints[0].x) { return; }
  putHarmonics(vec3<f32>(x[3 * e], x[3 * e + 1], x[3 * e + 2]), e * p.ints[0].y);
}

// 1 / |v|; 0 at the zero vector (op.ts says what counts as one).
fn inverseLength(v: vec3<f32>) -> f32 {
  let square = dot(v, v);
  if (square > 1.1754944e-38) { return 1.0 / sqrt(square); }
  return 0.0;
}

@compute @workgroup_size(64)
fn unitHarmonics(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = i32(id.x + id.y * groups.x * 64u);
  if (e >= p.ints[0].x) { return; }
  let v = vec3<f32>(x[3 * e], x[3 * e + 1], x[3 * e + 2]);
  putHarmonics(v * inverseLength(v), e * p.ints[0].y);
}

// first: g [E,S]; y: the vectors [E,3]. What is left of h = g . grad Y at n when the length does not matter, (h - n (n . h)) / |x|.
// With Y_lm = q_lm A_m, where A + i B = (z + i x)^m, q depends on y and on the length, whose part is left out.
@compute @workgroup_size(64)
fn unitHarmonicsGradient(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = i32(id.x + id.y * groups.x * 64u);
  if (e >= q.ints[0].x) { return; }
  let L = q.ints[0].z;
  let row = e * q.ints[0].y;
  let v = vec3<f32>(y[3 * e], y[3 * e + 1], y[3 * e + 2]);
  let inverse = inverseLength(v);
  let n = v * inverse;
  let square = dot(n, n);
  var h = vec3<f32>();
  var A = 1.0;
  var B = 0.0;
  var diagonal = 1.0;
  for (var m = 0; m <= L; m++) {
    // derivatives of A and B of this order, in z
    let lowA = f32(m) * A;
    let lowB = f32(m) * B;
    if (m > 0) {
      let rise = n.z * A - n.x * B;
      B = n.z * B + n.x * A;
      A = rise;
      diagonal *= diagonalOf(m);
    }
    var before = 0.0;
    var value = diagonal;
    var slopeBefore = 0.0;
    var slope = 0.0;
    for (var l = m; l <= L; l++) {
      if (l > m) {
        let rise = riseOf(l, m);
        let fall = fallOf(l, m) * square;
        let next = rise * (n.y * value - fall * before);
        let slopeNext = rise * (value + n.y * slope - fall * slopeBefore);
        before = value;
        value = next;
        slopeBefore = slope;
        slope = slopeNext;
      }
      let scale = scaleOf(f32(l), q.ints[0].w);
      let a = scale * first[row + l * l + l + m];
      var b = 0.0;
      if (m > 0) { b = scale * first[row + l * l + l - m]; }
      h += vec3<f32>(value * (b * lowA - a * lowB), slope * (a * A + b * B), value * (a * lowA + b * lowB));
    }
  }
  h = (h - n * dot(n, h)) * inverse;
  for (var k = 0; k < 3; k++) { out[3 * e + k] = h[k]; }
}

// The numbers of the derivative of degree l, order m >= 0.
struct Step { polar: f32, a: f32, upper: f32, b: f32 }
fn stepOf(l: i32, m: i32) -> Step {
  let s = select(sqrt(f32(2 * l + 1) / f32(2 * l - 1)), 1.0, q.ints[0].w == 1);
  let a = 0.5 * s * sqrt(f32((l + m) * max(l + m - 1, 0)));
  let b = 0.5 * s * sqrt(f32((l - m) * max(l - m - 1, 0)));
  return Step(s * sqrt(f32(l * l - m * m)), a, select(a, root2 * a, m == 1), select(b, root2 * b, m == 0));
}

// y of degree l, order m in row e; 0 where there is none.
fn at(e: i32, l: i32, m: i32) -> f32 {
  if (abs(m) > l) { return 0.0; }
  return y[e * q.ints[0].y + l * l + l + m];
}

// D_k y in the rows (l, m) and (l, -m), k = x, y, z.
struct Change { plus: vec3<f32>, minus: vec3<f32> }
fn changeOf(e: i32, l: i32, m: i32) -> Change {
  let s = stepOf(l, m);
  let b = l - 1;
  if (m == 0) {
    let down = vec3<f32>(-s.b * at(e, b, -1), s.polar * at(e, b, 0), -s.b * at(e, b, 1));
    return Change(down, vec3<f32>());
  }
  let across = select(0.0, s.a * at(e, b, 1 - m), m > 1);
  let lower = s.upper * at(e, b, m - 1);
  return Change(vec3<f32>(-across - s.b * at(e, b, -m - 1), s.polar * at(e, b, m), lower - s.b * at(e, b, m + 1)),
                vec3<f32>(lower + s.b * at(e, b, m + 1), s.polar * at(e, b, -m), across - s.b * at(e, b, -m - 1)));
}

// first: g [E,S]
@compute @workgroup_size(64)
fn harmonicsGradient(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = i32(id.x + id.y * groups.x * 64u);
  if (e >= q.ints[0].x) { return; }
  var sum = vec3<f32>();
  for (var l = 1; l <= q.ints[0].z; l++) {
    let row = e * q.ints[0].y + l * l + l;
    for (var m = 0; m <= l; m++) {
      let change = changeOf(e, l, m);
      sum += first[row + m] * change.plus + first[row - m] * change.minus;
    }
  }
  for (var k = 0; k < 3; k++) { out[3 * e + k] = sum[k]; }
}

// first: w [E,3]
@compute @workgroup_size(64)
fn harmonicsPush(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = i32(id.x + id.y * groups.x * 64u);
  if (e >= q.ints[0].x) { return; }
  let w = vec3<f32>(first[3 * e], first[3 * e + 1], first[3 * e + 2]);
  out[e * q.ints[0].y] = 0.0;
  for (var l = 1; l <= q.ints[0].z; l++) {
    let row = e * q.ints[0].y + l * l + l;
    for (var m = 0; m <= l; m++) {
      let change = changeOf(e, l, m);
      if (m > 0) { out[row - m] = dot(w, change.minus); }
      out[row + m] = dot(w, change.plus);
    }
  }
}

// first: w [E,3]; y: what is pulled back. Degree l takes from degree l + 1.
@compute @workgroup_size(64)
fn harmonicsPull(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = i32(id.x + id.y * groups.x * 64u);
  if (e >= q.ints[0].x) { return; }
  let L = q.ints[0].z;
  let w = vec3<f32>(first[3 * e], first[3 * e + 1], first[3 * e + 2]);
  for (var l = 0; l <= L; l++) {
    let to = e * q.ints[0].y + l * l + l;
    for (var m = 0; m <= l; m++) {
      var plus = 0.0;
      var minus = 0.0;
      if (l < L) {
        let above = stepOf(l + 1, m + 1);
        let polar = w.y * stepOf(l + 1, m).polar;
        plus = polar * at(e, l + 1, m) + above.upper * (w.z * at(e, l + 1, m + 1) + w.x * at(e, l + 1, -m - 1));
        minus = polar * at(e, l + 1, -m) + above.a * (w.z * at(e, l + 1, -m - 1) - w.x * at(e, l + 1, m + 1));
        if (m == 1) {
          let b = stepOf(l + 1, 0).b * at(e, l + 1, 0);
          plus -= b * w.z;
          minus -= b * w.x;
        } else if (m > 1) {
          let b = stepOf(l + 1, m - 1).b;
          plus -= b * (w.z * at(e, l + 1, m - 1) - w.x * at(e, l + 1, 1 - m));
          minus -= b * (w.x * at(e, l + 1, m - 1) + w.z * at(e, l + 1, 1 - m));
        }
      }
      if (m > 0) { out[to - m] = minus; }
      out[to + m] = plus;
    }
  }
}
