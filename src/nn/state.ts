import type { TypedArray } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import { sameShape, type Shape, showShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";

/** Values on the host, as files hold them. */
export interface StateArray {
  readonly shape: Shape;
  readonly data: TypedArray;
}

/** Values of parameters and buffers by name. */
export type State = Map<string, StateArray>;

/**
 * An array that other programs keep in a state though it follows from how a module was made, such as a mask: computed when a state is
 * written, compared when one is read, which may do without it. It takes no device and no memory of one.
 */
export interface DerivedArray {
  readonly shape: Shape;
  values(): TypedArray;
  /** Whether a state written here has it (default), or it is only known where a state has it. */
  readonly written?: boolean;
}

/** What a name of a state stands for. */
export type StateEntry = Tensor | DerivedArray;

/** What a state and a set of tensors do not have in common. */
export interface StateDifference {
  /** Tensors the state says nothing of; they keep their values. */
  readonly missing: string[];
  /** Names of the state that stand for nothing. */
  readonly unexpected: string[];
}

/** Reads tensors from their device and computes what is derived. */
export async function readState(entries: ReadonlyMap<string, StateEntry>): Promise<State> {
  const written = [...entries].filter(([, entry]) => entry instanceof Tensor || entry.written !== false);
  const arrays = written.map(async ([name, entry]) => {
    const data = entry instanceof Tensor ? await entry.data() : entry.values();
    return [name, { shape: entry.shape, data }] as const;
  });
  return new Map(await Promise.all(arrays));
}

/**
 * Writes a state into tensors: all of it, or after an error nothing.
 *
 * @param what names the tensors in messages
 * @param strict whether tensors without an array and arrays of no use are an error
 *
 * Errors: FORMAT for names that do not fit and derived arrays of other values, SHAPE for arrays of another shape.
 */
export function writeState(
  what: string,
  entries: ReadonlyMap<string, StateEntry>,
  state: ReadonlyMap<string, StateArray>,
  strict: boolean,
): StateDifference {
  const missing = [...entries]
    .filter(([name, entry]) => entry instanceof Tensor && !state.has(name))
    .map(([name]) => name);
  const unexpected = [...state.keys()].filter((name) => !entries.has(name));
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
  const pairs = [...entries].flatMap(([name, entry]) => {
    const array = state.get(name);
    return array === undefined ? [] : [{ name, entry, array }];
  });
  for (const { name, entry, array } of pairs) {
    const size = entry.shape.reduce((product, extent) => product * extent, 1);
    if (!sameShape(array.shape, entry.shape) || array.data.length !== size)
      throw new AtomgradError(
        "SHAPE",
        `${what}: "${name}" has shape ${showShape(array.shape)} (${array.data.length} values) in the state, expected ${showShape(entry.shape)}`,
      );
    if (!(entry instanceof Tensor) && !same(array.data, entry.values()))
      throw new AtomgradError(
        "FORMAT",
        `${what}: "${name}" has other values in the state than follow from how this module was made; make it as the module that was saved`,
      );
  }
  for (const { entry, array } of pairs) if (entry instanceof Tensor) entry.assign(array.data);
  return { missing, unexpected };
}

/** A state may have been rounded to bfloat16, which has 8 significant bits. */
const rounding = 2 ** -8;

function same(found: TypedArray, wanted: TypedArray): boolean {
  let scale = 0;
  for (const v of wanted) scale = Math.max(scale, Math.abs(v));
  return wanted.every((v, k) => Math.abs(found[k] - v) <= rounding * scale);
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name}"`);
  return shown.join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : "");
}
