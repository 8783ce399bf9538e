// A tile of 32 x 32 elements of a product, made by the 64 invocations of a workgroup from strips of 16 k's that they load
// together; each keeps 4 x 4 sums, a step of 8 apart, in the order of k.
const tile = 32;
const strip = 16;
var<workgroup> aStrip: array<f32, 512>;  // [k][row]
var<workgroup> bStrip: array<f32, 512>;  // [k][column]
alias Sums = array<array<f32, 4>, 4>;

// Adds the products of the strips, once all invocations have written their share.
fn addStrips(sums: ptr<function, Sums>, lane: i32) {
  let y = lane / 8;
  let x = lane % 8;
  workgroupBarrier();
  for (var k = 0; k < strip; k++) {
    let bs = vec4<f32>(bStrip[k * tile + x], bStrip[k * tile + x + 8], bStrip[k * tile + x + 16], bStrip[k * tile + x + 24]);
    for (var i = 0; i < 4; i++) {
      let value = aStrip[k * tile + y + 8 * i];
      for (var j = 0; j < 4; j++) { (*sums)[i][j] = fma(value, bs[j], (*sums)[i][j]); }
    }
  }
  workgroupBarrier();
}

// Row and column of an invocation's sum (i, j).
fn placeOf(lane: i32, i: i32, j: i32) -> vec2<i32> { return vec2<i32>(lane / 8 + 8 * i, lane % 8 + 8 * j); }
