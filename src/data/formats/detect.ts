import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { AtomgradError } from "../../tensor/error.js";
import { isHdf5, loadHdf5 } from "../hdf5.js";
import { fileError, readBeginning } from "../read-file.js";
import { gunzipStart, isGzip } from "../text/gzip.js";
import { isUtf16 } from "../text/utf16.js";
import type { FileStart, StructureFormat } from "./format.js";
import { structureFormats } from "./structure-formats.js";

const startBytes = 1 << 16;

/** A path without the `#/group` that picks a part of an HDF5 file. */
export function filePart(path: string): string {
  const mark = path.indexOf("#");
  return mark > 0 && !existsSync(path) ? path.slice(0, mark) : path;
}

/** Reads the beginning of a file, or the names in a folder. Errors: FILE. */
export function fileStart(path: string): FileStart {
  const file = filePart(path);
  const name = basename(resolve(file)).toLowerCase().replace(/\.gz$/, "");
  try {
    if (statSync(file).isDirectory()) {
      const entries = readdirSync(file).sort();
      return { path, name, isFolder: true, bytes: new Uint8Array(0), text: "", entries };
    }
    const read = readBeginning(file, startBytes);
    const bytes = isGzip(read) ? gunzipStart(read).subarray(0, startBytes) : read;
    return { path, name, isFolder: false, bytes, text: new TextDecoder().decode(bytes), entries: [] };
  } catch (error) {
    throw fileError(error, file, "read");
  }
}

/** Whether a file name is usual for a format. */
function fitsName(format: StructureFormat, name: string): boolean {
  return format.extensions.some((end) => name.endsWith(end)) || (format.fileName?.test(name) ?? false);
}

/**
 * The format of a file that can be read: name and content agree, else the content alone, else the name alone. Null
 * where nothing fits.
 */
export async function detectFormat(start: FileStart): Promise<StructureFormat | null> {
  if (isHdf5(start.bytes)) await loadHdf5();
  const readable = structureFormats.filter((format) => format.read !== undefined);
  const named = readable.filter((format) => fitsName(format, start.name));
  const sniffed = (format: StructureFormat): boolean => format.sniff(start);
  return named.find(sniffed) ?? readable.find(sniffed) ?? (start.isFolder ? null : (named[0] ?? null));
}

/** The format to read a path as. Errors: FILE; FORMAT where none fits. */
export async function formatToRead(path: string): Promise<StructureFormat> {
  const start = fileStart(path);
  const found = await detectFormat(start);
  if (found !== null) return found;
  refuseUtf16(start);
  const what = start.isFolder ? "folder" : start.bytes.length === 0 ? "empty file" : "file";
  throw new AtomgradError(
    "FORMAT",
    `${basename(resolve(filePart(path)))}: this ${what} is of no known structure format; name one with --from if you know it`,
  );
}

/** Texts in UTF-16 look like no format; what is wrong with them is said before anything else. Errors: FORMAT. */
export function refuseUtf16({ path, bytes }: FileStart): void {
  if (isUtf16(bytes))
    throw new AtomgradError("FORMAT", `${basename(filePart(path))}: the text is UTF-16; save it as UTF-8`);
}

/** The format to write a path as, by its name. Errors: CONFIG. */
export function formatToWrite(path: string): StructureFormat {
  const name = basename(path).toLowerCase().replace(/\.gz$/, "");
  const found = structureFormats.find((format) => format.write !== undefined && fitsName(format, name));
  if (found !== undefined) return found;
  const names = structureFormats.flatMap((format) => (format.write === undefined ? [] : [format.name]));
  throw new AtomgradError(
    "CONFIG",
    `${basename(path)}: this name tells no format that can be written; give --to with one of ${names.join(", ")}`,
  );
}
