import { createHash } from "node:crypto";
import { AtomgradError } from "../../tensor/error.js";
import {
  PickleDict,
  PickleFloat,
  PickleNdArray,
  PickleObject,
  PickleSet,
  PickleTuple,
} from "../pickle/index.js";
import type { PickleValue } from "../pickle/index.js";
import { StridedArray } from "../strided-array.js";

/** Kinds of weight files, by the names `atomgrad inspect` prints. */
export type WeightsFormat =
  | "torch"
  | "torchscript"
  | "safetensors"
  | "npz"
  | "numpy-pickle"
  | "tf-graph"
  | "tf-graph-text"
  | "tf-checkpoint"
  | "deepmd-yaml"
  | "deepmd-dp";

/** One array of a weight file. */
export interface WeightTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** As NumPy and PyTorch spell it; "string" for text. */
  readonly dtype: string;
  /** Reads the numbers: C order, little endian, complex ones as pairs. Null for text, which has none. */
  readonly array: { bytes(): Uint8Array; float64(): Float64Array } | null;
}

/** What a weight file holds. The file must stay open while numbers are read. */
export interface Weights {
  readonly format: WeightsFormat;
  readonly tensors: readonly WeightTensor[];
}

/** A tensor as `atomgrad inspect` prints it. */
export interface TensorReport {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly sha256?: string;
}

/** Describes the tensors of a file; with `hash` their SHA-256 too (C order, little endian; none for text). */
export function reportTensors(tensors: readonly WeightTensor[], hash: boolean): TensorReport[] {
  return tensors.map(({ name, shape, dtype, array }) => {
    if (!hash || array === null) return { name, shape, dtype };
    return { name, shape, dtype, sha256: createHash("sha256").update(array.bytes()).digest("hex") };
  });
}

/** An array of a file under its name. */
export function tensorOf(name: string, array: StridedArray): WeightTensor {
  return { name, shape: array.shape, dtype: array.dtype, array };
}

const maxVisited = 2_000_000;
/** Characters of all names together. */
const maxNames = 1 << 25;
const maxNameLength = 4_000;
const maxDepth = 200;

/** Arrays found in a pickle. */
export interface NamedArrays {
  readonly tensors: WeightTensor[];
  /** Whether one of them is a tensor of PyTorch, not an array of NumPy. */
  readonly fromTorch: boolean;
}

/**
 * Every array inside nested dicts, lists and objects, named by its path: keys, list indices and attributes joined with
 * `separator`. A module of PyTorch saved whole is named as its state_dict would be.
 */
export function namedArrays(root: PickleValue, separator: "." | "/", file: string): NamedArrays {
  const found: WeightTensor[] = [];
  let fromTorch = false;
  const active = new Set<PickleValue>();
  let visited = 0;
  let characters = 0;
  const visit = (value: PickleValue, path: readonly string[]): void => {
    if (++visited > maxVisited)
      throw new AtomgradError("FORMAT", `${file}: more than ${maxVisited} values in it`);
    const array = value instanceof PickleNdArray ? value.array : value;
    if (array instanceof StridedArray) {
      const name = path.join(separator);
      characters += name.length;
      if (characters > maxNames)
        throw new AtomgradError("FORMAT", `${file}: names of more than ${maxNames} characters`);
      if (name.length > maxNameLength)
        throw new AtomgradError("FORMAT", `${file}: a name of ${name.length} characters`);
      found.push(tensorOf(name, array));
      fromTorch ||= array === value;
      return;
    }
    if (typeof value !== "object" || value === null || active.has(value)) return;
    if (path.length > maxDepth)
      throw new AtomgradError("FORMAT", `${file}: nested more than ${maxDepth} levels deep`);
    active.add(value);
    for (const [key, child] of childrenOf(value)) visit(child, key === null ? path : [...path, key]);
    active.delete(value);
  };
  visit(root, []);
  return { tensors: found, fromTorch };
}

/** The values inside a value with their keys; null where a level has no name of its own. */
function* childrenOf(value: PickleValue): Generator<readonly [string | null, PickleValue]> {
  if (Array.isArray(value)) yield* indexed(value);
  else if (value instanceof PickleTuple || value instanceof PickleSet) yield* indexed(value.items);
  else if (value instanceof PickleDict) {
    for (const [key, child] of value.entries) {
      const name = keyText(key);
      if (name !== undefined) yield [name, child];
    }
  } else if (value instanceof PickleObject) {
    const { state, items, list, args } = value;
    if (state.get("_parameters") instanceof PickleDict) {
      for (const part of ["_parameters", "_buffers", "_modules"]) yield [null, state.get(part) ?? null];
      return;
    }
    yield* indexed(args);
    yield* state;
    if (items !== null) yield [null, items];
    if (list !== null) yield [null, list];
  }
}

function* indexed(items: readonly PickleValue[]): Generator<readonly [string, PickleValue]> {
  for (let k = 0; k < items.length; k++) yield [String(k), items[k]];
}

function keyText(key: PickleValue): string | undefined {
  if (typeof key === "string") return key;
  if (typeof key === "number" || typeof key === "bigint" || typeof key === "boolean") return String(key);
  if (key instanceof PickleFloat) return String(key.value);
  if (key instanceof PickleTuple) return key.items.map((item) => keyText(item) ?? "?").join(",");
  return undefined;
}
