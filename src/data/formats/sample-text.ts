import { basename } from "node:path";
import type { Structure } from "../structure.js";
import { type OpenFile, openFile } from "../read-file.js";
import { readPart } from "../slice-source.js";
import { isGzip } from "../text/gzip.js";
import { Lines } from "../text/lines.js";
import type { StructureSample } from "./format.js";

const windows = 16;
const windowBytes = 1 << 18;
const largestFrame = 1 << 24;

/** What tells where frames begin, and reads them. */
export interface FrameText {
  /** Whether a frame can begin with these two lines. */
  readonly startsFrame: (line: string, next: string) => boolean;
  readonly read: (lines: Lines) => Iterable<Structure>;
  /** Letters that a line may have, where they are more than usual. */
  readonly longestLine?: number;
}

interface Window {
  readonly structures: Structure[];
  readonly bytes: number;
}

/**
 * Some frames of a large text file, from places spread over it; how many frames there are is reckoned from their length.
 * Null for a packed file, into which there is no other way than to read it whole, and where no place shows a whole frame.
 */
export function sampleText(path: string, count: number, format: FrameText): StructureSample | null {
  const source = openFile(path);
  try {
    if (isGzip(readPart(source, 0, Math.min(2, source.size)))) return null;
    const taken = Array.from({ length: windows }, (_, k) =>
      readWindow(source, Math.floor((k * source.size) / windows), Math.ceil(count / windows), format),
    );
    const structures = taken.flatMap((window) => window.structures);
    const bytes = taken.reduce((sum, window) => sum + window.bytes, 0);
    if (structures.length === 0) return null;
    return { frames: Math.round((source.size / bytes) * structures.length), structures, isEstimate: true };
  } finally {
    source.close();
  }
}

/** The whole frames of a piece of the file; where not even one fits into it, of a longer piece. */
function readWindow(source: OpenFile, from: number, most: number, format: FrameText): Window {
  for (let length = windowBytes; ; length *= 8) {
    const end = Math.min(source.size, from + length);
    const text = Buffer.from(readPart(source, from, end - from)).toString("latin1");
    const isLast = end === source.size || length >= largestFrame;
    const starts = frameStarts(text, from === 0, most + 1, format);
    if (end === source.size && starts.length <= most) starts.push(text.length);
    if (starts.length < 2 && !isLast) continue;
    if (starts.length < 2) return { structures: [], bytes: 0 };
    const bytes = starts.at(-1)! - starts[0];
    const whole = Buffer.from(text.slice(starts[0], starts.at(-1)), "latin1").toString();
    const label = `${basename(source.name)} (from byte ${from + starts[0]} on)`;
    const lines = Lines.ofText(whole, label, format.longestLine);
    return { structures: [...format.read(lines)], bytes };
  }
}

/** Where frames begin in a piece of text. */
function frameStarts(text: string, isStart: boolean, most: number, { startsFrame }: FrameText): number[] {
  const starts: number[] = [];
  let at = isStart ? 0 : text.indexOf("\n") + 1;
  for (let end = text.indexOf("\n", at); end >= 0 && starts.length < most; end = text.indexOf("\n", at)) {
    const nextEnd = text.indexOf("\n", end + 1);
    const next = text.slice(end + 1, nextEnd < 0 ? text.length : nextEnd);
    if (startsFrame(text.slice(at, end).trim(), next.trim())) starts.push(at);
    at = end + 1;
  }
  return starts;
}
