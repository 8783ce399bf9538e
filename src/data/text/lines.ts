import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import { AtomgradError } from "../../tensor/error.js";
import { fileError } from "../read-file.js";
import { gunzip, isGzip } from "./gzip.js";

const chunkBytes = 1 << 20;
/** A longer line is not text that a structure file holds. */
const maxLineLength = 1 << 26;

/** The lines of a text file, read piece by piece; gzip is unpacked, CRLF and a byte order mark are taken away. */
export class Lines {
  /** Number of the line that was read last, from 1. */
  number = 0;
  private lines: string[] = [];
  private at = 0;
  /** Pieces of a line whose end is not reached. */
  private rest: string[] = [];
  private restLength = 0;
  private ended = false;

  /**
   * @param size bytes of the text, an upper limit for what it can announce
   */
  constructor(
    readonly name: string,
    readonly size: number,
    private readonly chunks: Iterator<string, void>,
  ) {}

  static ofText(text: string, name: string): Lines {
    return new Lines(name, text.length, [text][Symbol.iterator]());
  }

  /** The next line without its end, or null after the last one. */
  next(): string | null {
    if (this.at === this.lines.length && !this.fill()) return null;
    this.number++;
    return this.lines[this.at++];
  }

  /** The next line without taking it. */
  peek(): string | null {
    if (this.at === this.lines.length && !this.fill()) return null;
    return this.lines[this.at];
  }

  /** Gives the line that was taken last back. */
  putBack(line: string): void {
    this.number--;
    if (this.at > 0) this.lines[--this.at] = line;
    else this.lines.unshift(line);
  }

  /** The next line that is not blank. */
  nextFilled(): string | null {
    for (;;) {
      const line = this.next();
      if (line === null || line.trim() !== "") return line;
    }
  }

  /** The next line; the end of the file is an error that says what was expected. */
  need(what: string): string {
    const line = this.next();
    if (line === null) throw this.error(`ends where ${what} is expected; the file was cut short`);
    return line;
  }

  /** An error at the line that was read last. */
  error(what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.name}: line ${this.number}: ${what}`);
  }

  private fill(): boolean {
    while (!this.ended) {
      const chunk = this.chunks.next();
      if (chunk.done === true) this.ended = true;
      else {
        this.rest.push(chunk.value);
        this.restLength += chunk.value.length;
        if (!chunk.value.includes("\n")) {
          this.checkLength(this.restLength, 1);
          continue;
        }
      }
      const lines = this.rest.join("").split("\n");
      const rest = this.ended ? "" : lines.pop()!;
      this.rest = rest === "" ? [] : [rest];
      this.restLength = rest.length;
      if (this.ended && lines.at(-1) === "") lines.pop();
      this.checkLength(rest.length, lines.length + 1);
      this.lines = lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
      this.at = 0;
      if (this.lines.length > 0) return true;
    }
    return false;
  }

  private checkLength(length: number, ahead: number): void {
    if (length <= maxLineLength) return;
    throw new AtomgradError(
      "FORMAT",
      `${this.name}: line ${this.number + ahead} is longer than ${maxLineLength} characters`,
    );
  }
}

/** Encodings of texts: programs in Fortran copy the bytes of titles as they are, which may be no UTF-8. */
export type Encoding = "utf-8" | "latin1";

/** Hands the lines of a file to a generator and closes the file behind it. */
export function* withLines<T>(
  path: string,
  use: (lines: Lines) => Iterable<T>,
  encoding: Encoding = "utf-8",
): Generator<T> {
  const name = basename(path);
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, "r");
    const state = fstatSync(descriptor);
    if (!state.isFile()) throw new AtomgradError("FILE", `${name}: not a regular file; name a file`);
    const start = new Uint8Array(2);
    const packed = readSync(descriptor, start, 0, 2, 0) === 2 && isGzip(start);
    const bytes = packed ? gunzip(readAll(descriptor, state.size, name), name) : null;
    const pieces = bytes === null ? filePieces(descriptor) : memoryPieces(bytes);
    yield* use(new Lines(name, bytes?.length ?? state.size, decoded(pieces, name, encoding)));
  } catch (error) {
    const system = error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
    throw system ? fileError(error, path, "read") : error;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

function readAll(descriptor: number, size: number, name: string): Uint8Array {
  if (size > maxPackedBytes)
    throw new AtomgradError("FORMAT", `${name}: ${size} packed bytes are too many; unpack it with gunzip`);
  const bytes = new Uint8Array(size);
  let done = 0;
  while (done < size) {
    const got = readSync(descriptor, bytes, done, size - done, done);
    if (got === 0) break;
    done += got;
  }
  return bytes.subarray(0, done);
}

const maxPackedBytes = 1 << 27;

function* filePieces(descriptor: number): Generator<Uint8Array> {
  const buffer = new Uint8Array(chunkBytes);
  for (let position = 0; ;) {
    const got = readSync(descriptor, buffer, 0, chunkBytes, position);
    if (got === 0) return;
    position += got;
    yield buffer.subarray(0, got);
  }
}

function* memoryPieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

function* decoded(pieces: Iterable<Uint8Array>, name: string, encoding: Encoding): Generator<string, void> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  let first = true;
  try {
    for (const piece of pieces) {
      if (first && ((piece[0] === 0xff && piece[1] === 0xfe) || (piece[0] === 0xfe && piece[1] === 0xff)))
        throw new AtomgradError("FORMAT", `${name}: the text is UTF-16; save it as UTF-8`);
      first = false;
      yield decoder.decode(piece, { stream: true });
    }
    yield decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new AtomgradError("FORMAT", `${name}: not a text (no valid UTF-8); save it as UTF-8`, {
      cause: error,
    });
  }
}
