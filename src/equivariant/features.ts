import { AtomgradError } from "../tensor/error.js";
import { RandomStream } from "../tensor/philox.js";
import { showShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";

/** What was given, in a word or two, for messages. */
export function kindOf(given: unknown): string {
  if (given === undefined || given === null) return "nothing";
  if (Array.isArray(given)) return `an array of ${given.length}`;
  if (ArrayBuffer.isView(given)) return `a ${given.constructor.name}`;
  if (typeof given === "number" || typeof given === "string") return `the ${typeof given} ${given}`;
  return typeof given === "object" ? "an object" : `a ${typeof given}`;
}

/** Errors: VALUE for anything but a tensor; `what` says which module and argument wants one. */
export function assertTensor(what: string, x: unknown): asserts x is Tensor {
  if (!(x instanceof Tensor))
    throw new AtomgradError(
      "VALUE",
      `${what} must be a tensor, got ${kindOf(x)}; tensor(values, shape) makes one`,
    );
}

/** Errors: VALUE for anything but a tensor, SHAPE unless its last axis holds the components of the irreps. */
export function assertFeatures(
  what: string,
  x: unknown,
  irreps: { readonly dim: number; toString(): string },
  { name = "x", least = 1 } = {},
): asserts x is Tensor {
  assertTensor(`${what}: ${name}`, x);
  if (x.rank >= least && x.shape[x.rank - 1] === irreps.dim) return;
  const lead = least > 1 ? "batch,..." : "...";
  throw new AtomgradError(
    "SHAPE",
    `${what}: ${name} expected [${lead},${irreps.dim}] for ${irreps.toString()}, got ${showShape(x.shape)}`,
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

/** The options of a function that cannot do without them. Errors: VALUE saying which. */
export function assertOptions(what: string, options: unknown, wanted: string): void {
  if (typeof options !== "object" || options === null)
    throw new AtomgradError("VALUE", `${what}: options must be given, ${wanted}; got ${kindOf(options)}`);
}

/** Errors: VALUE for anything but a stream of random numbers. */
export function assertRandom(what: string, random: unknown): void {
  if (!(random instanceof RandomStream))
    throw new AtomgradError(
      "VALUE",
      `${what}: give a stream of random numbers, new RandomStream(seed), got ${kindOf(random)}`,
    );
}

/** Whether something is an array; unlike `Array.isArray` it leaves the type of read-only lists as it is. */
export function isList(given: unknown): boolean {
  return Array.isArray(given);
}
