import { AtomgradError } from "../tensor/error.js";
import { showShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { assertTensor } from "../tensor/arguments.js";

/**
 * Errors: VALUE for anything but a tensor, SHAPE unless its last axis holds the components of the irreps, after `channels` where the
 * module has them; `least` is the smallest rank.
 */
export function assertFeatures(
  what: string,
  x: unknown,
  irreps: { readonly dim: number; toString(): string },
  { name = "x", least = 1, channels = [] as readonly number[] } = {},
): asserts x is Tensor {
  assertTensor(`${what}: ${name}`, x);
  const wanted = [...channels, irreps.dim];
  const before = x.rank - wanted.length;
  if (x.rank >= least && before >= 0 && wanted.every((n, k) => n === x.shape[before + k])) return;
  const lead = least > 1 ? "batch,..." : "...";
  throw new AtomgradError(
    "SHAPE",
    `${what}: ${name} expected [${lead},${wanted.join(",")}] for ${irreps.toString()}, got ${showShape(x.shape)}`,
  );
}

/**
 * Errors: DTYPE unless the input of a module and the other tensors it is computed with (undefined: none) are of one number type;
 * says how to convert either.
 */
export function assertSameType(
  what: string,
  [name, x]: readonly [name: string, x: Tensor],
  others: Readonly<Record<string, Tensor | undefined>>,
): void {
  for (const [other, t] of Object.entries(others))
    if (t !== undefined && t.dtype !== x.dtype)
      throw new AtomgradError(
        "DTYPE",
        `${what}: ${name} is ${x.dtype}, ${other} is ${t.dtype}; convert one, as by cast(${name}, "${t.dtype}"), or give the { dtype: "${x.dtype}" } option where the other is made`,
      );
}
