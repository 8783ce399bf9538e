import { PickleDict, PickleFloat, PickleTuple } from "../pickle/index.js";
import type { PickleValue } from "../pickle/index.js";
import { booleanField, textField } from "../structure.js";
import type { Field, FieldKind } from "../structure.js";
import { StridedArray } from "../strided-array.js";

/** An attribute of a record as a field, of the type and shape it is stored with; null for what no field can hold. */
export function fieldOf(value: PickleValue): Field | null {
  if (value instanceof StridedArray) return arrayField(value);
  if (value instanceof PickleFloat) return { kind: "real", shape: [], data: Float64Array.of(value.value) };
  if (typeof value === "boolean") return booleanField(value);
  if (typeof value === "string") return textField(value);
  if (typeof value === "number" || typeof value === "bigint") {
    const whole = BigInt(value);
    if (BigInt.asIntN(64, whole) !== whole) return null;
    return { kind: "integer", shape: [], data: BigInt64Array.of(whole) };
  }
  const json = jsonOf(value, 0);
  return json === undefined ? null : { kind: "json", shape: [], data: [JSON.stringify(json)] };
}

function arrayField(array: StridedArray): Field | null {
  const { dtype, shape } = array;
  if (dtype.startsWith("complex") || dtype.startsWith("float8")) return null;
  const kind: FieldKind = dtype === "bool" ? "boolean" : dtype.includes("float") ? "real" : "integer";
  return { kind, shape, data: array.numbers() };
}

/** Lists and dicts of plain values as JSON; undefined for anything else. */
function jsonOf(value: PickleValue, depth: number): unknown {
  if (depth > 20) return undefined;
  if (value === null || typeof value === "boolean" || typeof value === "string" || typeof value === "number")
    return value;
  if (value instanceof PickleFloat) return value.value;
  const items = value instanceof PickleTuple ? value.items : value;
  if (Array.isArray(items)) {
    const found = (items as PickleValue[]).map((item) => jsonOf(item, depth + 1));
    return found.includes(undefined) ? undefined : found;
  }
  if (!(value instanceof PickleDict)) return undefined;
  const entries = [...value.entries].map(([key, item]) => [key, jsonOf(item, depth + 1)] as const);
  if (entries.some(([key, item]) => typeof key !== "string" || item === undefined)) return undefined;
  return Object.fromEntries(entries as [string, unknown][]);
}
