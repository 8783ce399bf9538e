// From the table to kernels and gradient rules. Every operation of the table gets kernels for its value and its first and
// second derivatives; a gradient that is itself an operation of the table reuses it (d(a b)/da = g b is `mul`), and a third
// derivative is written as a nest of table operations, so that differentiation never ends.
import { argument, argumentsOf, constant, differentiate, make, parse, substitute } from "./expression.mjs";

const highestKernelOrder = 2;

/** Expressions alike up to the names of their arguments have one key. */
function keyOf(node, names) {
  return substitute(node, Object.fromEntries(names.map((name, k) => [name, argument(`#${k}`)]))).id;
}

export function plan(table) {
  const entries = table.map((row) => ({ ...row, order: 0, expression: parse(row.value) }));
  const byKey = new Map();
  for (const entry of entries) {
    entry.key = keyOf(entry.expression, entry.args);
    if (!byKey.has(entry.key)) byKey.set(entry.key, { entry, names: entry.args });
  }

  const nest = (node) => {
    if (node.op === "const") return node.value;
    if (node.op === "arg") return node.value;
    if (node.op === "sign") {
      const x = node.args[0];
      return nest(make("sub", make("lt", constant(0), x), make("lt", x, constant(0))));
    }
    const target =
      { lt: "less", le: "lessEqual", eq: "equal", max: "maximum", min: "minimum" }[node.op] ?? node.op;
    if (!entries.some((e) => e.name === target)) throw new Error(`no table operation for ${node.op}`);
    return [target, ...node.args.map(nest)];
  };

  // Entries grow while they are differentiated.
  for (let at = 0; at < entries.length; at++) {
    const entry = entries[at];
    entry.rules = entry.args.map((arg) => {
      const g = argument(["g", "u", "w"].find((name) => !entry.args.includes(name)));
      const slope =
        entry.derivative?.[arg] === undefined
          ? differentiate(entry.expression, arg)
          : parse(entry.derivative[arg]);
      const gradient = make("mul", g, slope);
      if (gradient === constant(0)) return null;
      if (gradient === g) return { call: "identity" };
      const names = argumentsOf(gradient);
      const found = byKey.get(keyOf(gradient, names));
      if (found) return { call: found.entry.name, args: names };
      // The mirrored product is the same operation.
      if (gradient.op === "mul" && gradient.args.every((a) => a.op === "arg"))
        return { call: "mul", args: gradient.args.map((a) => a.value) };
      if (entry.order === highestKernelOrder) return { nest: nest(gradient) };
      const derived = {
        name: `${entry.name}_${arg}`,
        args: names,
        value: undefined,
        order: entry.order + 1,
        expression: gradient,
        samples: Object.fromEntries(
          names.filter((n) => entry.samples?.[n]).map((n) => [n, entry.samples[n]]),
        ),
      };
      derived.key = keyOf(gradient, names);
      byKey.set(derived.key, { entry: derived, names });
      entries.push(derived);
      return { call: derived.name, args: names };
    });
  }
  return entries.map(({ name, args, order, value, expression, rules, samples }) => ({
    name,
    args,
    order,
    text: value,
    expression,
    rules,
    samples,
  }));
}
