import { AtomgradError } from "./error.js";
import { RandomStream } from "./philox.js";
import { Tensor } from "./tensor.js";

/** What was given, in a word or two, for messages. */
export function kindOf(given: unknown): string {
  if (given === undefined || given === null) return "nothing";
  if (given instanceof Tensor) return `a tensor [${given.shape.join(",")}]`;
  if (Array.isArray(given)) return `an array of ${given.length}`;
  if (ArrayBuffer.isView(given)) return `a ${given.constructor.name}`;
  if (typeof given === "number" || typeof given === "string" || typeof given === "boolean")
    return `the ${typeof given} ${given}`;
  return typeof given === "object" ? "an object" : `a ${typeof given}`;
}

/** Whether something is an array; unlike `Array.isArray` it leaves the type of read-only lists as it is. */
export function isList(given: unknown): boolean {
  return Array.isArray(given);
}

/** An error that says what an argument must be and what was given instead. `what` is "function: argument". */
export function wrongArgument(what: string, wanted: string, given: unknown): AtomgradError {
  return new AtomgradError("VALUE", `${what} must be ${wanted}, got ${kindOf(given)}`);
}

/** Errors: VALUE for anything but a tensor; `what` says which module and argument wants one. */
export function assertTensor(what: string, x: unknown): asserts x is Tensor {
  if (!(x instanceof Tensor))
    throw new AtomgradError(
      "VALUE",
      `${what} must be a tensor, got ${kindOf(x)}; tensor(values, shape) makes one`,
    );
}

/** Errors: VALUE for anything but a finite number. */
export function assertNumber(what: string, x: unknown): asserts x is number {
  if (typeof x !== "number" || !Number.isFinite(x)) throw wrongArgument(what, "a finite number", x);
}

/** Errors: VALUE for anything but a finite number above 0. */
export function assertPositive(what: string, x: unknown): asserts x is number {
  if (typeof x !== "number" || !(x > 0) || x === Infinity) throw wrongArgument(what, "a positive number", x);
}

/** Errors: VALUE for anything but a whole number from `least` to `most`. */
export function assertWhole(
  what: string,
  x: unknown,
  { least = 0, most = Number.MAX_SAFE_INTEGER } = {},
): asserts x is number {
  if (!Number.isSafeInteger(x) || (x as number) < least || (x as number) > most)
    throw wrongArgument(
      what,
      `a whole number ${most === Number.MAX_SAFE_INTEGER ? `>= ${least}` : `from ${least} to ${most}`}`,
      x,
    );
}

/** Errors: VALUE for anything but `count` finite numbers, as a list or typed array. */
export function assertNumbers(what: string, x: unknown, count: number, such: string): void {
  const list = Array.isArray(x) || ArrayBuffer.isView(x) ? (x as unknown as ArrayLike<unknown>) : undefined;
  if (list?.length !== count) throw wrongArgument(what, `${count} numbers ${such}`, x);
  for (let k = 0; k < count; k++)
    if (!Number.isFinite(list[k])) throw wrongArgument(`${what}[${k}]`, "a finite number", list[k]);
}

/** Errors: VALUE for anything but a function. */
export function assertFunction(what: string, f: unknown, such: string): void {
  if (typeof f !== "function") throw wrongArgument(what, `a function, such as ${such}`, f);
}

/** The options of a function that cannot do without them. Errors: VALUE saying which. */
export function assertOptions(what: string, options: unknown, wanted: string): void {
  if (!isPlain(options))
    throw new AtomgradError("VALUE", `${what}: options must be given, ${wanted}; got ${kindOf(options)}`);
}

/** The options of a function that has defaults for all of them. Errors: VALUE for anything but an object. */
export function assertOptional(what: string, options: unknown, name = "options"): void {
  if (!isPlain(options)) throw wrongArgument(`${what}: ${name}`, "an object", options);
}

function isPlain(options: unknown): boolean {
  return (
    typeof options === "object" && options !== null && !Array.isArray(options) && !(options instanceof Tensor)
  );
}

/** Reads an argument; what is wrong with it is said with its name, "function: argument", before it. */
export function named<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AtomgradError)) throw error;
    const sentence = error.message.replace(/^[\w.]+: /, "");
    throw new AtomgradError(error.code, `${what}: ${sentence}`, { cause: error });
  }
}

/** Errors: VALUE for a value that is not in the list. */
export function assertOneOf(what: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string))
    throw new AtomgradError("VALUE", `${what} is "${String(value)}", allowed: ${allowed.join(", ")}`);
}

/** Errors: VALUE for anything but a stream of random numbers. */
export function assertRandom(what: string, random: unknown): void {
  if (!(random instanceof RandomStream))
    throw new AtomgradError(
      "VALUE",
      `${what}: give a stream of random numbers, new RandomStream(seed), as random; got ${kindOf(random)}`,
    );
}
