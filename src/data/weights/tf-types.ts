import type { ArrayDType } from "../strided-array.js";

/** Number types of TensorFlow (types.proto) by number, with the field of TensorProto that holds their values. */
const table: readonly (readonly [code: number, name: string, dtype: ArrayDType | null, field: string])[] = [
  [1, "DT_FLOAT", "float32", "float_val"],
  [2, "DT_DOUBLE", "float64", "double_val"],
  [3, "DT_INT32", "int32", "int_val"],
  [4, "DT_UINT8", "uint8", "int_val"],
  [5, "DT_INT16", "int16", "int_val"],
  [6, "DT_INT8", "int8", "int_val"],
  [7, "DT_STRING", null, "string_val"],
  [8, "DT_COMPLEX64", "complex64", "scomplex_val"],
  [9, "DT_INT64", "int64", "int64_val"],
  [10, "DT_BOOL", "bool", "bool_val"],
  [14, "DT_BFLOAT16", "bfloat16", "half_val"],
  [17, "DT_UINT16", "uint16", "int_val"],
  [18, "DT_COMPLEX128", "complex128", "dcomplex_val"],
  [19, "DT_HALF", "float16", "half_val"],
  [22, "DT_UINT32", "uint32", "uint32_val"],
  [23, "DT_UINT64", "uint64", "uint64_val"],
  [24, "DT_FLOAT8_E5M2", "float8_e5m2", "float8_val"],
  [25, "DT_FLOAT8_E4M3FN", "float8_e4m3fn", "float8_val"],
];

export interface TfType {
  /** Null for text. */
  readonly dtype: ArrayDType | null;
  /** The field of a TensorProto that lists values one by one. */
  readonly field: string;
}

/** The type of a number or name of types.proto; undefined for handles, variants and quantised types. */
export function tfType(type: number | string): TfType | undefined {
  const row = table.find(([code, name]) => type === code || type === name);
  return row && { dtype: row[2], field: row[3] };
}
