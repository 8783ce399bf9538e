// tensorProduct and its three partial derivatives; formulas in cpu.cc, plan in plan.ts. An invocation owns one number of the
// result: it walks the edges of its row in order and the paths that reach it. Weights shared by all edges have a workgroup of 64
// each, whose invocations take every 64th edge and join in a fixed tree. The coefficients are read from the plan, behind its last
// table, as their bits: eight buffers are all that can be bound. Layout: rows of entries as e3nn has them. Bound: arithmetic;
// every number of a row reads the terms of its paths again, from the cache. Software adapter only: no timing claimed.
#include "../segment/rows.wgsl"
@group(0) @binding(0) var<storage, read> first: array<f32>;
@group(0) @binding(1) var<storage, read> second: array<f32>;
@group(0) @binding(2) var<storage, read> third: array<f32>;
@group(0) @binding(3) var<storage, read> plan: array<i32>;

// tensorProduct: sources, edges by target; tensorProductX: edges by source, targets
@group(0) @binding(4) var<storage, read> source: array<i32>;
@group(0) @binding(5) var<storage, read> targetOrder: array<i32>;
@group(0) @binding(6) var<storage, read> targetPtr: array<i32>;
@group(0) @binding(4) var<storage, read> sourceOrder: array<i32>;
@group(0) @binding(5) var<storage, read> sourcePtr: array<i32>;
@group(0) @binding(6) var<storage, read> ends: array<i32>;
@group(0) @binding(7) var<storage, read_write> sums: array<f32>;
@group(0) @binding(8) var<uniform> p: Parameters;

// tensorProductY, tensorProductW: sources, targets
@group(0) @binding(5) var<storage, read> goal: array<i32>;
@group(0) @binding(6) var<storage, read_write> rows: array<f32>;
@group(0) @binding(7) var<uniform> q: Parameters;

// Pairs of copies that meet, and the copy of the output a pair adds to (dense: all, by a matrix of weights).
const diagonal = 1;
const upper = 2;
const toFirst = 0;
const toSecond = 1;
const toPair = 2;
const dense = 4;

struct Path { pairs: i32, goal: i32, weights: i32, mul: vec3<i32>, dim: vec3<i32>, offset: vec3<i32>, first: i32, count: i32 }

fn pathOf(n: i32) -> Path {
  let at = 8 + 4 * (plan[1] + plan[2]) + 16 * n;
  return Path(plan[at], plan[at + 1], plan[at + 2], vec3<i32>(plan[at + 3], plan[at + 4], plan[at + 5]),
              vec3<i32>(plan[at + 6], plan[at + 7], plan[at + 8]), vec3<i32>(plan[at + 9], plan[at + 10], plan[at + 11]),
              plan[at + 12], plan[at + 13]);
}

struct Term { i: i32, j: i32, k: i32, value: f32 }
fn termOf(n: i32) -> Term {
  let triples = 8 + 4 * (plan[1] + plan[2]) + 16 * plan[0];
  let at = triples + 3 * n;
  return Term(plan[at], plan[at + 1], plan[at + 2], bitcast<f32>(plan[triples + 3 * plan[5] + n]));
}

// Copies of the second input that copy u of the first meets: from x to before y.
fn partners(m: Path, u: i32) -> vec2<i32> {
  if (m.pairs == diagonal) { return vec2<i32>(u, u + 1); }
  return vec2<i32>(select(0, u + 1, m.pairs == upper), m.mul.y);
}

// The number of a pair in the order of the weights.
fn numberOf(m: Path, u: i32, v: i32) -> i32 {
  if (m.pairs == diagonal) { return u; }
  return u * m.mul.y + v - select(0, (u + 1) * (u + 2) / 2, m.pairs == upper);
}

fn targetOf(m: Path, u: i32, v: i32) -> i32 {
  if (m.goal == toFirst) { return u; }
  if (m.goal == toSecond) { return v; }
  return select(0, numberOf(m, u, v), m.goal == toPair);
}

// Whether component c of a row lies in the path's entry of operand `side`, and where: (copy, component).
struct Place { inside: bool, copy: i32, component: i32 }
fn placeOf(m: Path, side: i32, c: i32) -> Place {
  let k = c - m.offset[side];
  let d = max(m.dim[side], 1);
  return Place(k >= 0 && k < m.mul[side] * m.dim[side], k / d, k % d);
}

