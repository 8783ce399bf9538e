import type { ByteSource } from "../read-file.js";
import { readSafetensorsHeader } from "../safetensors.js";
import type { SafeDType } from "../safetensors.js";
import { StridedArray } from "../strided-array.js";
import type { ArrayDType } from "../strided-array.js";
import { tensorOf } from "./weights.js";
import type { WeightTensor } from "./weights.js";

const dtypes: Readonly<Record<SafeDType, ArrayDType>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U64: "uint64",
  U32: "uint32",
  U16: "uint16",
  U8: "uint8",
  BOOL: "bool",
};

/** The tensors of a safetensors file, in the order of its header. */
export function safetensorsWeights(source: ByteSource): WeightTensor[] {
  const { entries, start } = readSafetensorsHeader(source);
  return entries.map(({ name, dtype, shape, begin, end }) => {
    const storage = { source, position: start + begin, byteLength: end - begin };
    return tensorOf(name, new StridedArray(dtypes[dtype], shape, storage, undefined, 0, true, source.name));
  });
}
