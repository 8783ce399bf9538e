// Writes planned operations as code. Common parts of an expression become named values, in order of first use.
import { functions } from "./functions.mjs";

/** Statements that compute the shared parts, and the expression of the result. `leaf` writes arguments and constants. */
function lower(expression, language, declare, leaf) {
  const uses = new Map();
  const count = (node) => {
    uses.set(node, (uses.get(node) ?? 0) + 1);
    if (uses.get(node) === 1) node.args.forEach(count);
  };
  count(expression);
  const names = new Map();
  const statements = [];
  const write = (node) => {
    if (node.op === "const" || node.op === "arg") return leaf(node);
    if (names.has(node)) return names.get(node);
    const text = functions[node.op][language](...node.args.map(write));
    if (uses.get(node) === 1 || node === expression) return text;
    const name = `t${names.size}`;
    names.set(node, name);
    statements.push(declare(name, text));
    return name;
  };
  const result = write(expression);
  return { statements, result };
}

const decimal = (value) => (Number.isInteger(value) ? `${value}.0` : `${value}`);

export function cppKernels(entries) {
  const bodies = entries.map(({ name, args, expression }) => {
    const { statements, result } = lower(
      expression,
      "cpp",
      (t, text) => `    const V<T> ${t} = ${text};`,
      (node) =>
        node.op === "const" ? `splat<T>(T(${decimal(node.value)}))` : `x[${args.indexOf(node.value)}]`,
    );
    return `template <class T> struct Body_${name} {
  static constexpr int arity = ${args.length};
  AG_INLINE V<T> value(const V<T>* x) {
${[...statements, `    return ${result};`].join("\n")}
  }
};
template <class T> static int ${name}_(const Call& c) { return elementwise<T, Body_${name}<T>>(c); }`;
  });
  const list = entries.map(({ name }) => `  {"${name}", ${name}_<float>, ${name}_<double>, nullptr}, \\`);
  return `// Generated from table.mjs by tools/generate.mjs.\n${bodies.join("\n")}\n#define AG_ELEMENTWISE_ENTRIES \\\n${list.join("\n")}\n\n`;
}

export function cudaKernels(entries) {
  const bodies = entries.map(({ name, args, expression }) => {
    const { statements, result } = lower(
      expression,
      "cuda",
      (t, text) => `    const T ${t} = ${text};`,
      (node) => (node.op === "const" ? `T(${decimal(node.value)})` : `x[${args.indexOf(node.value)}]`),
    );
    return `template <class T> struct Body_${name} {
  static constexpr int arity = ${args.length};
  static __device__ T value(const T* x) {
${[...statements, `    return ${result};`].join("\n")}
  }
};`;
  });
  const list = entries.map(({ name }) => `  AG_CUDA_ELEMENTWISE(${name}) \\`);
  return `// Generated from table.mjs by tools/generate.mjs.\n${bodies.join("\n")}\n#define AG_CUDA_ELEMENTWISE_ENTRIES \\\n${list.join("\n")}\n\n`;
}

/** The lines of a WGSL function body over x0, x1, ... that return the value. */
function wgslBody({ args, expression }) {
  const { statements, result } = lower(
    expression,
    "wgsl",
    (t, text) => `let ${t} = ${text};`,
    (node) => (node.op === "const" ? `f32(${decimal(node.value)})` : `x${args.indexOf(node.value)}`),
  );
  return [...statements, `return ${result};`].join(" ");
}

function jsFunction({ args, expression }) {
  const { statements, result } = lower(
    expression,
    "js",
    (t, text) => `const ${t} = ${text};`,
    (node) => (node.op === "const" ? `${node.value}` : node.value),
  );
  const parameters = args.map((a) => `${expressionUses(expression, a) ? a : `_${a}`}: number`).join(", ");
  return statements.length === 0
    ? `(${parameters}) => ${result}`
    : `(${parameters}) => { ${statements.join(" ")} return ${result}; }`;
}

function expressionUses(node, name) {
  return node.op === "arg" ? node.value === name : node.args.some((a) => expressionUses(a, name));
}

export function typescriptOps(entries) {
  const specs = entries.map(
    (entry) =>
      `  () => ({ name: "${entry.name}", args: ${JSON.stringify(entry.args)}, order: ${entry.order}, reference: ${jsFunction(entry)}, wgsl: ${JSON.stringify(wgslBody(entry))}, rules: ${JSON.stringify(entry.rules)}, samples: ${JSON.stringify(entry.samples ?? {})} }),`,
  );
  const functions = entries
    .map((entry, position) => ({ ...entry, position }))
    .filter((entry) => entry.order === 0)
    .map(({ name, args, text, position }) => {
      const parameters = args.map((a) => `${a}: Operand`).join(", ");
      return `/** \`${text}\`, element by element with broadcasting; numbers stand for scalars. */\nexport function ${name}(${parameters}): Tensor {\n  return apply${args.length}(at(${position}), ${args.join(", ")});\n}`;
    });
  return `// Generated from table.mjs by tools/generate.mjs.
/* eslint-disable */
import type { Tensor } from "../../src/tensor/tensor.js";
import { apply1, apply2, apply3, ElementwiseOp, type ElementwiseSpec, type Operand } from "./op.js";

/** The operations of the table, each made where it is asked for: most programs use a few. */
const table: readonly (() => ElementwiseSpec)[] = [
${specs.join("\n")}
];

const made: ElementwiseOp[] = [];
let positions: Map<string, number> | undefined;

/** Names of all operations, derivatives included, in the order of the table. */
export const names: readonly string[] = ${JSON.stringify(entries.map(({ name }) => name))};

/** The operation at a position of the table, made at first use: found without a search, since small ops cost little more. */
function at(position: number): ElementwiseOp {
  return (made[position] ??= new ElementwiseOp(table[position]()));
}

/** The operation of this name; derivatives are named by their operation and argument (\`tanh_x\`). */
export function op(name: string): ElementwiseOp {
  positions ??= new Map(names.map((each, position) => [each, position]));
  return at(positions.get(name)!);
}

${functions.join("\n\n")}
`;
}
