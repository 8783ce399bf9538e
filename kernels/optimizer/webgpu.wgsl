// Adam, AdamW and SGD with momentum, one parameter an invocation, in place. Formulas in cpu.cc. Layout: flat arrays. Bound:
// memory, 7 (Adam) or 5 (SGD) numbers a parameter. Software adapter only: no timing claimed.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(0) var<storage, read_write> param: array<f32>;
@group(0) @binding(1) var<storage, read> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> m: array<f32>;
@group(0) @binding(3) var<storage, read_write> v: array<f32>;
@group(0) @binding(4) var<uniform> p: Parameters;
@group(0) @binding(3) var<uniform> q: Parameters;

@compute @workgroup_size(64)
fn adamUpdate(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  if (k >= p.ints[0].x) { return; }
  let rate = p.reals[0].x;
  let beta1 = p.reals[0].y;
  let beta2 = p.reals[0].z;
  let decay = p.reals[1].x;
  var x = param[k];
  var g = grad[k] * p.reals[1].w;
  if (p.ints[0].y != 0) { x -= rate * decay * x; } else { g += decay * x; }
  let first = beta1 * m[k] + p.reals[2].x * g;
  let second = beta2 * v[k] + p.reals[2].y * g * g;
  m[k] = first;
  v[k] = second;
  param[k] = x - rate / p.reals[1].y * (first / (sqrt(second) / sqrt(p.reals[1].z) + p.reals[0].w));
}

@compute @workgroup_size(64)
fn sgdUpdate(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = i32(id.x + id.y * groups.x * 64u);
  if (k >= q.ints[0].x) { return; }
  let momentum = q.reals[0].y;
  let g = grad[k] * q.reals[1].x + q.reals[0].w * param[k];
  var u = g;
  if (q.ints[0].z == 0) { u = momentum * m[k] + (1.0 - q.reals[0].z) * g; }
  m[k] = u;
  var direction = u;
  if (momentum == 0.0) { direction = g; } else if (q.ints[0].y != 0) { direction = g + momentum * u; }
  param[k] -= q.reals[0].x * direction;
}