// Partners of u that add to copy t of the output.
fn partnersTo(m: Path, u: i32, t: i32) -> vec2<i32> {
  let all = partners(m, u);
  if (m.goal == toSecond) { return vec2<i32>(max(all.x, t), min(all.y, t + 1)); }
  if (m.goal == toPair) {
    let v = all.x + t - numberOf(m, u, all.x);
    return vec2<i32>(max(all.x, v), min(all.y, v + 1));
  }
  return select(all, vec2<i32>(0, 0), m.goal != dense && m.goal != toFirst && t != 0);
}

// first: x, second: y, third: w
fn outputOf(m: Path, t: i32, k: i32, x: i32, y: i32, w: i32) -> f32 {
  var sum = 0.0;
  let uBegin = select(0, t, m.goal == toFirst);
  let uEnd = select(m.mul.x, t + 1, m.goal == toFirst);
  for (var u = uBegin; u < uEnd; u++) {
    let vs = partnersTo(m, u, t);
    for (var v = vs.x; v < vs.y; v++) {
      var pair = 0.0;
      for (var n = m.first; n < m.first + m.count; n++) {
        let term = termOf(n);
        if (term.k == k) {
          pair += term.value * first[x + m.offset.x + u * m.dim.x + term.i] * second[y + m.offset.y + v * m.dim.y + term.j];
        }
      }
      let number = numberOf(m, u, v);
      if (m.goal == dense) { pair *= third[w + m.weights + number * m.mul.z + t]; }
      else if (m.weights >= 0) { pair *= third[w + m.weights + number]; }
      sum += pair;
    }
  }
  return sum;
}

@compute @workgroup_size(64)
fn tensorProduct(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = elementOf(id, groups, p.ints[2].z, p.ints[2].w);
  if (!at.inside) { return; }
  let absent = p.ints[17].w;
  var begin = at.row;
  var end = at.row + 1;
  if ((absent & 0x400) == 0) {
    begin = targetPtr[at.row];
    end = targetPtr[at.row + 1];
  }
  var sum = 0.0;
  for (var position = begin; position < end; position++) {
    var e = position;
    if ((absent & 0x200) == 0) { e = targetOrder[position]; }
    var node = e;
    if ((absent & 0x20) == 0) { node = source[e]; }
    if (node < 0) { continue; }
    let w = select(e * p.ints[1].y, 0, p.ints[1].x == 1);
    for (var n = 0; n < plan[0]; n++) {
      let m = pathOf(n);
      let place = placeOf(m, 2, at.column);
      if (place.inside) { sum += outputOf(m, place.copy, place.component, node * p.ints[0].y, e * p.ints[0].w, w); }
    }
  }
  sums[at.number] = sum;
}

// What the pair (u, v) meets in component k of the output, weights included; g at `third` + g, w at `second` + w.
fn answerOf(m: Path, u: i32, v: i32, k: i32, w: i32, g: i32) -> f32 {
  let number = numberOf(m, u, v);
  let at = g + m.offset.z + k;
  if (m.goal == dense) {
    var sum = 0.0;
    for (var t = 0; t < m.mul.z; t++) { sum += second[w + m.weights + number * m.mul.z + t] * third[at + t * m.dim.z]; }
    return sum;
  }
  let answer = third[at + targetOf(m, u, v) * m.dim.z];
  if (m.weights < 0) { return answer; }
  return answer * second[w + m.weights + number];
}

// first: y, second: w, third: g
@compute @workgroup_size(64)
fn tensorProductX(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = elementOf(id, groups, p.ints[2].y, p.ints[2].w);
  if (!at.inside) { return; }
  let absent = p.ints[17].w;
  var begin = at.row;
  var end = at.row + 1;
  if ((absent & 0x80) == 0) {
    begin = sourcePtr[at.row];
    end = sourcePtr[at.row + 1];
  }
  var sum = 0.0;
  for (var position = begin; position < end; position++) {
    var e = position;
    if ((absent & 0x40) == 0) { e = sourceOrder[position]; }
    var to = e;
    if ((absent & 0x100) == 0) { to = ends[e]; }
    if (to < 0) { continue; }
    let y = e * p.ints[0].y;
    let w = select(e * p.ints[0].w, 0, p.ints[0].z == 1);
    for (var n = 0; n < plan[0]; n++) {
      let m = pathOf(n);
      let place = placeOf(m, 0, at.column);
      if (!place.inside) { continue; }
      let vs = partners(m, place.copy);
      for (var v = vs.x; v < vs.y; v++) {
        for (var k = m.first; k < m.first + m.count; k++) {
          let term = termOf(k);
          if (term.i != place.component) { continue; }
          let answer = answerOf(m, place.copy, v, term.k, w, to * p.ints[1].y);
          sum += term.value * first[y + m.offset.y + v * m.dim.y + term.j] * answer;
        }
      }
    }
  }
  sums[at.number] = sum;
}

