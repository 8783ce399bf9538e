import { AtomgradError } from "../../../tensor/error.js";
import { parseYaml } from "../config/parse-text.js";
import { isRealKey } from "../real-keys.js";
import { arrayTypes, isArray, ndArray, sizeOf } from "./tree.js";
import type { NdArray, Tree } from "./tree.js";
import { OutsideSubset, TooLarge, parseYamlBlock } from "./yaml-block.js";
import type { Plain } from "./yaml-block.js";

/** Larger texts must be in the block style DeePMD-kit writes: the general reader takes seconds and a gigabyte per megabyte. */
const maxGeneralText = 1 << 18;
const maxDepth = 64;

/**
 * Parses the text of a `.yaml` model of DeePMD-kit, anchors and aliases included.
 *
 * @throws AtomgradError FORMAT when the text is no YAML, too large, or an array in it is ragged or holds no numbers
 */
export function parseYamlTree(text: string, name: string): Tree {
  return new ArrayDecoder(name).decode(parsePlain(text, name), "", 0);
}

function parsePlain(text: string, name: string): Plain {
  try {
    return parseYamlBlock(text);
  } catch (error) {
    if (error instanceof TooLarge)
      throw new AtomgradError("FORMAT", `${name}: too large or too deep for a model file`);
    if (!(error instanceof OutsideSubset)) throw error;
  }
  if (text.length > maxGeneralText) {
    throw new AtomgradError(
      "FORMAT",
      `${name}: not in the block style in which DeePMD-kit writes .yaml models, and too large to be read otherwise; convert it to .dp`,
    );
  }
  return parseYaml(text, name) as Plain;
}

/** Replaces the sections that stand for arrays; shared parts (aliases) are decoded once. */
class ArrayDecoder {
  private readonly done = new Map<object, Tree>();

  constructor(private readonly name: string) {}

  decode(value: Plain, path: string, depth: number): Tree {
    if (typeof value !== "object" || value === null) return value;
    if (depth > maxDepth)
      throw new AtomgradError("FORMAT", `${this.name}: nested more than ${maxDepth} levels deep`);
    const known = this.done.get(value);
    if (known !== undefined) return known;
    const decoded = Array.isArray(value)
      ? value.map((item, k) => this.decode(item, `${path}[${k}]`, depth + 1))
      : value["@class"] === "np.ndarray"
        ? this.array(value, path)
        : this.section(value, path, depth);
    this.done.set(value, decoded);
    return decoded;
  }

  private section(value: { [key: string]: Plain }, path: string, depth: number): Tree {
    const entries = Object.entries(value).map(([key, item]) => {
      return [key, this.decode(item, path === "" ? key : `${path}.${key}`, depth + 1)] as const;
    });
    return Object.fromEntries(entries);
  }

  private array({ dtype, value }: { [key: string]: Plain }, path: string): NdArray {
    const bad = (what: string): AtomgradError =>
      new AtomgradError("FORMAT", `${this.name}: ${path}: ${what}`);
    if (dtype === undefined) throw bad("an array without dtype");
    if (typeof dtype !== "string" || !arrayTypes.has(dtype)) {
      throw bad(`an array of type ${JSON.stringify(dtype).slice(0, 40)}; numbers are needed`);
    }
    if (value === undefined) throw bad("an array without value");
    const shape: number[] = [];
    for (let item: Plain = value; Array.isArray(item); item = item[0]) {
      shape.push(item.length);
      if (item.length === 0) break;
      if (shape.length > 32) throw bad("an array of more than 32 dimensions");
    }
    const numbers: number[] = [];
    flatten(value, shape, 0, numbers, bad);
    return ndArray(shape, numbers, dtype);
  }
}

function flatten(
  value: Plain,
  shape: readonly number[],
  axis: number,
  out: number[],
  bad: (what: string) => Error,
): void {
  if (axis === shape.length) {
    if (typeof value !== "number" && typeof value !== "boolean")
      throw bad("an array that holds something else than numbers");
    out.push(Number(value));
    return;
  }
  if (!Array.isArray(value) || value.length !== shape[axis])
    throw bad("an array whose rows differ in length");
  if (out.length > 1e8) throw bad("an array that is too large");
  for (const item of value) flatten(item, shape, axis + 1, out, bad);
}

