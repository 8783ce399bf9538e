import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { AtomgradError } from "../../tensor/error.js";
import { LmdbFile } from "../lmdb/reader.js";
import type { LmdbValue } from "../lmdb/reader.js";
import { readPickledRecord } from "../pickle/index.js";
import { fileError, memorySource } from "../read-file.js";
import type { Structure } from "../structure.js";
import { graphStructure } from "./graph-structure.js";
import { pygRecord } from "./pyg.js";
import type { PygRecord } from "./pyg.js";

/** The LMDB files of a data set: the file itself, or all `*.lmdb` of a folder in name order, or its `data.mdb`. */
export function lmdbFiles(path: string, ending = ".lmdb"): string[] {
  let names: string[];
  try {
    if (!statSync(path).isDirectory()) return [path];
    names = readdirSync(path).sort();
  } catch (error) {
    throw fileError(error, path, "read");
  }
  if (names.includes("data.mdb")) return [join(path, "data.mdb")];
  return names.filter((name) => name.endsWith(ending)).map((name) => join(path, name));
}

/**
 * A data set of OCP: LMDB files whose values are pickles of PyG `Data` objects, of any version. Records are found by
 * their keys when they are asked for, so that a set of half a million opens at once.
 */
export class OcpLmdb {
  /** Number of records in all files. */
  readonly length: number;
  private readonly parts: readonly Part[];

  /** @throws AtomgradError FILE, or FORMAT when a file is no LMDB file of format 1 */
  constructor(path: string) {
    const parts: Part[] = [];
    try {
      for (const file of lmdbFiles(path)) parts.push(new Part(file));
    } catch (error) {
      for (const part of parts) part.close();
      throw error;
    }
    if (parts.length === 0)
      throw new AtomgradError("FORMAT", `${basename(path)}: a folder without *.lmdb files`);
    this.parts = parts;
    this.length = parts.reduce((sum, part) => sum + part.length, 0);
  }

  /** The attributes of record `index`, counted through all files. */
  record(index: number): PygRecord {
    const [part, at] = this.locate(index);
    return part.record(at);
  }

  /** Record `index` as a structure. */
  structure(index: number): Structure {
    const [part, at] = this.locate(index);
    return graphStructure(part.record(at), `${part.name}, record ${at}`);
  }

  close(): void {
    for (const part of this.parts) part.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private locate(index: number): [Part, number] {
    let rest = index;
    for (const part of this.parts) {
      if (rest >= 0 && rest < part.length) return [part, rest];
      rest -= part.length;
    }
    throw new AtomgradError("VALUE", `record ${index} of ${this.length}; they are numbered from 0`);
  }
}

class Part {
  readonly name: string;
  readonly length: number;
  private readonly file: LmdbFile;
  /** Keys in record order where they are not 0, 1, 2, ...; else null. */
  private readonly keys: readonly LmdbValue[] | null;

  constructor(path: string) {
    this.name = basename(path);
    this.file = new LmdbFile(path);
    try {
      const length = this.storedLength();
      this.keys = length === null && this.file.find("0") === null ? this.numberedKeys() : null;
      this.length = length ?? this.keys?.length ?? this.file.entries;
    } catch (error) {
      this.file.close();
      throw error;
    }
  }

  record(index: number): PygRecord {
    const name = `${this.name}, record ${index}`;
    const value = this.keys === null ? this.file.find(String(index)) : this.keys[index];
    if (value === null)
      throw new AtomgradError("FORMAT", `${name}: missing; the file says it has ${this.length}`);
    return pygRecord(readPickledRecord(memorySource(this.file.read(value), name)), name);
  }

  close(): void {
    this.file.close();
  }

  /** The key `length` is no record: it holds their number, one less than the database has entries. */
  private storedLength(): number | null {
    const value = this.file.get("length");
    if (value === null) return null;
    const length = readPickledRecord(memorySource(value, `${this.name}, key length`));
    if (typeof length === "number" && length >= 0 && length < this.file.entries) return length;
    throw new AtomgradError(
      "FORMAT",
      `${this.name}: the key length is no number of records, the file has ${this.file.entries} entries`,
    );
  }

  private numberedKeys(): LmdbValue[] {
    const found: [number, LmdbValue][] = [];
    for (const [key, value] of this.file.walk()) {
      const text = new TextDecoder().decode(key);
      if (/^\d{1,15}$/.test(text)) found.push([Number(text), value]);
    }
    return found.sort((a, b) => a[0] - b[0]).map(([, value]) => value);
  }
}
