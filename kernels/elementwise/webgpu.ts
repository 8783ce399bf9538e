import { groupsOf64, type WgslKernel } from "../../src/tensor/backend.js";

/**
 * One invocation per output element; the index is taken apart into the loops and put together with each operand's strides.
 * Bound: memory, (arity + 1) numbers an element. Software adapter only: no timing claimed.
 */
export function elementwiseWgsl(spec: { name: string; args: readonly string[]; wgsl: string }): WgslKernel {
  const arity = spec.args.length;
  const each = (f: (k: number) => string): string => spec.args.map((_, k) => f(k)).join("\n");
  const parameters = spec.args.map((_, k) => `x${k}: f32`).join(", ");
  return {
    code: `
${each((k) => `@group(0) @binding(${k}) var<storage, read> in${k}: array<f32>;`)}
@group(0) @binding(${arity}) var<storage, read_write> out: array<f32>;
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(${arity + 1}) var<uniform> p: Parameters;
fn word(k: i32) -> i32 { return p.ints[k / 4][k % 4]; }
${spec.wgsl.includes("power(") ? power : ""}${/sine\(/.test(spec.wgsl) ? trigonometry : ""}
fn value(${parameters}) -> f32 { ${spec.wgsl} }
@compute @workgroup_size(64)
fn elementwise(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let e = i32(id.x + id.y * groups.x * 64u);
  let rank = word(0);
  var total = 1;
  for (var d = 1; d <= rank; d++) { total *= word(d); }
  if (e >= total) { return; }
  var rest = e;
${each((k) => `  var at${k} = 0;`)}
  for (var d = rank; d >= 1; d--) {
    let i = rest % word(d);
    rest /= word(d);
${each((k) => `    at${k} += i * word(d + ${k + 1} * rank);`)}
  }
  out[e] = value(${spec.args.map((_, k) => `load${k}(at${k})`).join(", ")});
}
${each((k) => `fn load${k}(at: i32) -> f32 { if (((word(${absentWord}) >> ${k}u) & 1) == 1) { return p.reals[${k >> 2}][${k & 3}]; } return in${k}[at]; }`)}`,
    entry: "elementwise",
    groups: (ints) => {
      let total = 1;
      for (let d = 1; d <= ints[0]; d++) total *= ints[d];
      return groupsOf64(total);
    },
  };
}

/** pow for any base, like the CPU's: whole exponents of negative bases have a sign, others give NaN (the root of -1). */
const power = `
fn power(x: f32, p: f32) -> f32 {
  if (p == 0.0) { return 1.0; }
  if (x > 0.0) { return pow(x, p); }
  if (x == 0.0) { return select(0.0, 1.0 / x, p < 0.0); }
  if (floor(p) != p) { return sqrt(x); }
  return select(1.0, -1.0, fract(0.5 * p) != 0.0) * pow(-x, p);
}`;

/**
 * sin and cos to rounding: WGSL's own may be wrong by 2^-11. x less the nearest multiple of pi/2 in three parts (Cody and Waite),
 * whose products are exact, then the polynomial of the quadrant (Moshier's Cephes). Beyond 30,000 WGSL's own, which is no worse.
 */
const trigonometry = `
fn quadrant(x: f32, shift: i32) -> f32 {
  let n = round(x * 0.636619772);
  let r = ((x - n * 1.5703125) - n * 4.837512969970703e-4) - n * 7.549789948768648e-8;
  let z = r * r;
  let s = r + r * z * (-1.6666654611e-1 + z * (8.3321608736e-3 - z * 1.9515295891e-4));
  let c = 1.0 - 0.5 * z + z * z * (4.166664568298827e-2 + z * (-1.388731625493765e-3 + z * 2.443315711809948e-5));
  let q = i32(n) + shift;
  return select(s, c, (q & 1) == 1) * select(1.0, -1.0, (q & 2) == 2);
}
fn sine(x: f32) -> f32 { if (!(abs(x) < 30000.0)) { return sin(x); } return quadrant(x, 0); }
fn cosine(x: f32) -> f32 { if (!(abs(x) < 30000.0)) { return cos(x); } return quadrant(x, 1); }`;

/** The integer whose bits say which inputs are absent: those operands are numbers. */
const absentWord = 71;