/** The text of a `.yaml` model in the block style, readable by PyYAML (which asks for a point in every real number). */
export function formatYamlTree(tree: Tree): string {
  const lines: string[] = [];
  writeNode(tree, 0, "", lines);
  return `${lines.join("\n")}\n`;
}

/** Writes a value; `lead` is what already stands in its line ("key: ", "- "), at column `indent`. */
function writeNode(value: Tree, indent: number, lead: string, lines: string[], real = false): void {
  if (isArray(value)) return writeArray(value, indent, lead, lines);
  const pad = " ".repeat(indent);
  if (Array.isArray(value)) {
    if (value.length === 0) lines.push(`${lead}[]`);
    else writeList(value as readonly Tree[], indent, lead, lines, real);
    return;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value as { [key: string]: Tree }).sort(([a], [b]) =>
      a < b ? -1 : a > b ? 1 : 0,
    );
    if (entries.length === 0) return void lines.push(`${lead}{}`);
    if (lead.endsWith(": ")) lines.push(lead.trimEnd());
    entries.forEach(([key, item], k) => {
      const start = k === 0 && lead.endsWith("- ") ? lead : pad;
      writeNode(item, indent + 2, `${start}${scalarText(key)}: `, lines, real || isRealKey(key));
    });
    return;
  }
  lines.push(lead + (real && typeof value === "number" ? realText(value) : scalarText(value)));
}

function writeList(
  items: readonly Tree[],
  indent: number,
  lead: string,
  lines: string[],
  real: boolean,
): void {
  const keyed = lead.endsWith(": ");
  if (keyed) lines.push(lead.trimEnd());
  const column = keyed ? indent - 2 : indent;
  items.forEach((item, k) => {
    const start = k === 0 && lead.endsWith("- ") ? lead : " ".repeat(column);
    writeNode(item, column + 2, `${start}- `, lines, real);
  });
}

function writeArray({ dtype, shape, data }: NdArray, indent: number, lead: string, lines: string[]): void {
  const real = dtype.includes("float");
  const number = (k: number): string =>
    dtype === "bool" ? String(data[k] !== 0) : real ? realText(data[k]) : String(data[k]);
  const pad = " ".repeat(indent);
  const first = lead.endsWith("- ") ? lead : pad;
  if (lead.endsWith(": ")) lines.push(lead.trimEnd());
  lines.push(
    `${first}'@class': np.ndarray`,
    `${pad}'@is_variable': true`,
    `${pad}'@version': 1`,
    `${pad}dtype: ${dtype}`,
  );
  if (shape.length === 0) return void lines.push(`${pad}value: ${number(0)}`);
  if (sizeOf(shape) === 0) return void lines.push(`${pad}value: []`);
  lines.push(`${pad}value:`);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1))).reverse();
  const leads = shape.map((_, k) => `${pad}${"  ".repeat(shape.length - k - 1)}${"- ".repeat(k + 1)}`);
  for (let k = 0; k < data.length; k++) {
    let opened = 0;
    while (opened + 1 < strides.length && k % strides[opened + 1] === 0) opened++;
    lines.push(leads[opened] + number(k));
  }
}

/** A real number as YAML 1.1 wants it: with a point, and a sign in the exponent. */
function realText(value: number): string {
  if (Number.isNaN(value)) return ".nan";
  if (!Number.isFinite(value)) return value > 0 ? ".inf" : "-.inf";
  const text = Object.is(value, -0) ? "-0.0" : String(value);
  const [mantissa, exponent] = text.split("e");
  return (
    (mantissa.includes(".") ? mantissa : `${mantissa}.0`) + (exponent === undefined ? "" : `e${exponent}`)
  );
}

function scalarText(value: null | boolean | number | string): string {
  if (typeof value === "number")
    return Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : realText(value);
  if (typeof value !== "string") return String(value);
  const plain = /^[A-Za-z_][A-Za-z0-9_./ -]*$/.test(value) && !/ $/.test(value);
  const word = /^(y|n|yes|no|true|false|on|off|null|none)$/i.test(value);
  if (plain && !word) return value;
  return /^[\x20-\x7e]*$/.test(value) ? `'${value.replaceAll("'", "''")}'` : JSON.stringify(value);
}
