import { constants, createGunzip, createInflate, createInflateRaw, type ZlibOptions } from "node:zlib";

export type Packing = "gzip" | "zlib" | "deflate";

/** What is used of a zlib stream of Node: how its own synchronous functions run it. */
interface Engine {
  destroy(): unknown;
  _processChunk(bytes: Uint8Array, flush: number): Buffer;
  _handle: { close(): void } | null;
}

function engineOf(packing: Packing, options: ZlibOptions): unknown {
  if (packing === "gzip") return createGunzip(options);
  return packing === "zlib" ? createInflate(options) : createInflateRaw(options);
}

/**
 * Unpacks bytes into at most `most`; with `asFarAsPossible` also what is cut short. Unlike `gunzipSync` and its like it
 * leaves nothing behind for the event loop when bytes are damaged: their streams announce the error there and stay in memory
 * until it turns, hundreds of MiB in a loop over files.
 *
 * Errors: those of zlib; ERR_BUFFER_TOO_LARGE beyond `most`.
 */
export function inflate(
  packing: Packing,
  bytes: Uint8Array,
  most: number,
  asFarAsPossible = false,
): Uint8Array {
  const engine = engineOf(packing, { maxOutputLength: Math.max(1, most) }) as Engine;
  engine.destroy = () => engine;
  try {
    const out = engine._processChunk(bytes, asFarAsPossible ? constants.Z_SYNC_FLUSH : constants.Z_FINISH);
    return new Uint8Array(out.buffer, out.byteOffset, out.length);
  } finally {
    engine._handle?.close();
    engine._handle = null;
  }
}
