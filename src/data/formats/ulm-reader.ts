import { AtomgradError } from "../../tensor/error.js";
import type { ByteSource } from "../read-file.js";
import { jsonField, parsePythonJson } from "../records/ase-json.js";
import { readPart } from "../slice-source.js";
import { isArrayDType, StridedArray } from "../strided-array.js";
import type { Field } from "../structure.js";

const maxJsonBytes = 1 << 26;

export type Json = Readonly<Record<string, unknown>>;

/** An object of JSON, and its text, which tells real numbers from whole ones. */
export interface Item {
  readonly values: Json;
  readonly text: string;
}

const decoder = new TextDecoder();

/** A file of ASE's Ulm format: items of JSON, and arrays beside them. Errors: FORMAT with the frame. */
export class UlmReader {
  readonly count: number;
  private readonly offsets: BigInt64Array;
  private littleEndian = true;

  constructor(readonly source: ByteSource) {
    if (source.size < 56) throw this.bad("it is too short for a trajectory of ASE");
    const head = new DataView(readPart(source, 24, 24).buffer);
    this.count = Number(head.getBigInt64(8, true));
    const at = Number(head.getBigInt64(16, true));
    if (!(this.count >= 0) || !(at >= 48) || at + 8 * this.count > source.size)
      throw this.bad(
        `announces ${this.count} frames, more than its ${source.size} bytes hold; it was cut short`,
      );
    const bytes = readPart(source, at, 8 * this.count);
    const view = new DataView(bytes.buffer);
    this.offsets = BigInt64Array.from({ length: this.count }, (_, k) => view.getBigInt64(8 * k, true));
  }

  bad(what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.source.name}: ${what}`);
  }

  /** The JSON of an item. */
  item(k: number): Item {
    const { source } = this;
    const at = Number(this.offsets[k]);
    if (!(at >= 48) || at + 8 > source.size)
      throw this.bad(`frame ${k} lies outside the file; it was cut short`);
    const length = Number(new DataView(readPart(source, at, 8).buffer).getBigInt64(0, true));
    if (!(length >= 0) || length > maxJsonBytes || at + 8 + length > source.size)
      throw this.bad(`frame ${k} announces ${length} bytes of JSON, more than the file holds`);
    const text = decoder.decode(readPart(source, at + 8, length));
    try {
      const value = parsePythonJson(text);
      if (typeof value === "object" && value !== null && !Array.isArray(value)) {
        this.littleEndian = (value as Json)._little_endian !== false;
        return { values: value as Json, text };
      }
    } catch (error) {
      throw this.bad(`frame ${k} holds no JSON (${(error as Error).message.slice(0, 60)})`);
    }
    throw this.bad(`frame ${k} holds no JSON object`);
  }

  /** An array of numbers, stored outside the JSON (`name.`) or in it. Null where there is none. */
  array(item: Json, name: string, frame: number): Field | null {
    const outside = own(item, `${name}.`) as { ndarray?: unknown } | undefined;
    const inside = own(item, name);
    if (outside?.ndarray === undefined) {
      if (!Array.isArray(inside)) return null;
      const field = jsonField(inside, JSON.stringify(inside));
      return field?.kind === "text" || field?.kind === "json" ? null : field;
    }
    const [shape, dtype, offset] = Array.isArray(outside.ndarray) ? (outside.ndarray as unknown[]) : [];
    if (
      !Array.isArray(shape) ||
      typeof dtype !== "string" ||
      !isArrayDType(dtype) ||
      dtype.startsWith("complex") ||
      !(typeof offset === "number" && offset >= 0)
    )
      throw this.bad(`frame ${frame}: ${name} is no array of numbers`);
    const { source } = this;
    const storage = { source, position: offset, byteLength: Math.max(0, source.size - offset) };
    const label = `${source.name}: frame ${frame}: ${name}`;
    const array = new StridedArray(dtype, shape as number[], storage, undefined, 0, this.littleEndian, label);
    const kind = dtype === "bool" ? "boolean" : dtype.startsWith("float") ? "real" : "integer";
    return { kind, shape: shape as number[], data: array.numbers() };
  }
}

/** Only what the object itself holds: keys come from the file. */
export function own(item: Json, key: string): unknown {
  return Object.hasOwn(item, key) ? item[key] : undefined;
}
