import { arrayItemBytes, isArrayDType, StridedArray } from "../strided-array.js";
import type { ArrayDType } from "../strided-array.js";
import type { Arguments } from "./arguments.js";
import { PickleDict, PickleGlobal, PickleStorage, PickleTuple } from "./values.js";
import type { PickleValue } from "./values.js";

const storageTypes: Readonly<Record<string, ArrayDType | null>> = {
  FloatStorage: "float32",
  DoubleStorage: "float64",
  HalfStorage: "float16",
  BFloat16Storage: "bfloat16",
  LongStorage: "int64",
  IntStorage: "int32",
  ShortStorage: "int16",
  CharStorage: "int8",
  ByteStorage: "uint8",
  BoolStorage: "bool",
  ComplexFloatStorage: "complex64",
  ComplexDoubleStorage: "complex128",
  UntypedStorage: null,
};

/** Other names of PyTorch's number types. */
const aliases: Readonly<Record<string, ArrayDType>> = {
  float: "float32",
  double: "float64",
  half: "float16",
  long: "int64",
  int: "int32",
  short: "int16",
};

type Constructor = (args: Arguments) => PickleValue;

/** Functions of PyTorch that a pickle of tensors names, by "module.name". */
export const torchConstructors: ReadonlyMap<string, Constructor> = new Map<string, Constructor>([
  ["torch._utils._rebuild_tensor", (args) => rebuildTensor(args, null, 4)],
  ["torch._utils._rebuild_tensor_v2", (args) => rebuildTensor(args, null, 6)],
  ["torch._utils._rebuild_tensor_v3", (args) => rebuildTensor(args, dtypeOf(args, 6), 7)],
  ["torch._utils._rebuild_parameter", (args) => args.of(0, StridedArray)],
  ["torch._utils._rebuild_parameter_with_state", (args) => args.of(0, StridedArray)],
  ["torch.Size", (args) => args.of(0, PickleTuple)],
  ["torch.jit._pickle.build_intlist", plainList],
  ["torch.jit._pickle.build_doublelist", plainList],
  ["torch.jit._pickle.build_boollist", plainList],
  ["torch.jit._pickle.build_tensorlist", plainList],
  ["torch.jit._pickle.restore_type_tag", (args) => args.items[0]],
]);

/** The number type of a storage class: null for untyped bytes, undefined for a class that is none. */
export function storageDType(type: PickleValue): ArrayDType | null | undefined {
  if (!(type instanceof PickleGlobal)) return undefined;
  if (type.module !== "torch" && type.module !== "torch.storage" && type.module !== "torch.cuda")
    return undefined;
  return Object.hasOwn(storageTypes, type.name) ? storageTypes[type.name] : undefined;
}

/** Whether a name is one of PyTorch's inert ones: storage classes, number types, containers. */
export function isTorchName(path: string): boolean {
  if (torchConstructors.has(path)) return true;
  const [module, name] = [path.slice(0, path.lastIndexOf(".")), path.slice(path.lastIndexOf(".") + 1)];
  if (module === "torch")
    return isArrayDType(name) || Object.hasOwn(aliases, name) || name.endsWith("Storage");
  return module === "torch.storage" && (name === "UntypedStorage" || name === "_load_from_bytes");
}

function rebuildTensor(args: Arguments, dtype: ArrayDType | null, metadataAt: number): StridedArray {
  const base = args.of(0, PickleStorage);
  const offset = args.size(1);
  const shape = args.sizes(2);
  const strides = args.sizes(3);
  const type = dtype ?? base.dtype;
  if (type === null) throw args.bad("an untyped storage without a number type");
  const metadata = args.items[metadataAt];
  if (metadata instanceof PickleDict && [...metadata.entries.values()].some((flag) => flag === true)) {
    throw args.bad("a tensor that is conjugated or negated on the fly; save tensor.resolve_conj()");
  }
  const { storage } = base;
  const view = base.start / arrayItemBytes(type);
  return new StridedArray(type, shape, storage, strides, offset + view, true, args.file);
}

function dtypeOf(args: Arguments, k: number): ArrayDType {
  const { module, name } = args.of(k, PickleGlobal);
  const dtype = Object.hasOwn(aliases, name) ? aliases[name] : name;
  if (module !== "torch" || !isArrayDType(dtype))
    throw args.bad(`the number type ${module}.${name}, which is not known`);
  return dtype;
}

function plainList(args: Arguments): PickleValue {
  const value = args.items[0];
  if (Array.isArray(value)) return value;
  throw args.bad("something else than a list");
}
