import { AtomgradError } from "../../../tensor/error.js";
import { isArray, isSection } from "./tree.js";
import type { NdArray, Tree, TreeSection } from "./tree.js";

/** A section of a model file, read key by key; every error names the file and the path of the key. */
export class Fields {
  constructor(
    private readonly section: TreeSection,
    readonly path: string,
    readonly file: string,
  ) {}

  static of(tree: Tree | undefined, path: string, file: string): Fields {
    if (isSection(tree)) return new Fields(tree, path, file);
    throw new AtomgradError(
      "FORMAT",
      `${file}: ${path === "" ? "the model" : path}: ${found(tree)}; a section is needed`,
    );
  }

  has(key: string): boolean {
    return Object.hasOwn(this.section, key) && this.section[key] !== null;
  }

  value(key: string): Tree | undefined {
    return Object.hasOwn(this.section, key) ? this.section[key] : undefined;
  }

  at(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  bad(key: string, what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.file}: ${this.at(key)}: ${what}`);
  }

  child(key: string): Fields {
    return Fields.of(this.value(key), this.at(key), this.file);
  }

  children(key: string): Fields[] {
    const list = this.value(key);
    if (!Array.isArray(list)) throw this.bad(key, `${found(list)}; a list is needed`);
    return list.map((item: Tree, k) => Fields.of(item, `${this.at(key)}[${k}]`, this.file));
  }

  /** `fallback` stands for a key that older versions did not write; without it the key is needed. */
  number(key: string, fallback?: number): number {
    return this.typed(
      key,
      "a number",
      fallback,
      (value) => typeof value === "number" && Number.isFinite(value),
    ) as number;
  }

  whole(key: string, fallback?: number): number {
    const accepts = (value: Tree): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
    return this.typed(key, "a whole number of at least 0", fallback, accepts) as number;
  }

  flag(key: string, fallback?: boolean): boolean {
    return this.typed(key, "true or false", fallback, (value) => typeof value === "boolean") as boolean;
  }

  text(key: string, fallback?: string): string {
    return this.typed(key, "a text", fallback, (value) => typeof value === "string") as string;
  }

  numberOrNull(key: string): number | null {
    return this.has(key) ? this.number(key) : null;
  }

  wholes(key: string, fallback?: readonly number[]): number[] {
    const accepts = (value: Tree): boolean =>
      Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
    return [...(this.typed(key, "a list of whole numbers", fallback, accepts) as readonly number[])];
  }

  texts(key: string): string[] {
    const accepts = (value: Tree): boolean =>
      Array.isArray(value) && value.every((item) => typeof item === "string");
    return [...(this.typed(key, "a list of texts", undefined, accepts) as readonly string[])];
  }

  /** A list of numbers and nulls; a number may stand in a list of its own. */
  numbersOrNulls(key: string): (number | null)[] {
    const list = this.value(key);
    const items = isArray(list) ? [...list.data] : list;
    if (!Array.isArray(items)) throw this.bad(key, `${found(list)}; a list of numbers is needed`);
    return items.map((item: Tree) => {
      const value = Array.isArray(item) && item.length === 1 ? (item[0] as Tree) : item;
      if (value === null || typeof value === "number") return value;
      throw this.bad(key, `${found(value)} in a list of numbers`);
    });
  }

  /** A list of pairs of type numbers; missing means none. */
  pairs(key: string): [number, number][] {
    const isPair = (item: Tree): boolean =>
      Array.isArray(item) &&
      item.length === 2 &&
      item.every((type) => Number.isSafeInteger(type) && type >= 0);
    const accepts = (value: Tree): boolean => Array.isArray(value) && value.every(isPair);
    const list = this.typed(key, "a list of pairs of type numbers", [], accepts) as readonly [
      number,
      number,
    ][];
    return list.map(([a, b]) => [a, b]);
  }

  /** An array of the given shape. */
  array(key: string, shape: readonly number[]): NdArray {
    const array = this.value(key);
    if (!isArray(array))
      throw this.bad(key, `${found(array)}; an array of shape [${shape.join(", ")}] is needed`);
    if (array.shape.length !== shape.length || array.shape.some((extent, axis) => extent !== shape[axis])) {
      throw this.bad(key, `an array of shape [${array.shape.join(", ")}]; [${shape.join(", ")}] is needed`);
    }
    const bad = array.data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw this.bad(key, `entry ${bad} is ${array.data[bad]}; the model is damaged or its training failed`);
    return array;
  }

  arrayOrNull(key: string, shape: readonly number[]): NdArray | null {
    return this.has(key) ? this.array(key, shape) : null;
  }

  /** Checks `@class` (where given) and gives `@version`, which must be one of `versions`. */
  version(kind: string, versions: readonly number[]): number {
    const found = this.text("@class", kind);
    if (found !== kind) throw this.bad("@class", `"${found}"; "${kind}" is needed`);
    const version = this.whole("@version", versions[0]);
    if (versions.includes(version)) return version;
    throw this.bad("@version", `${kind} of version ${version}; versions ${versions.join(", ")} can be read`);
  }

  private typed(key: string, allowed: string, fallback: unknown, accepts: (value: Tree) => boolean): unknown {
    const value = this.value(key);
    if (value === undefined && fallback !== undefined) return fallback;
    if (value !== undefined && accepts(value)) return value;
    throw this.bad(key, `${found(value)}; ${allowed} is needed`);
  }
}

function found(value: Tree | undefined): string {
  if (value === undefined) return "is missing";
  if (isArray(value)) return `found an array of shape [${value.shape.join(", ")}]`;
  if (Array.isArray(value)) return "found a list";
  return isSection(value) ? "found a section" : `found ${JSON.stringify(value).slice(0, 60)}`;
}
