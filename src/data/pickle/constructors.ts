import { AtomgradError } from "../../tensor/error.js";
import { memorySource } from "../read-file.js";
import { StridedArray } from "../strided-array.js";
import { Arguments } from "./arguments.js";
import type { Budget } from "./budget.js";
import { buildDType, buildNdArray, numpyConstructors } from "./numpy.js";
import { standardModules } from "./python-modules.js";
import { isTorchName, torchConstructors } from "./torch.js";
import {
  PickleBytes,
  PickleDict,
  PickleDType,
  PickleGlobal,
  PickleNdArray,
  PickleObject,
  PickleSet,
  PickleTuple,
} from "./values.js";
import type { PickleValue } from "./values.js";

/**
 * What a pickle may name. "data": exactly the classes of records (tensors, arrays, containers, PyG objects).
 * "weights": classes of other packages too, as inert placeholders, since checkpoints carry configurations; functions
 * and Python's own modules stay refused.
 */
export type UnpickleMode = "data" | "weights";

type Constructor = (args: Arguments) => PickleValue;

const containers: readonly [string, Constructor][] = [
  ["collections.OrderedDict", dictFrom],
  ["collections.defaultdict", () => new PickleDict()],
  ["collections.Counter", dictFrom],
  ["builtins.dict", dictFrom],
  ["builtins.set", setFrom],
  ["builtins.frozenset", setFrom],
  ["builtins.list", (args) => [...itemsOf(args)]],
  ["builtins.tuple", (args) => new PickleTuple(itemsOf(args))],
  ["builtins.slice", (args) => new PickleTuple(args.items)],
  ["builtins.complex", (args) => new PickleTuple(args.items)],
  ["builtins.bytes", noBytes],
  ["builtins.bytearray", (args) => args.items[0] ?? noBytes(args)],
  ["haiku._src.data_structures.FlatMapping", dictFrom],
  ["haiku._src.data_structures.FlatMap", dictFrom],
  ["flax.core.frozen_dict.FrozenDict", dictFrom],
];

const constructors: ReadonlyMap<string, Constructor> = new Map([
  ...containers,
  ...numpyConstructors,
  ...torchConstructors,
]);

/** Functions that rebuild an array from a function and its arguments: position of those, and of the state. */
const wrappers: ReadonlyMap<string, readonly [callee: number, args: number, state: number]> = new Map([
  ["jax._src.array._reconstruct_array", [0, 1, 2]],
  ["jax._src.device_array.reconstruct_device_array", [0, 1, 2]],
  ["torch._tensor._rebuild_from_type_v2", [0, 2, -1]],
]);

/** Names without a constructor that records hold. */
const plainNames: ReadonlySet<string> = new Set([
  "builtins.int",
  "numpy.ndarray",
  "torch.storage._load_from_bytes",
]);

/** Classes of Python's own modules that checkpoints carry; they become placeholders. */
const placeholders: ReadonlySet<string> = new Set([
  "argparse.Namespace",
  "types.SimpleNamespace",
  "collections.deque",
  "datetime.date",
  "datetime.datetime",
  "datetime.timedelta",
  "datetime.timezone",
  "decimal.Decimal",
  "uuid.UUID",
  ...["PosixPath", "WindowsPath", "Path", "PurePosixPath", "PureWindowsPath"].flatMap((name) => [
    `pathlib.${name}`,
    `pathlib._local.${name}`,
  ]),
  ...["int", "float", "str", "bool", "object"].map((name) => `builtins.${name}`),
  "torch.device",
  "torch.serialization._get_layout",
]);

/** Makes the objects a pickle describes. */
export class Constructors {
  constructor(
    private readonly file: string,
    private readonly mode: UnpickleMode,
    private readonly budget: Budget,
    /** What `torch.storage._load_from_bytes` stands for. */
    private readonly loadStream: ((bytes: PickleBytes) => PickleValue) | undefined,
  ) {}

  /** Refuses a name as soon as the pickle mentions it. */
  checkName(token: PickleGlobal): void {
    const path = pathOf(token);
    if (constructors.has(path) || plainNames.has(path) || wrappers.has(path) || isTorchName(path)) return;
    if (token.module.startsWith("torch_geometric.")) return;
    if (this.mode === "weights") {
      if (placeholders.has(path)) return;
      const root = token.module.split(".")[0];
      if (root === "__torch__" || !(standardModules.has(root) || root.startsWith("_"))) return;
    }
    throw this.refused(token);
  }

  /** REDUCE: a call in Python; here only constructors of data. */
  call(callee: PickleValue, given: PickleValue): PickleValue {
    const items = this.tuple(given);
    if (callee instanceof PickleObject) return this.callObject(callee, items);
    if (!(callee instanceof PickleGlobal)) throw this.bad("calls something that is no name");
    const path = pathOf(callee);
    const args = new Arguments(this.file, path, items);
    const constructor = constructors.get(path);
    if (constructor !== undefined) {
      this.budget.spend(copyBytes(items[0]));
      return constructor(args);
    }
    const wrapper = wrappers.get(path);
    if (wrapper !== undefined) return this.callWrapped(items, wrapper);
    if (path === "torch.storage._load_from_bytes" && this.loadStream !== undefined) {
      return this.loadStream(args.of(0, PickleBytes));
    }
    const isClass = /^[A-Z]/.test(callee.name) && !isTorchName(path);
    if (this.mode === "weights" && (placeholders.has(path) || isClass))
      return new PickleObject(callee, items);
    throw this.refused(callee);
  }

