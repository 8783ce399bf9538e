import { z } from "zod";

/** A found value as a message shows it. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/** A value that `accepts` takes; its error says what was found and what is allowed. */
export function leaf<T>(allowed: string, accepts: (value: unknown) => boolean): z.ZodType<T, T> {
  return z.custom<T>(accepts, { error: (issue) => problem(issue.input, allowed) });
}

/** A list of `item`s; `allowed` describes the list. */
export function listOf<T extends z.ZodType>(item: T, allowed: string): z.ZodArray<T> {
  return z.array(item, { error: (issue) => problem(issue.input, allowed) });
}

/** A section with exactly the keys of `shape`. */
export function section<T extends z.ZodRawShape>(shape: T): z.ZodObject<T, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "invalid_type" ? problem(issue.input, "a section { ... }") : undefined),
  });
}

/** The error options of a section that comes in variants. */
export const variantError = {
  error: (issue: { readonly input?: unknown }): string => problem(issue.input, "a section { ... }"),
};

function problem(found: unknown, allowed: string): string {
  return found === undefined
    ? `is missing; allowed: ${allowed}`
    : `found ${shown(found)}; allowed: ${allowed}`;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** A whole number of at least `least`. */
export function whole(least = 0): z.ZodType<number, number> {
  const accepts = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= least;
  return leaf(`a whole number of at least ${least}`, accepts);
}

/** A finite number; with `least` (`above`) one of at least (above) that. */
export function real(
  range: { least?: number; above?: number; most?: number } = {},
): z.ZodType<number, number> {
  const { least = -Infinity, above = -Infinity, most = Infinity } = range;
  const bounds = [
    least > -Infinity ? `at least ${least}` : above > -Infinity ? `above ${above}` : "",
    most < Infinity ? `at most ${most}` : "",
  ].filter((bound) => bound !== "");
  const allowed = bounds.length === 0 ? "a number" : `a number ${bounds.join(" and ")}`;
  return leaf(allowed, (value) => isNumber(value) && value >= least && value > above && value <= most);
}

export const flag = leaf<boolean>("true or false", (value) => typeof value === "boolean");

export const text = leaf<string>("a text", (value) => typeof value === "string");

/** One of the given words. */
export function oneOf<const T extends string>(...words: readonly T[]): z.ZodType<T, T> {
  return leaf(words.map((word) => `"${word}"`).join(", "), (value) =>
    (words as readonly unknown[]).includes(value),
  );
}

/** `inner`, or null. */
export function nullable<T>(inner: z.ZodType<T, T>, allowed: string): z.ZodType<T | null, T | null> {
  return leaf(`${allowed} or null`, (value) => value === null || inner.safeParse(value).success);
}

/** A seed: what was not given is null, and the program chooses. */
export const seed = nullable(whole(0), "a whole number of at least 0").default(null);

const plainActivations = [
  "tanh",
  "relu",
  "relu6",
  "softplus",
  "sigmoid",
  "gelu",
  "gelu_tf",
  "silu",
  "silut",
  "custom_silu",
  "none",
  "linear",
];

/** Names of activation functions, of any case; `silut:T` and `custom_silu:T` carry their threshold. */
export const activation = leaf<string>(
  plainActivations.map((word) => `"${word}"`).join(", "),
  (value) =>
    typeof value === "string" &&
    (plainActivations.includes(value.toLowerCase()) || /^(silut|custom_silu):\d+(\.\d+)?$/i.test(value)),
);

/** Widths of the hidden layers of a net. */
export const neurons = listOf(whole(1), "a list of whole numbers of at least 1");
