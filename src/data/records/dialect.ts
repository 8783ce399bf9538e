import { existsSync, statSync } from "node:fs";
import { AtomgradError } from "../../tensor/error.js";
import { LmdbFile } from "../lmdb/reader.js";
import { lmdb } from "../lmdb/layout.js";
import { aselmdbFiles } from "./aselmdb.js";
import { lmdbFiles } from "./ocp-lmdb.js";

/** Who wrote the records of an LMDB file. */
export type LmdbDialect = "ocp-lmdb" | "aselmdb" | "deepmd-lmdb";

/** Whether a file begins as LMDB files do. */
export function beginsAsLmdb(bytes: Uint8Array): boolean {
  return (
    bytes.length >= 20 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(16, true) === lmdb.magic
  );
}

/** The kind of records in an LMDB file or in a folder of them; null when there is none that opens. */
export function lmdbDialect(path: string): LmdbDialect | null {
  const [first] = lmdbFiles(path).concat(aselmdbFiles(path).filter((file) => file !== path));
  if (first === undefined || !existsSync(first) || !statSync(first).isFile()) return null;
  let file: LmdbFile;
  try {
    file = new LmdbFile(first);
  } catch (error) {
    if (error instanceof AtomgradError) return null;
    throw error;
  }
  try {
    if (file.find("__metadata__") !== null) return "deepmd-lmdb";
    const row = file.find("0") === null ? file.get("1") : null;
    // Rows of ASE are zlib streams.
    return file.find("nextid") !== null || (row !== null && row[0] === 0x78) ? "aselmdb" : "ocp-lmdb";
  } catch (error) {
    if (error instanceof AtomgradError) return null;
    throw error;
  } finally {
    file.close();
  }
}
