import { statSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { AtomgradError } from "../../tensor/error.js";
import { inflate } from "../inflate.js";

/** Bytes a packed file may have after unpacking: it is held in memory whole, several times as big as structures. */
export const maxUnpackedBytes = 1 << 27;
/** Texts of structures pack to a tenth, repetitive ones to a twentieth; what packs far better was made to fill memory. */
const maxRatio = 40;
const alwaysAllowedBytes = 1 << 23;

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Unpacks all members of a gzip file and checks their sums. Errors: FORMAT for damaged, cut or too large files. */
export function gunzip(bytes: Uint8Array, name: string): Uint8Array {
  const most = Math.min(maxUnpackedBytes, Math.max(alwaysAllowedBytes, maxRatio * bytes.length));
  try {
    return inflate("gzip", bytes, most);
  } catch (error) {
    const large = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    const what = large
      ? `${bytes.length} packed bytes unpack to more than ${most >> 20} MiB; unpack it with gunzip and read the plain file`
      : "the gzip data are damaged or cut short; copy or pack the file again";
    throw new AtomgradError("FORMAT", `${name}: ${what}`, { cause: error });
  }
}

/** What can be unpacked of the first bytes of a gzip file. */
export function gunzipStart(bytes: Uint8Array): Uint8Array {
  try {
    return inflate("gzip", bytes, 1 << 26, true);
  } catch {
    return new Uint8Array(0);
  }
}

/**
 * What can be unpacked of the first bytes of a gzip file, and how many bytes the whole file has then, reckoned from how well
 * these are packed. Null where it was made to fill memory: unpacking all of it says so.
 */
export function gunzipBeginning(path: string, start: Uint8Array): { bytes: Uint8Array; size: number } | null {
  const bytes = gunzipStart(start);
  if (bytes.length === 0 || bytes.length > Math.max(alwaysAllowedBytes, maxRatio * start.length)) return null;
  return { bytes, size: Math.round((statSync(path).size / start.length) * bytes.length) };
}

/** Packs pieces into one gzip file with a member per piece. */
export function* gzipPieces(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const piece of pieces) yield gzipSync(piece);
}
