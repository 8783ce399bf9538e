import { isAscii } from "node:buffer";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import { TextDecoder } from "node:util";
import { AtomgradError } from "../../tensor/error.js";
import { fileError } from "../read-file.js";
import { gunzip, isGzip } from "./gzip.js";
import { isUtf16 } from "./utf16.js";

const chunkBytes = 1 << 20;
/** Letters of a line, unless a format has reason for longer ones: rows of numbers come nowhere near. */
const usualLine = 1 << 20;
/** The same of formats that write a whole structure on one line. */
export const structureLine = 1 << 23;

/** The lines of a text file, read piece by piece; gzip is unpacked, CRLF and a byte order mark are taken away. */
export class Lines {
  /** Number of the line that was read last, from 1. */
  number = 0;
  /** Where the line that was read last stands, without its end. */
  text = "";
  start = 0;
  end = 0;
  /** Whole lines, and where the next of them begins. */
  private chunk = "";
  private at = 0;
  private stop = 0;
  /** Lines that were given back, the next one last. */
  private readonly given: string[] = [];
  /** Pieces of a line whose end is not reached. */
  private rest: string[] = [];
  private restLength = 0;
  private ended = false;

  /**
   * @param size bytes of the text, an upper limit for what it can announce
   * @param longestLine letters; a longer line is an error
   */
  constructor(
    readonly name: string,
    readonly size: number,
    private readonly chunks: Iterator<string, void>,
    private readonly longestLine = usualLine,
  ) {}

  /** @param before lines that stand above the text in its file */
  static ofText(text: string, name: string, longestLine = usualLine, before = 0): Lines {
    const lines = new Lines(name, text.length, [text][Symbol.iterator](), longestLine);
    lines.number = before;
    return lines;
  }

  /** Takes the next line without making a string of it: `text`, `start` and `end` say where it is. False after the last one. */
  take(): boolean {
    const given = this.given.pop();
    if (given !== undefined) {
      [this.text, this.start, this.end] = [given, 0, given.length];
    } else {
      if (this.at >= this.stop && !this.fill()) return false;
      this.text = this.chunk;
      this.start = this.at;
      const end = this.lineEnd();
      this.end = this.withoutReturn(end);
      this.at = end + 1;
    }
    this.number++;
    return true;
  }

  /** Passes over so many lines by their ends alone; gives how many there were. */
  skip(count: number): number {
    let left = count;
    while (left > 0 && this.given.length > 0 && this.take()) left--;
    while (left > 0 && (this.at < this.stop || this.fill()))
      for (; left > 0 && this.at < this.stop; left--) {
        this.at = this.lineEnd() + 1;
        this.number++;
      }
    return count - left;
  }

  /** The next line without its end, or null after the last one. */
  next(): string | null {
    return this.take() ? this.text.slice(this.start, this.end) : null;
  }

  /** So many lines as one text, in one piece where they stand in one; null where the file ends before. */
  nextText(count: number): string | null {
    let before = "";
    let [text, start, end] = ["", 0, 0];
    for (let k = 0; k < count; k++) {
      if (!this.take()) return null;
      if (this.text !== text) {
        if (k > 0) before += `${text.slice(start, end)}\n`;
        [text, start] = [this.text, this.start];
      }
      end = this.end;
    }
    return before + text.slice(start, end);
  }

  /** The next line without taking it. */
  peek(): string | null {
    const given = this.given.at(-1);
    if (given !== undefined) return given;
    if (this.at >= this.stop && !this.fill()) return null;
    return this.chunk.slice(this.at, this.withoutReturn(this.lineEnd()));
  }

  /** Gives the line that was taken last back. */
  putBack(line: string): void {
    this.number--;
    this.given.push(line);
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
    if (line === null) throw this.cutShort(what);
    return line;
  }

  /** The error of a file that ends after the line that was read last. */
  cutShort(what: string): AtomgradError {
    return this.error(`ends where ${what} is expected; the file was cut short`);
  }

  /** Passes over the lines of the atoms of a frame; the end of the file is an error. */
  skipAtoms(atoms: number): void {
    const found = this.skip(atoms);
    if (found < atoms) this.need(`atom ${found + 1} of ${atoms}`);
  }

  /** An error at the line that was read last. */
  error(what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.name}: line ${this.number}: ${what}`);
  }

  private lineEnd(): number {
    const found = this.chunk.indexOf("\n", this.at);
    const end = found < 0 ? this.chunk.length : found;
    if (end - this.at > this.longestLine) throw this.tooLong(this.number + 1);
    return end;
  }

  private withoutReturn(end: number): number {
    return end > this.at && this.chunk.charCodeAt(end - 1) === 13 ? end - 1 : end;
  }

  private fill(): boolean {
    while (!this.ended) {
      const piece = this.chunks.next();
      if (piece.done === true) this.ended = true;
      else {
        this.rest.push(piece.value);
        this.restLength += piece.value.length;
        if (!piece.value.includes("\n")) {
          this.checkLength("");
          continue;
        }
      }
      const text = this.rest.join("");
      this.stop = this.ended ? text.length : text.lastIndexOf("\n") + 1;
      this.chunk = text;
      this.at = 0;
      const rest = text.slice(this.stop);
      this.rest = rest === "" ? [] : [rest];
      this.restLength = rest.length;
      this.checkLength(text);
      if (this.stop > 0) return true;
    }
    return false;
  }

  /** @param ahead lines before the one that is too long, if it is */
  private checkLength(ahead: string): void {
    if (this.restLength > this.longestLine) throw this.tooLong(this.number + ahead.split("\n").length);
  }

  private tooLong(line: number): AtomgradError {
    const what = `line ${line} is longer than ${this.longestLine} characters, the most that this format has use for`;
    return new AtomgradError("FORMAT", `${this.name}: ${what}; check the ends of its lines`);
  }
}

/** Encodings of texts: programs in Fortran copy the bytes of titles as they are, which may be no UTF-8. */
export type Encoding = "utf-8" | "latin1";

export interface TextOptions {
  /** UTF-8 by default. */
  readonly encoding?: Encoding;
  /** Letters that a line may have. */
  readonly longestLine?: number;
}

/** Hands the lines of a file to a generator and closes the file behind it. */
export function* withLines<T>(
  path: string,
  use: (lines: Lines) => Iterable<T>,
  { encoding = "utf-8", longestLine }: TextOptions = {},
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
    const size = bytes?.length ?? state.size;
    yield* use(new Lines(name, size, decoded(pieces, name, encoding), longestLine));
  } catch (error) {
    throw fileError(error, path, "read");
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

/** Whether bytes begin with the byte order mark of UTF-8, which is no part of the text whatever its encoding. */
function hasMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

function* decoded(pieces: Iterable<Uint8Array>, name: string, encoding: Encoding): Generator<string, void> {
  let decoder: TextDecoder | null = null;
  let first = true;
  try {
    for (const bytes of pieces) {
      if (first && isUtf16(bytes))
        throw new AtomgradError("FORMAT", `${name}: the text is UTF-16; save it as UTF-8`);
      const piece = first && hasMark(bytes) ? bytes.subarray(3) : bytes;
      // Most texts are ASCII to their end, of which every encoding says the same, in a tenth of the time.
      if (decoder === null && isAscii(piece))
        yield Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString("latin1");
      else {
        decoder ??= new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
        yield decoder.decode(piece, { stream: true });
      }
      first = false;
    }
    if (decoder !== null) yield decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new AtomgradError("FORMAT", `${name}: not a text (no valid UTF-8); save it as UTF-8`, {
      cause: error,
    });
  }
}
