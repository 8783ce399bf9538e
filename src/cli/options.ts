import { AtomgradError } from "../tensor/error.js";

/** The whole number of an option. Errors: CONFIG, naming the option. */
export function wholeOption(text: string, option: string, least: number): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new AtomgradError("CONFIG", `${option} ${text}: give a whole number of at least ${least}`);
}

/** The number of an option. Errors: CONFIG, naming the option. */
export function realOption(text: string, option: string, above = -Infinity): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (Number.isFinite(value) && value > above) return value;
  const allowed = above === -Infinity ? "a number" : `a number above ${above}`;
  throw new AtomgradError("CONFIG", `${option} ${text}: give ${allowed}`);
}

/** `--type-map`, for the commands that open a model of any kind. */
export const typeMapOption = [
  "--type-map <TYPE...>",
  "names of the types, for early TensorFlow graphs that do not hold them",
] as const;

/** The precision of `--precision`. Errors: CONFIG. */
export function precisionOption(text: string | undefined): "f32" | "f64" | undefined {
  if (text === undefined || text === "f32" || text === "f64") return text;
  throw new AtomgradError("CONFIG", `--precision ${text}: allowed are f32 and f64`);
}
