import { booleanField, realField, textField, type Field } from "../structure.js";
import { fieldOfWords, parseNestedList } from "../text/field-text.js";

/**
 * The value of JSON as Python writes it, with NaN, which becomes null, and infinities, which overflow.
 *
 * @throws SyntaxError
 */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(strictJson(text));
  }
}

function strictJson(text: string): string {
  return text.replace(
    /("(?:[^"\\]|\\.)*")|(-?)\b(NaN|Infinity)\b/g,
    (_, quoted?: string, sign = "", word = "") => quoted ?? (word === "NaN" ? "null" : `${sign}1e999`),
  );
}

/** The six numbers xx yy zz yz xz xy as nine. */
export function fullStress([xx, yy, zz, yz, xz, xy]: ArrayLike<number> & Iterable<number>): Float64Array {
  return Float64Array.of(xx, xy, xz, xy, yy, yz, xz, yz, zz);
}

/** The numbers of a nested list, or of ASE's {"__ndarray__": [shape, type, numbers]}. */
export function flatten(value: unknown): number[] | null {
  const list = ndarrayOf(value)?.[2] ?? value;
  const out: number[] = [];
  const visit = (item: unknown, depth: number): boolean => {
    if (Array.isArray(item)) return depth < 8 && item.every((part) => visit(part, depth + 1));
    if (typeof item === "number" || typeof item === "boolean") out.push(Number(item));
    else if (item === null) out.push(NaN);
    else return false;
    return true;
  };
  return visit(list, 0) ? out : null;
}

function ndarrayOf(value: unknown): unknown[] | null {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "__ndarray__")) return null;
  const parts = (value as { __ndarray__: unknown }).__ndarray__;
  return Array.isArray(parts) && parts.length === 3 ? (parts as unknown[]) : null;
}

/** A value and its text, which tells real numbers from whole ones. */
export function jsonField(value: unknown, text: string): Field | null {
  if (typeof value === "string") return textField(value);
  if (typeof value === "boolean") return booleanField(value);
  if (typeof value === "number") return text === "" ? realField(value) : fieldOfWords([text], []);
  if (text === "NaN") return realField(NaN);
  if (value === null || value === undefined) return null;
  const list = ndarrayField(value, text) ?? (Array.isArray(value) ? numberList(value, text) : null);
  return (
    list ?? (text === "{}" || text === "[]" ? null : { kind: "json", shape: [], data: [strictJson(text)] })
  );
}

/** ASE's {"__ndarray__": [shape, type, numbers]}. */
function ndarrayField(value: unknown, text: string): Field | null {
  const [shape, dtype, numbers] = ndarrayOf(value) ?? [];
  const flat = flatten(numbers ?? []);
  if (
    !Array.isArray(shape) ||
    flat === null ||
    flat.length === 0 ||
    shape.some((size) => !Number.isSafeInteger(size))
  )
    return null;
  const sizes = shape as number[];
  if (sizes.reduce((a, b) => a * b, 1) !== flat.length) return null;
  if (/^bool/.test(String(dtype))) return { kind: "boolean", shape: sizes, data: Uint8Array.from(flat) };
  if (/^u?int/.test(String(dtype))) {
    // As they are spelled: 64 bits hold whole numbers that float64 rounds.
    const spelled = /"\s*,\s*(\[[^[\]]*\])\s*\]\s*\}\s*$/.exec(text);
    const list = spelled === null ? null : parseNestedList(spelled[1]);
    if (list?.kind === "integer") return { ...list, shape: sizes };
  }
  return { kind: "real", shape: sizes, data: Float64Array.from(flat) };
}

/** A rectangular list; null stands for NaN. */
function numberList(value: readonly unknown[], text: string): Field | null {
  const list = parseNestedList(text);
  if (list !== null && list.kind !== "text") return list;
  const flat = flatten(value);
  const shape = shapeOf(value);
  if (flat === null || flat.length === 0 || shape.reduce((a, b) => a * b, 1) !== flat.length) return null;
  return { kind: "real", shape, data: Float64Array.from(flat) };
}

function shapeOf(list: unknown): number[] {
  const shape: number[] = [];
  for (let item = list; Array.isArray(item); item = item[0]) shape.push(item.length);
  return shape;
}
