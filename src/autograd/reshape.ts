import { AtomgradError } from "../tensor/error.js";
import { type Shape, showShape, sizeOf } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { mustRecord, record, type Rule } from "./node.js";

const rule: Rule = { name: "reshape", vjp: (g, node) => [reshape(g, node.attrs as Shape)] };

/** The same values in another shape; copies nothing. One size may be -1: what is left over. Errors: SHAPE. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  x.assertAlive();
  const dims = shape.includes(-1) ? fillIn(x, shape) : shape;
  if (sizeOf(dims) !== x.size)
    throw new AtomgradError(
      "SHAPE",
      `reshape: ${showShape(x.shape)} has ${x.size} elements, ${showShape(dims)} does not`,
    );
  const out = new Tensor(x.storage.retain(), x.dtype, dims, x.size);
  return mustRecord([x]) ? record(rule, out, [x], [], x.shape, false) : out;
}

function fillIn(x: Tensor, shape: Shape): number[] {
  const known = shape.reduce((n, d) => (d === -1 ? n : n * d), 1);
  if (shape.filter((d) => d === -1).length > 1 || known === 0)
    throw new AtomgradError("SHAPE", `reshape: ${showShape(shape)} leaves more than one size open`);
  return shape.map((d) => (d === -1 ? x.size / known : d));
}
