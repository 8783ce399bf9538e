// Expressions of the elementwise table: parsing, simplification, symbolic derivatives. Equal expressions are one object
// (hash-consing), so that common parts are found by identity.
import { functions } from "./functions.mjs";

const interned = new Map();

function intern(op, args, value) {
  const key = `${op}(${args.map((a) => a.id).join(",")})${value ?? ""}`;
  let node = interned.get(key);
  if (node === undefined) {
    node = { id: interned.size, op, args, value };
    interned.set(key, node);
  }
  return node;
}

export const constant = (value) => intern("const", [], value);
export const argument = (name) => intern("arg", [], name);

const is = (node, value) => node.op === "const" && node.value === value;

/** Builds a node with the trivial simplifications done. */
export function make(op, ...args) {
  const [a, b] = args;
  if (args.every((x) => x.op === "const") && functions[op].evaluate)
    return constant(functions[op].evaluate(...args.map((x) => x.value)));
  if (op === "add") {
    if (is(a, 0)) return b;
    if (is(b, 0)) return a;
  }
  if (op === "sub") {
    if (is(b, 0)) return a;
    if (is(a, 0)) return make("neg", b);
  }
  if (op === "mul") {
    if (is(a, 0) || is(b, 0)) return constant(0);
    if (is(a, 1)) return b;
    if (is(b, 1)) return a;
    if (is(a, -1)) return make("neg", b);
    if (is(b, -1)) return make("neg", a);
    if (a.op === "neg") return make("neg", make("mul", a.args[0], b));
    if (b.op === "neg") return make("neg", make("mul", a, b.args[0]));
    if (b.op === "const") return intern("mul", [b, a]);
    if (b.op === "div" && is(b.args[0], 1)) return make("div", a, b.args[1]);
    // c1 * (c2 * x)
    if (a.op === "const" && b.op === "mul" && b.args[0].op === "const")
      return make("mul", constant(a.value * b.args[0].value), b.args[1]);
  }
  if (op === "div") {
    if (is(a, 0)) return constant(0);
    if (is(b, 1)) return a;
  }
  if (op === "neg" && a.op === "neg") return a.args[0];
  if (op === "where" && args[1] === args[2]) return args[1];
  return intern(op, args);
}

/** Parses the infix notation of the table. */
export function parse(text) {
  const tokens = text.match(/[A-Za-z_]\w*|\d+\.?\d*(?:e[+-]?\d+)?|[-+*/(),]/g);
  let at = 0;
  const next = () => tokens[at++];
  const peek = () => tokens[at];
  const sum = () => {
    let left = product();
    while (peek() === "+" || peek() === "-")
      left = next() === "+" ? make("add", left, product()) : make("sub", left, product());
    return left;
  };
  const product = () => {
    let left = unary();
    while (peek() === "*" || peek() === "/")
      left = next() === "*" ? make("mul", left, unary()) : make("div", left, unary());
    return left;
  };
  const unary = () => {
    if (peek() === "-") {
      next();
      return make("neg", unary());
    }
    return primary();
  };
  const primary = () => {
    const token = next();
    if (token === "(") {
      const inner = sum();
      next();
      return inner;
    }
    if (/^\d/.test(token)) return constant(Number(token));
    if (peek() !== "(") return argument(token);
    if (!(token in functions)) throw new Error(`"${text}": unknown function ${token}`);
    next();
    const args = [sum()];
    while (next() === ",") args.push(sum());
    return make(token, ...args);
  };
  const node = sum();
  if (at !== tokens.length) throw new Error(`"${text}": unexpected "${peek()}"`);
  return node;
}

/** d node / d name. */
export function differentiate(node, name) {
  if (node.op === "const") return constant(0);
  if (node.op === "arg") return constant(node.value === name ? 1 : 0);
  return node.args
    .map((arg, k) => {
      const inner = differentiate(arg, name);
      if (is(inner, 0)) return constant(0);
      return make("mul", functions[node.op].derivative(k, node, make, constant), inner);
    })
    .reduce((a, b) => make("add", a, b));
}

export function substitute(node, map) {
  if (node.op === "arg") return map[node.value] ?? node;
  if (node.op === "const") return node;
  return make(node.op, ...node.args.map((a) => substitute(a, map)));
}

/** Argument names in order of first use. */
export function argumentsOf(node, seen = []) {
  if (node.op === "arg" && !seen.includes(node.value)) seen.push(node.value);
  for (const a of node.args) argumentsOf(a, seen);
  return seen;
}
