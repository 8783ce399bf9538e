import type { TypedArray } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import { sameShape, type Shape, showShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/** Values on the host, as files hold them. */
export interface StateArray {
  readonly shape: Shape;
  readonly data: TypedArray;
}

/** Values of parameters and buffers by name. */
export type State = Map<string, StateArray>;

/** What a state and a set of tensors do not have in common. */
export interface StateDifference {
  /** Tensors the state says nothing of; they keep their values. */
  readonly missing: string[];
  /** Names of the state that no tensor has. */
  readonly unexpected: string[];
}

/** Reads tensors from their device. */
export async function readState(tensors: ReadonlyMap<string, Tensor>): Promise<State> {
  const entries = [...tensors].map(
    async ([name, t]) => [name, { shape: t.shape, data: await t.data() }] as const,
  );
  return new Map(await Promise.all(entries));
}

/**
 * Writes a state into tensors: all of it, or after an error nothing.
 *
 * @param what names the tensors in messages
 * @param strict whether names that only one side has are an error
 *
 * Errors: FORMAT for names that do not fit, SHAPE for arrays of another shape.
 */
export function writeState(
  what: string,
  tensors: ReadonlyMap<string, Tensor>,
  state: ReadonlyMap<string, StateArray>,
  strict: boolean,
): StateDifference {
  const missing = [...tensors.keys()].filter((name) => !state.has(name));
  const unexpected = [...state.keys()].filter((name) => !tensors.has(name));
  if (strict && missing.length + unexpected.length > 0)
    throw new AtomgradError(
      "FORMAT",
      [
        `${what}: the state does not fit`,
        missing.length > 0 ? `missing ${listed(missing)}` : "",
        unexpected.length > 0 ? `unexpected ${listed(unexpected)}` : "",
        "pass { strict: false } to load what fits",
      ]
        .filter((part) => part !== "")
        .join("; "),
    );
  const pairs = [...tensors].flatMap(([name, t]) => {
    const array = state.get(name);
    return array === undefined ? [] : [{ name, t, array }];
  });
  for (const { name, t, array } of pairs)
    if (!sameShape(array.shape, t.shape) || array.data.length !== t.size)
      throw new AtomgradError(
        "SHAPE",
        `${what}: "${name}" has shape ${showShape(array.shape)} (${array.data.length} values) in the state, expected ${showShape(t.shape)}`,
      );
  for (const { t, array } of pairs) t.assign(array.data);
  return { missing, unexpected };
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name}"`);
  return shown.join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : "");
}