  /** NEWOBJ: an instance of a class, without its constructor having run. */
  make(type: PickleValue, given: PickleValue): PickleValue {
    const items = this.tuple(given);
    if (!(type instanceof PickleGlobal)) throw this.bad("makes an instance of something that is no name");
    const path = pathOf(type);
    const constructor = constructors.get(path);
    if (constructor !== undefined) {
      this.budget.spend(copyBytes(items[0]));
      return constructor(new Arguments(this.file, path, items));
    }
    if (type.module.startsWith("torch_geometric.") || this.mode === "weights")
      return new PickleObject(type, items);
    throw this.refused(type);
  }

  /** BUILD: gives an object its state. */
  build(target: PickleValue, state: PickleValue): void {
    if (target instanceof PickleNdArray || target instanceof PickleDType) {
      if (!(state instanceof PickleTuple)) throw this.bad("gives an array a state that is none");
      if (target instanceof PickleNdArray) {
        buildNdArray(target, new Arguments(this.file, "a NumPy array", state.items));
      } else {
        buildDType(target, new Arguments(this.file, "numpy.dtype", state.items));
      }
      return;
    }
    // State dicts, PyTorch's tensors and parameters may carry attributes beside their content.
    if (target instanceof PickleDict || target instanceof StridedArray) return;
    if (!(target instanceof PickleObject)) throw this.bad("gives a state to something that has none");
    const parts = state instanceof PickleTuple ? state.items : [state];
    for (const part of parts) {
      if (!(part instanceof PickleDict)) {
        if (part === null) continue;
        target.state.set("state", part);
        continue;
      }
      for (const [key, value] of part.entries) if (typeof key === "string") target.state.set(key, value);
    }
  }

  private bad(what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.file}: its pickle ${what}; the file is damaged`);
  }

  private refused({ path }: PickleGlobal): AtomgradError {
    return new AtomgradError(
      "FORMAT",
      `${this.file}: its pickle names ${path.slice(0, 200)}, which is refused: nothing in a file is executed, ` +
        "and only tensors, arrays and plain containers are read; save those alone (a state_dict, or plain arrays)",
    );
  }

  private tuple(value: PickleValue): readonly PickleValue[] {
    if (value instanceof PickleTuple) return value.items;
    throw this.bad("gives arguments that are no tuple");
  }

  /** PyG's batches: an instance of DynamicInheritanceGetter, called with the classes, is an object of the first one. */
  private callObject(callee: PickleObject, items: readonly PickleValue[]): PickleObject {
    const [type] = items;
    if (
      callee.type.path === "torch_geometric.data.batch.DynamicInheritanceGetter" &&
      type instanceof PickleGlobal
    ) {
      return new PickleObject(type, items.slice(1));
    }
    throw this.refused(callee.type);
  }

  private callWrapped(items: readonly PickleValue[], [callee, args, state]: readonly number[]): PickleValue {
    const target = items[callee];
    if (!(target instanceof PickleGlobal) || wrappers.has(target.path))
      throw this.bad("wraps something that is no array");
    const made = this.call(target, items[args] ?? null);
    if (state >= 0) this.build(made, items[state] ?? null);
    return made;
  }
}

/** How protocols 0 to 2 write empty bytes. */
function noBytes(args: Arguments): PickleBytes {
  if (args.items.length > 0) throw args.bad("arguments; only empty bytes are made so");
  return new PickleBytes(memorySource(new Uint8Array(0), args.file), 0, 0);
}

/** Python 2 and protocols up to 2 call `builtins` otherwise. */
function pathOf(token: PickleGlobal): string {
  return token.module === "__builtin__" ? `builtins.${token.name}` : token.path;
}

/** Memory a copy of a constructor's argument takes. */
function copyBytes(value: PickleValue | undefined): number {
  if (typeof value === "string") return value.length;
  if (value instanceof PickleDict) return 64 * value.entries.size;
  const items = value instanceof PickleTuple || value instanceof PickleSet ? value.items : value;
  return Array.isArray(items) ? 64 * items.length : 0;
}

function itemsOf(args: Arguments): readonly PickleValue[] {
  const [value] = args.items;
  if (value === undefined) return [];
  if (value instanceof PickleTuple || value instanceof PickleSet) return value.items;
  if (Array.isArray(value)) return value;
  throw args.bad("something else than a list");
}

function setFrom(args: Arguments): PickleSet {
  const made = new PickleSet();
  for (const item of itemsOf(args)) made.items.push(item);
  return made;
}

/** From nothing, from another dict, or from a list of pairs. */
function dictFrom(args: Arguments): PickleDict {
  const made = new PickleDict();
  const [value] = args.items;
  if (value instanceof PickleDict) {
    for (const [key, item] of value.entries) made.entries.set(key, item);
    return made;
  }
  for (const pair of itemsOf(args)) {
    const items = pair instanceof PickleTuple ? pair.items : pair;
    if (!Array.isArray(items) || items.length !== 2) throw args.bad("something else than pairs");
    const [key, item] = items as PickleValue[];
    made.entries.set(key, item);
  }
  return made;
}
