// Rows of numbers with an invocation for each number. What it is, a sum over [ptr[row], ptr[row + 1]) in this order or a product,
// stands in the shader that includes this.
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }

// `number` is where the element stands among all.
struct Element { row: i32, column: i32, number: i32, inside: bool }

// Of `rows` rows of `width` numbers, by workgroups of 64 that are spread over x and y (groupsOf64).
fn elementOf(id: vec3<u32>, groups: vec3<u32>, rows: i32, width: i32) -> Element {
  let k = i32(id.x + id.y * groups.x * 64u);
  let divisor = max(width, 1);
  return Element(k / divisor, k % divisor, k, k < rows * width);
}
