import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { basename } from "node:path";
import { getSystemErrorName } from "node:util";
import { mapFilePart } from "../backends/cpu/host-memory.js";
import { AtomgradError } from "../tensor/error.js";
import { gunzip, isGzip } from "./text/gzip.js";
import { isUtf16 } from "./text/utf16.js";

/** Bytes of known length that can be read piece by piece: a file, or memory. */
export interface ByteSource {
  /** Name for messages: the file's basename. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /** Fills `target` from `position`; throws `FORMAT` when the source ends first. */
  read(target: Uint8Array, position: number): void;
  /** All bytes, where they lie in memory anyway. */
  readonly memory?: Uint8Array;
  /**
   * A part of a file as memory that is read when it is touched; writing to it never reaches the file. The part must lie in
   * the file and have a byte at least. Throws `FILE` or `NATIVE` where the system cannot map it.
   */
  map?(position: number, length: number): ArrayBuffer;
}

const reasons: Record<string, string> = {
  ENOENT: "no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "this is a folder, a file is needed",
  ENOTDIR: "a part of this path is not a folder",
  ENOSPC: "no space left on the device",
  EROFS: "the file system is read-only",
  EMFILE: "too many open files",
  ELOOP: "the symbolic links of this path form a circle",
  ENAMETOOLONG: "the name is too long",
  EDQUOT: "the disk quota is used up",
};

/** The `FILE` error for a failed system call on `path`; an error that no system call made passes through unchanged. */
export function fileError(
  error: unknown,
  path: string,
  action: "read" | "write",
  label = basename(path),
): Error {
  // Node gives its own refusals (a file too large, say) a code as well; the language's errors have none.
  const code: unknown = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (!(error instanceof Error) || error instanceof AtomgradError || typeof code !== "string")
    return error instanceof Error ? error : new Error(String(error));
  const reason = reasons[code] ?? error.message;
  const remedy = action === "read" ? "check the path" : "choose a place that can be written";
  return new AtomgradError("FILE", `${label}: cannot ${action} "${path}": ${reason}; ${remedy}`, {
    cause: error,
  });
}

/** A file held open, for readers that come back to it. Not to be read after `close`. */
export interface OpenFile extends ByteSource {
  close(): void;
}

/**
 * Opens a regular file. Nothing is read or allocated here, but for gzip files named `.gz`, which are unpacked into memory.
 * `label` names the file in messages: its basename unless more of the path is needed to tell it from others.
 */
export function openFile(path: string, label = basename(path)): OpenFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    throw fileError(error, path, "read", label);
  }
  const state = fstatSync(descriptor);
  if (!state.isFile()) {
    closeSync(descriptor);
    const what = state.isDirectory() ? "a folder" : "not a regular file";
    throw new AtomgradError("FILE", `${label}: cannot read "${path}": it is ${what}; name a file`);
  }
  const source = fileSource(descriptor, path, label, state.size);
  if (!/\.gz$/i.test(path)) return source;
  try {
    return unpacked(source);
  } catch (error) {
    source.close();
    throw error;
  }
}

/** Up to so many bytes of the beginning of a file, as they are; errors of the system pass through. */
export function readBeginning(path: string, length: number): Uint8Array<ArrayBuffer> {
  if (!statSync(path).isFile())
    throw new AtomgradError("FILE", `${basename(path)}: neither a regular file nor a folder`);
  const descriptor = openSync(path, "r");
  try {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** The content of a gzip file in memory; any other file as it is. */
function unpacked(file: OpenFile): OpenFile {
  const { name, size } = file;
  const start = new Uint8Array(Math.min(2, size));
  file.read(start, 0);
  if (!isGzip(start)) return file;
  if (size > mostPackedBytes)
    throw new AtomgradError("FORMAT", `${name}: ${size} packed bytes are too many; unpack it with gunzip`);
  const packed = new Uint8Array(size);
  file.read(packed, 0);
  file.close();
  return { ...memorySource(gunzip(packed, name), name), close: () => undefined };
}

const mostPackedBytes = 1 << 27;

/** Opens a regular file, hands it to `use` and closes it; nothing may read from it afterwards. */
export function withFile<T>(path: string, use: (source: ByteSource) => T, label = basename(path)): T {
  const file = openFile(path, label);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

function fileSource(descriptor: number, path: string, name: string, size: number): OpenFile {
  let isOpen = true;
  return {
    name,
    size,
    read(target, position) {
      // A closed descriptor's number may already belong to another file.
      if (!isOpen) throw new AtomgradError("FILE", `${name}: read after it was closed`);
      try {
        readFully(descriptor, name, target, position);
      } catch (error) {
        throw fileError(error, path, "read", name);
      }
    },
    map: (position, length) => {
      const mapped = mapFilePart(descriptor, position, length);
      if (mapped instanceof ArrayBuffer) return mapped;
      const reason = mapped === undefined ? "this runtime has no mapped memory" : getSystemErrorName(-mapped);
      throw new AtomgradError("FILE", `${name}: cannot map "${path}": ${reason}; read it into memory`);
    },
    close() {
      if (isOpen) closeSync(descriptor);
      isOpen = false;
    },
  };
}

/** No system reads more than 2 GiB in one call. */
const mostAtOnce = 2 ** 30;

function readFully(descriptor: number, name: string, target: Uint8Array, position: number): void {
  let done = 0;
  while (done < target.length) {
    const wanted = Math.min(target.length - done, mostAtOnce);
    const got = readSync(descriptor, target, done, wanted, position + done);
    if (got === 0) throw new AtomgradError("FORMAT", `${name}: the file ended while it was being read`);
    done += got;
  }
}

/** Bytes in memory as a source. */
export function memorySource(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    size: bytes.length,
    memory: bytes,
    read(target, position) {
      if (position + target.length > bytes.length) {
        throw new AtomgradError("FORMAT", `${name}: ends at byte ${bytes.length}, more is needed`);
      }
      target.set(bytes.subarray(position, position + target.length));
    },
  };
}

/** Reads a whole file of at most `maxBytes`; a larger one is refused before anything is allocated. */
export function readBytes(path: string, maxBytes: number, label = basename(path)): Uint8Array<ArrayBuffer> {
  const use = (source: ByteSource): Uint8Array<ArrayBuffer> => {
    if (source.size > maxBytes) {
      throw new AtomgradError(
        "FORMAT",
        `${source.name}: ${source.size} bytes are more than the ${maxBytes} a file of this kind may have`,
      );
    }
    const bytes = new Uint8Array(source.size);
    source.read(bytes, 0);
    return bytes;
  };
  return withFile(path, use, label);
}

/** Reads a whole UTF-8 text of at most `maxBytes`, without its byte order mark; other encodings are refused. */
export function readText(path: string, maxBytes: number, label = basename(path)): string {
  return decodeText(readBytes(path, maxBytes, label), label);
}

/** Decodes UTF-8 with or without a byte order mark; UTF-16 and broken sequences are refused with a `FORMAT` error. */
export function decodeText(bytes: Uint8Array, name: string): string {
  if (isUtf16(bytes)) {
    throw new AtomgradError("FORMAT", `${name}: the text is UTF-16; save it as UTF-8`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new AtomgradError("FORMAT", `${name}: the text is not valid UTF-8; save it as UTF-8`, {
      cause: error,
    });
  }
}
