import { AtomgradError } from "../tensor/error.js";
import { isList, kindOf } from "../tensor/arguments.js";
import { inverseRoot } from "./inverse-root.js";
import type { Irreps } from "./irreps.js";

/** Entries to connect, and how the factors of the paths are shared out. */
export interface LinearPathOptions {
  /** Pairs [entry of the input, entry of the output] to connect; default: all of equal irreps. */
  instructions?: readonly (readonly [iIn: number, iOut: number])[];
  /** A bias on every even scalar, or on the entries marked (default false). */
  biases?: boolean | readonly boolean[];
  /** What one path is divided by: the root of all that is summed into its output (default), or of its own input times the number of such paths. */
  pathNormalization?: "element" | "path";
}

/** One path of a `Linear` as e3nn stores it; a bias has iIn -1, stands after the paths and has the shape [components]. */
export interface LinearInstruction {
  readonly iIn: number;
  readonly iOut: number;
  readonly pathShape: readonly number[];
  /** The factor of the path. */
  readonly pathWeight: number;
}

/**
 * Paths in the order given, then biases. `channels` (e3nn's f_in) counts as that many more numbers summed into an output.
 * Errors: VALUE naming the option.
 */
export function linearInstructions(
  input: Irreps,
  output: Irreps,
  options: LinearPathOptions,
  channels: number,
): LinearInstruction[] {
  const { pathNormalization = "element" } = options;
  if (pathNormalization !== "element" && pathNormalization !== "path")
    throw new AtomgradError(
      "VALUE",
      `Linear: pathNormalization is "${String(pathNormalization)}", allowed: element, path`,
    );
  const pairs = connections(input, output, options.instructions);
  const paths = pairs.map(([iIn, iOut]): LinearInstruction => {
    const mul = input.entries[iIn].mul;
    const same = pairs.filter(([, k]) => k === iOut);
    const summed = same.reduce(
      (n, [k]) => n + (pathNormalization === "path" ? mul : input.entries[k].mul),
      0,
    );
    const total = summed * channels;
    const pathShape = [mul, output.entries[iOut].mul];
    return { iIn, iOut, pathShape, pathWeight: total > 0 ? inverseRoot(total) : 1 };
  });
  const biases = biased(output, options.biases ?? false).flatMap((has, iOut): LinearInstruction[] =>
    has ? [{ iIn: -1, iOut, pathShape: [output.entries[iOut].dim], pathWeight: 1 }] : [],
  );
  return [...paths, ...biases];
}

function connections(
  input: Irreps,
  output: Irreps,
  given: LinearPathOptions["instructions"],
): readonly (readonly [number, number])[] {
  const all = input.entries.flatMap((a, i) =>
    output.entries.flatMap((b, j) => (a.ir.equals(b.ir) ? [[i, j] as const] : [])),
  );
  if (given === undefined) return all;
  if (!isList(given))
    throw new AtomgradError(
      "VALUE",
      `Linear: instructions must be a list of pairs such as [[0, 0]], got ${kindOf(given)}`,
    );
  given.forEach((pair, n) => {
    if (!isList(pair) || pair.length !== 2)
      throw new AtomgradError(
        "VALUE",
        `Linear: instructions[${n}] must be a pair [entry of irrepsIn, entry of irrepsOut], got ${kindOf(pair)}`,
      );
    const [i, j] = pair;
    if (!all.some(([a, b]) => a === i && b === j))
      throw new AtomgradError(
        "VALUE",
        `Linear: instructions[${n}] is [${String(i)},${String(j)}], which does not connect equal irreps of ${input.toString()} and ${output.toString()}`,
      );
  });
  return given;
}

function biased(output: Irreps, given: boolean | readonly boolean[]): readonly boolean[] {
  if (typeof given === "boolean") return output.entries.map((e) => given && e.ir.isScalar);
  if (!isList(given))
    throw new AtomgradError(
      "VALUE",
      `Linear: biases must be true, false or a list of them, one an entry of irrepsOut, got ${kindOf(given)}`,
    );
  if (given.length !== output.length || output.entries.some((e, k) => given[k] && !e.ir.isScalar))
    throw new AtomgradError(
      "VALUE",
      `Linear: biases [${given.join(",")}] for ${output.toString()}; give one an entry, true only for 0e`,
    );
  return given;
}
