import { writeSync } from "node:fs";

const stdout = 1;

/** Milliseconds until a full pipe is tried again. */
const pause = 2;

/**
 * Writes text of any length to stdout piece by piece and waits for a slow reader, so that memory does not grow with the
 * text. Returns false when nobody reads on (`atomgrad ... | head`), which is no mistake.
 */
export function writeOut(pieces: Iterable<string>): boolean {
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    for (let at = 0; at < bytes.length;) {
      try {
        at += writeSync(stdout, bytes, at);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EPIPE") return false;
        if (code !== "EAGAIN") throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause);
      }
    }
  }
  return true;
}
