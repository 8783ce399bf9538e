import { integers, type Field } from "../structure.js";
import { formatReal, parseReal } from "./numbers.js";

const truth: ReadonlyMap<string, number> = new Map([
  ["T", 1],
  ["True", 1],
  ["TRUE", 1],
  ["true", 1],
  ["F", 0],
  ["False", 0],
  ["FALSE", 0],
  ["false", 0],
]);

/** 1, 0, or null for a word that is no truth value of extended XYZ. */
export function parseTruth(word: string): number | null {
  return truth.get(word) ?? null;
}

/** The field that words stand for: integers, reals, truth values, else texts. */
export function fieldOfWords(words: readonly string[], shape: readonly number[]): Field {
  if (words.every((word) => /^[-+]?\d+$/.test(word))) return wholeField(words, shape);
  const reals = words.map(parseReal);
  if (reals.every((value) => value !== null)) return { kind: "real", shape, data: new Float64Array(reals) };
  const flags = words.map(parseTruth);
  if (flags.every((value) => value !== null)) return { kind: "boolean", shape, data: Uint8Array.from(flags) };
  return { kind: "text", shape, data: words };
}

/** Whole numbers in as many bits as they need; beyond 64 bits, where no number keeps all digits, the words. */
function wholeField(words: readonly string[], shape: readonly number[]): Field {
  if (words.every((word) => word.length <= 15))
    return { kind: "integer", shape, data: integers(words.map(Number)) };
  const text: Field = { kind: "text", shape, data: words };
  if (words.some((word) => word.length > 21)) return text;
  const wide = words.map((word) => BigInt(word.replace(/^\+/, "")));
  if (wide.every((value) => BigInt.asIntN(64, value) === value))
    return { kind: "integer", shape, data: BigInt64Array.from(wide) };
  const isUnsigned = wide.every((value) => BigInt.asUintN(64, value) === value);
  return isUnsigned ? { kind: "integer", shape, data: BigUint64Array.from(wide) } : text;
}

/**
 * A list such as `[[1, 2], [3, 4]]` (JSON or the newer style of extended XYZ, where commas and quotes may be missing)
 * as an array; null where it is not rectangular or not a list of plain values.
 */
export function parseNestedList(text: string): Field | null {
  const token = /\s*(?:([[\]])|"((?:[^"\\]|\\.)*)"|([^\s,[\]"{}]+)|(,))/y;
  const words: string[] = [];
  const shape: number[] = [];
  const counts: number[] = [];
  let quoted = false;
  let leafDepth = -1;
  const close = (): boolean => {
    const depth = counts.length - 1;
    const count = counts.pop()!;
    if (shape[depth] === undefined) shape[depth] = count;
    return shape[depth] === count;
  };
  for (const end = text.trimEnd().length; token.lastIndex < end;) {
    const found = token.exec(text);
    if (found === null) return null;
    const [, bracket, string, word] = found;
    if (bracket === "[") {
      if (counts.length > 0) counts[counts.length - 1]++;
      else if (words.length > 0 || shape.length > 0) return null;
      if (counts.length > 7) return null;
      counts.push(0);
    } else if (bracket === "]") {
      if (counts.length === 0 || !close()) return null;
    } else if (string !== undefined || word !== undefined) {
      if (counts.length === 0) return null;
      if (leafDepth === -1) leafDepth = counts.length;
      if (leafDepth !== counts.length) return null;
      counts[counts.length - 1]++;
      quoted ||= string !== undefined;
      words.push(string === undefined ? word : unquoted(string));
    }
  }
  if (counts.length > 0 || shape.length === 0) return null;
  if (words.length !== shape.reduce((product, size) => product * size, 1)) return null;
  return quoted ? { kind: "text", shape, data: words } : fieldOfWords(words, shape);
}

function unquoted(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}

/** Item `k` of a field as a word. */
export function formatItem(field: Field, k: number): string {
  const value = field.data[k];
  if (field.kind === "real") return formatReal(value as number);
  if (field.kind === "boolean") return value === 0 ? "F" : "T";
  return String(value);
}

/** A field as JSON, reals recognisable as such, NaN and infinities as Python writes them. */
export function fieldToJson(field: Field): string {
  if (field.kind === "json") return field.data[0] as string;
  const item = (k: number): string => {
    const value = field.data[k];
    if (field.kind === "text") return JSON.stringify(value);
    if (field.kind === "boolean") return value === 0 ? "false" : "true";
    if (field.kind === "integer" || Number.isFinite(value)) return formatItem(field, k);
    return Number.isNaN(value) ? "NaN" : (value as number) > 0 ? "Infinity" : "-Infinity";
  };
  const list = (axis: number, start: number, size: number): string => {
    if (axis === field.shape.length) return item(start);
    const step = size / (field.shape[axis] || 1);
    const parts = Array.from({ length: field.shape[axis] }, (_, k) => list(axis + 1, start + k * step, step));
    return `[${parts.join(", ")}]`;
  };
  return list(0, 0, field.data.length);
}