// Rows of the first input and of the output that edge e leads from and to; negative: nowhere.
fn endsOf(e: i32) -> vec2<i32> {
  var found = vec2<i32>(e, e);
  if ((q.ints[17].w & 0x20) == 0) { found.x = source[e]; }
  if ((q.ints[17].w & 0x100) == 0) { found.y = goal[e]; }
  return found;
}

// first: x, second: w, third: g
@compute @workgroup_size(64)
fn tensorProductY(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let to = elementOf(id, groups, q.ints[2].x, q.ints[2].w);
  if (!to.inside) { return; }
  let e = to.row;
  let at = endsOf(e);
  let w = select(e * q.ints[0].w, 0, q.ints[0].z == 1);
  var sum = 0.0;
  if (at.x >= 0 && at.y >= 0) {
    for (var n = 0; n < plan[0]; n++) {
      let m = pathOf(n);
      let place = placeOf(m, 1, to.column);
      if (!place.inside) { continue; }
      let v = place.copy;
      for (var u = 0; u < m.mul.x; u++) {
        let vs = partners(m, u);
        if (v < vs.x || v >= vs.y) { continue; }
        for (var k = m.first; k < m.first + m.count; k++) {
          let term = termOf(k);
          if (term.j != place.component) { continue; }
          let answer = answerOf(m, u, v, term.k, w, at.y * q.ints[1].y);
          sum += term.value * first[at.x * q.ints[0].y + m.offset.x + u * m.dim.x + term.i] * answer;
        }
      }
    }
  }
  rows[to.number] = sum;
}

fn pairsOf(m: Path) -> i32 {
  if (m.pairs == diagonal) { return m.mul.x; }
  if (m.pairs != upper) { return m.mul.x * m.mul.y; }
  let met = min(m.mul.x, m.mul.y);
  return met * (m.mul.y - 1) - met * (met - 1) / 2;
}

fn firstCopyOf(m: Path, number: i32) -> i32 {
  if (m.pairs == diagonal) { return number; }
  if (m.pairs != upper) { return number / max(m.mul.y, 1); }
  var u = 0;
  while (numberOf(m, u + 1, u + 2) <= number) { u++; }
  return u;
}

// The derivative in weight c of edge e. first: x, second: y, third: g
fn weightSlope(c: i32, e: i32) -> f32 {
  let at = endsOf(e);
  var sum = 0.0;
  if (at.x < 0 || at.y < 0) { return sum; }
  for (var n = 0; n < plan[0]; n++) {
    let m = pathOf(n);
    let copies = select(1, m.mul.z, m.goal == dense);
    let k = c - m.weights;
    if (m.weights < 0 || k < 0 || k >= pairsOf(m) * copies) { continue; }
    let number = k / copies;
    let u = firstCopyOf(m, number);
    let v = partners(m, u).x + number - numberOf(m, u, partners(m, u).x);
    let t = select(targetOf(m, u, v), k % copies, m.goal == dense);
    for (var j = m.first; j < m.first + m.count; j++) {
      let term = termOf(j);
      sum += term.value * first[at.x * q.ints[0].y + m.offset.x + u * m.dim.x + term.i]
        * second[e * q.ints[0].w + m.offset.y + v * m.dim.y + term.j]
        * third[at.y * q.ints[1].y + m.offset.z + t * m.dim.z + term.k];
    }
  }
  return sum;
}

var<workgroup> parts: array<f32, 64>;

@compute @workgroup_size(64)
fn tensorProductW(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
                  @builtin(local_invocation_index) lane: u32) {
  let V = q.ints[2].z;
  let W = q.ints[2].w;
  let E = q.ints[0].z;
  let index = i32(group.x + group.y * groups.x);
  if (V != 1 || E == 1) {
    let k = index * 64 + i32(lane);
    if (k < V * W) { rows[k] = weightSlope(k % W, k / W); }
    return;
  }
  if (index >= W) { return; }
  var sum = 0.0;
  for (var e = i32(lane); e < E; e += 64) { sum += weightSlope(index, e); }
  parts[lane] = sum;
  for (var width = 32u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) { parts[lane] += parts[lane + width]; }
  }
  if (lane == 0u) { rows[index] = parts[0]; }
}
