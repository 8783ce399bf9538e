import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { fileError } from "./read-file.js";

/** A text file that grows line by line while others read it. Errors: FILE with the path and the reason. */
export class LineFile {
  private readonly descriptor: number;

  /** @param append go on with the file; else it begins empty */
  constructor(
    private readonly path: string,
    append: boolean,
  ) {
    this.descriptor = this.attempt(() => openSync(path, append ? "a" : "w"));
  }

  /** Writes whole lines at once, so that a reader or a crash sees no part of one. */
  write(lines: string): void {
    this.attempt(() => writeSync(this.descriptor, lines));
  }

  /** Brings the lines to the disk. */
  close(): void {
    try {
      fsyncSync(this.descriptor);
    } catch (error) {
      // Pipes and devices (/dev/null) have nothing to sync.
      if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw fileError(error, this.path, "write");
    } finally {
      closeSync(this.descriptor);
    }
  }

  private attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw fileError(error, this.path, "write");
    }
  }
}
