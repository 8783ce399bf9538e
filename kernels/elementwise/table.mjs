// The elementwise operations, each one line of arithmetic. tools/generate.mjs turns a line into C++, CUDA, WGSL and
// TypeScript, and differentiates it twice (tools/elementwise/): a new operation is a new line here and nothing else.
//
// Expressions: numbers, the arguments, + - * /, and the functions of tools/elementwise/functions.mjs. Comparisons give 1 or
// 0 in the type of their arguments; where(m, a, b) is a for m != 0.
// derivative: replaces the symbolic one, per argument; `y` is the result itself (saves recomputing it).
// samples: ranges of the arguments for the generated tests where [-2, 2] does not do.

export const table = [
  { name: "add", args: ["a", "b"], value: "a + b" },
  { name: "sub", args: ["a", "b"], value: "a - b" },
  { name: "mul", args: ["a", "b"], value: "a * b" },
  { name: "div", args: ["a", "b"], value: "a / b", samples: { b: [0.5, 2] } },
  { name: "neg", args: ["x"], value: "-x" },
  { name: "mulAdd", args: ["a", "b", "c"], value: "a * b + c" },
  { name: "square", args: ["x"], value: "x * x" },
  { name: "exp", args: ["x"], value: "exp(x)", derivative: { x: "y" } },
  { name: "log", args: ["x"], value: "log(x)", samples: { x: [0.1, 3] } },
  {
    name: "sqrt",
    args: ["x"],
    value: "sqrt(x)",
    derivative: { x: "0.5 / y" },
    samples: { x: [0.1, 3], y: [0.4, 1.7] },
  },
  // sqrt whose derivatives at 0 are 0: norms of zero-length vectors stay finite.
  {
    name: "safeSqrt",
    args: ["x"],
    value: "sqrt(max(x, 0))",
    derivative: { x: "where(lt(0, x), 0.5 / sqrt(x), 0)" },
    samples: { x: [0.1, 3] },
  },
  { name: "pow", args: ["x", "p"], value: "pow(x, p)", samples: { x: [0.1, 3] } },
  { name: "abs", args: ["x"], value: "abs(x)", samples: { x: [0.1, 2] } },
  { name: "sin", args: ["x"], value: "sin(x)" },
  { name: "cos", args: ["x"], value: "cos(x)" },
  { name: "tanh", args: ["x"], value: "tanh(x)", derivative: { x: "1 - y * y" } },
  { name: "sigmoid", args: ["x"], value: "sigmoid(x)", derivative: { x: "y * (1 - y)" } },
  { name: "silu", args: ["x"], value: "x * sigmoid(x)" },
  // The tanh form, which DeePMD-kit uses for both `gelu` and `gelu_tf`.
  {
    name: "gelu",
    args: ["x"],
    value: "0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))",
  },
  {
    name: "softplus",
    args: ["x"],
    value: "max(x, 0) + log(1 + exp(-abs(x)))",
    derivative: { x: "sigmoid(x)" },
  },
  { name: "relu", args: ["x"], value: "max(x, 0)", derivative: { x: "lt(0, x)" }, samples: { x: [0.1, 2] } },
  {
    name: "relu6",
    args: ["x"],
    value: "min(max(x, 0), 6)",
    derivative: { x: "lt(0, x) * lt(x, 6)" },
    samples: { x: [0.1, 2] },
  },
  { name: "maximum", args: ["a", "b"], value: "max(a, b)", samples: { a: [0, 1], b: [1.1, 2] } },
  { name: "minimum", args: ["a", "b"], value: "min(a, b)", samples: { a: [0, 1], b: [1.1, 2] } },
  {
    name: "clamp",
    args: ["x", "low", "high"],
    value: "min(max(x, low), high)",
    samples: { low: [-3, -2.5], high: [2.5, 3] },
  },
  { name: "less", args: ["a", "b"], value: "lt(a, b)", samples: { a: [0, 1], b: [1.1, 2] } },
  { name: "lessEqual", args: ["a", "b"], value: "le(a, b)", samples: { a: [0, 1], b: [1.1, 2] } },
  { name: "equal", args: ["a", "b"], value: "eq(a, b)", samples: { a: [0, 1], b: [1.1, 2] } },
  { name: "where", args: ["m", "a", "b"], value: "where(m, a, b)", samples: { m: [0.5, 1] } },
];
