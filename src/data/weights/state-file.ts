import type { State, StateArray } from "../../nn/state.js";
import type { TypedArray } from "../../tensor/dtype.js";
import type { SafeDType } from "../safetensors.js";
import { writeSafetensorsSync } from "../safetensors.js";
import { withWeights } from "./open.js";

/**
 * The numbers of a weight file (any that `withWeights` opens) as a state for `Module.loadState`, in float64.
 *
 * @param options.prefix takes the names that begin with it and drops it there, as "model." of a checkpoint; default: all names
 *
 * Errors: FILE, FORMAT.
 */
export function readStateFile(path: string, { prefix = "" }: { prefix?: string } = {}): State {
  return withWeights(path, ({ tensors }) => {
    const numeric = tensors.flatMap(({ name, shape, array }) =>
      array !== null && name.startsWith(prefix)
        ? [[name.slice(prefix.length), { shape, data: array.float64() }] as const]
        : [],
    );
    return new Map(numeric);
  });
}

/** Writes a state, such as `Module.exportState` gives, as a safetensors file, atomically. Errors: FILE, SHAPE. */
export function writeStateFileSync(path: string, state: ReadonlyMap<string, StateArray>): void {
  const tensors = Array.from(
    state,
    ([name, array]) => [name, { ...array, dtype: typeOf(array.data) }] as const,
  );
  writeSafetensorsSync(path, tensors);
}

function typeOf(data: TypedArray): SafeDType {
  if (data instanceof Float64Array) return "F64";
  if (data instanceof Float32Array) return "F32";
  return data instanceof Int32Array ? "I32" : "U8";
}
