import { defineOp } from "../../src/autograd/define-op.js";
import { reshape } from "../../src/autograd/reshape.js";
import { groupsOf64, type WgslKernel } from "../../src/tensor/backend.js";
import { type DType, isFloat } from "../../src/tensor/dtype.js";
import { AtomgradError } from "../../src/tensor/error.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { copyReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

const define = (from: DType, to: DType) =>
  defineOp({
    name: `cast_${from}_${to}`,
    inputs: { x: `${from}[N]` },
    output: `${to}[N]`,
    save: [],
    ...(isFloat(from) && isFloat(to) && { vjp: (g: Tensor) => ({ x: cast(g, from) }) }),
    cost: (d) => ({ flop: 0, elements: 2 * d.N }),
    reference: copyReference(to),
    wgsl: wgslOf(from, to),
  });

/** Bytes and booleans are read alike; WGSL has no f64. */
function wgslOf(from: DType, to: DType): WgslKernel | undefined {
  if (from === "f64" || to === "f64") return undefined;
  const entry = from === "u8" || from === "bool" ? `bytes_${to}` : `cast_${from}_${to}`;
  return { code: wgsl, entry, groups: (ints) => groupsOf64(ints[0]) };
}

const ops = new Map<string, ReturnType<typeof define>>();

/** Pairs there are kernels for; u8 and bool hold data at the edges and become numbers before arithmetic. */
const numbers: readonly DType[] = ["f32", "f64", "i32"];

/**
 * The same values in another number type; fractions are cut towards 0 for i32, anything but 0 is 1 for bool. Between f32 and
 * f64 gradients pass. Errors: DTYPE for pairs without a kernel.
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  if (!numbers.includes(dtype) && !(dtype === "bool" && x.dtype !== "u8"))
    throw new AtomgradError(
      "DTYPE",
      `cast: from ${x.dtype} to ${dtype} is not possible; allowed are f32, f64, i32, and bool from numbers`,
    );
  const key = `${x.dtype}_${dtype}`;
  let op = ops.get(key);
  if (op === undefined) ops.set(key, (op = define(x.dtype, dtype)));
  return reshape(op.apply([reshape(x, [x.size])]), x.shape);
}
