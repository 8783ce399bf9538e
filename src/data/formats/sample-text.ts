import { basename } from "node:path";
import { AtomgradError } from "../../tensor/error.js";
import type { Structure } from "../structure.js";
import { openFile, readBeginning } from "../read-file.js";
import { readPart } from "../slice-source.js";
import { gunzipBeginning, isGzip } from "../text/gzip.js";
import { Lines, type Encoding } from "../text/lines.js";
import type { StructureSample } from "./format.js";

const windows = 16;
const goldenRatio = 0.618033988749895;
const windowBytes = 1 << 18;
const largestFrame = 1 << 24;

/** What tells where the frames of a text begin, and reads them. */
export interface FrameText {
  /** Whether a frame can begin with the first of these two lines; `before` stands above it. */
  readonly startsFrame: (line: string, next: string, before: string) => boolean;
  readonly read: (lines: Lines) => Iterable<Structure>;
  /** Letters that a line may have, where they are more than usual. */
  readonly longestLine?: number;
}

/** The same of texts whose frames need what stands before the first of them, or cannot be told by single lines. */
export interface PiecewiseText extends Pick<FrameText, "read" | "longestLine"> {
  /** Where frames begin in a piece of the file, from `from` on, up to `most` of them. */
  readonly starts: (piece: string, from: number, most: number, head: string) => number[];
  /** What every frame needs of the file's beginning, and where frames begin; null where the beginning is too short. */
  readonly head?: (beginning: string) => TextHead | null;
  /** What ends the text behind any frame. */
  readonly tail?: string;
  readonly encoding?: Encoding;
  /** Whether a frame's first line may stand within a frame too: where reading fails, the file is read whole. */
  readonly isDoubtful?: boolean;
}

export interface TextHead {
  readonly text: string;
  /** Where frames begin. */
  readonly end: number;
}

/** Some frames of a large text file whose frames are told by their first two lines. */
export function sampleText(path: string, count: number, format: FrameText): StructureSample | null {
  const { startsFrame, ...rest } = format;
  const starts = (piece: string, from: number, most: number): number[] =>
    startsByLines(piece, from, most, startsFrame);
  return samplePieces(path, count, { ...rest, starts });
}

/** Where lines begin that a frame can begin with. */
export function startsByLines(
  text: string,
  from: number,
  most: number,
  startsFrame: FrameText["startsFrame"],
): number[] {
  const starts: number[] = [];
  let at = from;
  let before = "";
  let line = lineAt(text, at);
  for (let end = text.indexOf("\n", at); end >= 0 && starts.length < most; end = text.indexOf("\n", at)) {
    const next = lineAt(text, end + 1);
    if (startsFrame(line, next, before)) starts.push(at);
    [before, line, at] = [line, next, end + 1];
  }
  return starts;
}

function lineAt(text: string, at: number): string {
  const end = text.indexOf("\n", at);
  return text.slice(at, end < 0 ? text.length : end).trim();
}

interface Window {
  readonly structures: readonly Structure[];
  /** Frames of the window, of which the structures are the first ones, and the length of all. */
  readonly frames: number;
  readonly bytes: number;
}

/** A file that is read in places. */
interface Places {
  readonly name: string;
  readonly size: number;
  readonly read: (from: number, to: number) => string;
}

const countedBytes = 1 << 20;

/** Ends of lines in front of a byte. */
function linesBefore({ read }: Places, end: number): number {
  let count = 0;
  for (let at = 0; at < end; at += countedBytes) {
    const piece = read(at, Math.min(end, at + countedBytes));
    for (let k = 0; k < piece.length; k++) if (piece.charCodeAt(k) === 10) count++;
  }
  return count;
}

/**
 * Some frames of a large text file, from places spread over it; how many frames there are is reckoned from their length.
 * Into a packed file there is no way but from its beginning: that is read then. Null where no place shows a whole frame.
 */
export function samplePieces(path: string, count: number, format: PiecewiseText): StructureSample | null {
  try {
    return packedSample(path, count, format) ?? spreadSample(path, count, format);
  } catch (error) {
    if (format.isDoubtful === true && error instanceof AtomgradError) return null;
    throw error;
  }
}

