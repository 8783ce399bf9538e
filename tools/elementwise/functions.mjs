// The functions expressions are made of: how each is written in C++ (on vectors of the CPU), CUDA, WGSL and JavaScript, and
// its derivative with respect to argument k.
const zero = (_k, _node, _make, constant) => constant(0);
const infix = (symbol) => (a, b) => `(${a} ${symbol} ${b})`;
const call =
  (name) =>
  (...args) =>
    `${name}(${args.join(", ")})`;
const everywhere = (write) => ({ cpp: write, cuda: write, wgsl: write, js: write });

export const functions = {
  add: { ...everywhere(infix("+")), evaluate: (a, b) => a + b, derivative: (_k, _n, _m, c) => c(1) },
  sub: {
    ...everywhere(infix("-")),
    evaluate: (a, b) => a - b,
    derivative: (k, _n, _m, c) => c(k === 0 ? 1 : -1),
  },
  mul: { ...everywhere(infix("*")), evaluate: (a, b) => a * b, derivative: (k, n) => n.args[1 - k] },
  div: {
    ...everywhere(infix("/")),
    evaluate: (a, b) => a / b,
    derivative: (k, { args: [a, b] }, make, c) =>
      k === 0 ? make("div", c(1), b) : make("neg", make("div", a, make("mul", b, b))),
  },
  neg: { ...everywhere((a) => `(-${a})`), evaluate: (a) => -a, derivative: (_k, _n, _m, c) => c(-1) },
  exp: {
    cpp: call("exp"),
    cuda: call("exp"),
    wgsl: call("exp"),
    js: call("Math.exp"),
    derivative: (_k, n) => n,
  },
  log: {
    cpp: call("log"),
    cuda: call("log"),
    wgsl: call("log"),
    js: call("Math.log"),
    derivative: (_k, n, make, c) => make("div", c(1), n.args[0]),
  },
  sqrt: {
    cpp: call("sqrt"),
    cuda: call("sqrt"),
    wgsl: call("sqrt"),
    js: call("Math.sqrt"),
    derivative: (_k, n, make, c) => make("div", c(0.5), n),
  },
  pow: {
    cpp: call("pow"),
    cuda: call("pow"),
    // WGSL's pow knows positive bases only (kernels/elementwise/webgpu.ts).
    wgsl: call("power"),
    js: call("Math.pow"),
    derivative: (k, n, make, c) =>
      k === 0
        ? make("mul", n.args[1], make("pow", n.args[0], make("sub", n.args[1], c(1))))
        : make("mul", n, make("log", n.args[0])),
  },
  sin: {
    cpp: call("sin"),
    cuda: call("sin"),
    wgsl: call("sine"),
    js: call("Math.sin"),
    derivative: (_k, n, make) => make("cos", n.args[0]),
  },
  cos: {
    cpp: call("cos"),
    cuda: call("cos"),
    wgsl: call("cosine"),
    js: call("Math.cos"),
    derivative: (_k, n, make) => make("neg", make("sin", n.args[0])),
  },
  tanh: {
    cpp: call("tanh"),
    cuda: call("tanh"),
    // WGSL's tanh may overflow for large arguments on some drivers.
    wgsl: (x) => `tanh(clamp(${x}, -20.0, 20.0))`,
    js: call("Math.tanh"),
    derivative: (_k, n, make, c) => make("sub", c(1), make("mul", n, n)),
  },
  sigmoid: {
    cpp: call("sigmoid"),
    cuda: (x) => `(T(1) / (T(1) + exp(-${x})))`,
    // Shaders may assume that infinities do not occur.
    wgsl: (x) => `(1.0 / (1.0 + exp(-max(${x}, -80.0))))`,
    js: (x) => `(1 / (1 + Math.exp(-${x})))`,
    derivative: (_k, n, make, c) => make("mul", n, make("sub", c(1), n)),
  },
  abs: {
    cpp: call("abs"),
    cuda: call("fabs"),
    wgsl: call("abs"),
    js: call("Math.abs"),
    derivative: (_k, n, make) => make("sign", n.args[0]),
  },
  sign: {
    cpp: (x) => `(vlt<T>(splat<T>(0), ${x}) - vlt<T>(${x}, splat<T>(0)))`,
    cuda: (x) => `(T(T(0) < ${x}) - T(${x} < T(0)))`,
    wgsl: call("sign"),
    js: call("Math.sign"),
    derivative: zero,
  },
  min: {
    cpp: call("min"),
    cuda: call("fmin"),
    wgsl: call("min"),
    js: call("Math.min"),
    derivative: (k, { args: [a, b] }, make, c) => make("where", make("lt", b, a), c(k), c(1 - k)),
  },
  max: {
    cpp: call("max"),
    cuda: call("fmax"),
    wgsl: call("max"),
    js: call("Math.max"),
    derivative: (k, { args: [a, b] }, make, c) => make("where", make("lt", a, b), c(k), c(1 - k)),
  },
  lt: {
    cpp: call("vlt<T>"),
    cuda: (a, b) => `T(${a} < ${b})`,
    wgsl: (a, b) => `select(0.0, 1.0, ${a} < ${b})`,
    js: (a, b) => `Number(${a} < ${b})`,
    derivative: zero,
  },
  le: {
    cpp: call("vle<T>"),
    cuda: (a, b) => `T(${a} <= ${b})`,
    wgsl: (a, b) => `select(0.0, 1.0, ${a} <= ${b})`,
    js: (a, b) => `Number(${a} <= ${b})`,
    derivative: zero,
  },
  eq: {
    cpp: call("veq<T>"),
    cuda: (a, b) => `T(${a} == ${b})`,
    wgsl: (a, b) => `select(0.0, 1.0, ${a} == ${b})`,
    js: (a, b) => `Number(${a} === ${b})`,
    derivative: zero,
  },
  where: {
    cpp: call("vwhere<T>"),
    cuda: (m, a, b) => `(${m} != T(0) ? ${a} : ${b})`,
    wgsl: (m, a, b) => `select(${b}, ${a}, ${m} != 0.0)`,
    js: (m, a, b) => `(${m} !== 0 ? ${a} : ${b})`,
    derivative: (k, n, make, c) =>
      k === 0 ? c(0) : make("where", n.args[0], c(k === 1 ? 1 : 0), c(k === 2 ? 1 : 0)),
  },
};