function spreadSample(path: string, count: number, format: PiecewiseText): StructureSample | null {
  const source = openFile(path);
  try {
    const { size } = source;
    if (isGzip(readPart(source, 0, Math.min(2, size)))) return null;
    const read = (from: number, to: number): string =>
      Buffer.from(readPart(source, from, to - from)).toString("latin1");
    const file = { name: basename(source.name), size, read };
    const head = readHead(file, format);
    if (head === null) return null;
    const taken = Array.from({ length: windows }, (_, k) => {
      // Uneven steps: a set may repeat itself.
      const place = k === 0 ? 0 : (k + ((k * goldenRatio) % 1)) / windows;
      const from = head.end + Math.floor(place * (size - head.end));
      return readWindow(file, from, Math.ceil(count / windows), head, format);
    });
    const structures = taken.flatMap((window) => window.structures);
    if (structures.length === 0) return null;
    const bytes = taken.reduce((sum, window) => sum + window.bytes, 0);
    const seen = taken.reduce((sum, { frames }) => sum + frames, 0);
    const frames = Math.round(((size - head.end) / bytes) * seen);
    return { frames, structures, isEstimate: true };
  } finally {
    source.close();
  }
}

const packedBytes = 1 << 19;

/** Frames of the beginning of a packed file. Null where the file is not packed, or holds nothing to go by. */
function packedSample(path: string, count: number, format: PiecewiseText): StructureSample | null {
  const start = readBeginning(path, packedBytes);
  if (!isGzip(start)) return null;
  const unpacked = gunzipBeginning(path, start);
  if (unpacked === null) return null;
  const text = Buffer.from(unpacked.bytes).toString("latin1");
  const read = (from: number, to: number): string => text.slice(from, to);
  // The size is that of all: behind the beginning no frame is whole.
  const file = { name: basename(path), size: unpacked.size, read };
  const head = readHead({ ...file, size: text.length }, format);
  if (head === null) return null;
  const starts = format.starts(text, head.end, Infinity, head.text);
  if (starts.length < 2) return null;
  const { structures, frames, bytes } = readFrames(file, text, 0, starts, count, head, format);
  const all = Math.round(((unpacked.size - head.end) / bytes) * frames);
  return { frames: all, structures, isEstimate: true, isBeginning: true };
}

function readHead(file: Places, { head }: PiecewiseText): TextHead | null {
  if (head === undefined) return { text: "", end: 0 };
  for (let length = windowBytes; ; length *= 8) {
    const end = Math.min(length, file.size);
    const found = head(file.read(0, end));
    if (found !== null || end === file.size || length >= largestFrame) return found;
  }
}

/** The whole frames of a piece of the file; where not even one fits into it, of a longer piece. */
function readWindow(file: Places, from: number, most: number, head: TextHead, format: PiecewiseText): Window {
  for (let length = windowBytes; ; length *= 8) {
    const end = Math.min(file.size, from + length);
    const text = file.read(from, end);
    const isLast = end === file.size || length >= largestFrame;
    const first = from === head.end ? 0 : text.indexOf("\n") + 1;
    const starts = format.starts(text, first, Infinity, head.text);
    if (end === file.size && starts.length > 0) starts.push(text.length);
    if (starts.length < 2 && !isLast) continue;
    if (starts.length < 2) return { structures: [], frames: 0, bytes: 0 };
    return readFrames(file, text, from, starts, most, head, format);
  }
}

/** `most` of the frames between the first and the last of these places of a piece that begins at `from`. */
function readFrames(
  file: Places,
  piece: string,
  from: number,
  starts: readonly number[],
  most: number,
  head: TextHead,
  { read, tail, longestLine, encoding, isDoubtful }: PiecewiseText,
): Window {
  const { name, size } = file;
  const taken = Math.min(most, starts.length - 1);
  const [first, last] = [starts[0], starts[taken]];
  const text = head.text + piece.slice(first, last) + (from + last === size ? "" : (tail ?? ""));
  const decoded = encoding === "latin1" ? text : Buffer.from(text, "latin1").toString();
  const structuresOf = (before: number): Structure[] => [
    ...read(Lines.ofText(decoded, name, longestLine, before)),
  ];
  let structures: Structure[];
  try {
    structures = structuresOf(0);
  } catch (error) {
    if (isDoubtful === true || !(error instanceof AtomgradError)) throw error;
    // The message names a line: that of the file, whose lines are counted only now.
    structures = structuresOf(linesBefore(file, from + first) - (head.text.split("\n").length - 1));
  }
  // Some blocks of a CIF hold no structure.
  const frames = (structures.length / taken) * (starts.length - 1);
  return { structures, frames, bytes: starts.at(-1)! - first };
}
