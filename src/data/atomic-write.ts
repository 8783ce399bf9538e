import { randomBytes } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import type { Stats } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { fileError } from "./read-file.js";

/** Puts bytes at a position of the file that is being written. */
export type WriteAt = (bytes: Uint8Array, position: number) => void;

/**
 * What a file will hold: text (UTF-8), bytes, pieces of bytes written one after the other as they are made, or a
 * function that puts pieces where they belong.
 */
export type FileContent = string | Uint8Array | Iterable<Uint8Array> | ((write: WriteAt) => void);

/** One file of a group that is written as a whole. */
export interface FileToWrite {
  readonly path: string;
  readonly content: FileContent;
}

interface Prepared {
  /** As the caller named it, for messages. */
  readonly path: string;
  /** Where the content goes: symbolic links are resolved, so that they survive the rename. */
  readonly target: string;
  /** Null for a pipe or device, which is written in place. */
  temporary: string | null;
}

/**
 * Writes a file so that a reader sees the old content or the new one, never a part: a temporary name in the same
 * folder, fsync, rename, fsync of the folder. On failure nothing is left and an existing file stays as it was.
 * Synchronous, hence usable in signal handlers. Missing folders are made (and removed again on failure).
 *
 * @throws AtomgradError FILE with the reason (missing permission, full disk, a folder in the way)
 */
export function writeFileAtomicSync(path: string, content: FileContent): void {
  writeFilesAtomicSync([{ path, content }]);
}

/**
 * Writes several files that belong together. All contents reach the disk under temporary names before the first
 * rename, so a bad disk or a full one leaves none of them; only a crash between two renames can leave a part of the
 * group, each file of it whole.
 */
export function writeFilesAtomicSync(files: readonly FileToWrite[]): void {
  const made: string[] = [];
  const prepared: Prepared[] = [];
  let current = files[0]?.path ?? "";
  try {
    for (const file of files) {
      current = file.path;
      makeFolders(dirname(resolve(file.path)), made);
      const entry = prepare(file.path);
      prepared.push(entry);
      writeContent(entry, file.content);
    }
    for (const entry of prepared) {
      current = entry.path;
      if (entry.temporary === null) continue;
      renameSync(entry.temporary, entry.target);
      entry.temporary = null;
    }
    for (const folder of new Set(prepared.map((entry) => dirname(entry.target)))) syncFolder(folder);
  } catch (error) {
    cleanUp(prepared, made);
    throw fileError(error, current, "write");
  }
}

/**
 * Removes temporary files that a killed process of this machine left in `folder`. Files of running processes and of
 * other machines (shared disks) stay.
 */
export function removeStaleTemporariesSync(folder: string): void {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return;
  }
  for (const name of names) {
    const found = /^\..+\.([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/.exec(name);
    if (found === null || found[1] !== machineMark() || isRunning(Number(found[2]))) continue;
    removeQuietly(join(folder, name));
  }
}

function prepare(path: string): Prepared {
  const state = stateOf(path);
  if (state?.isDirectory()) {
    throw new AtomgradError("FILE", `${basename(path)}: cannot write "${path}": it is a folder; name a file`);
  }
  if (state !== null && !state.isFile()) return { path, target: path, temporary: null };
  const target = state === null ? resolve(path) : realpathSync(path);
  if (state !== null) accessSync(target, constants.W_OK);
  const name = `.${basename(target)}.${machineMark()}-${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
  return { path, target, temporary: join(dirname(target), name) };
}

function writeContent(entry: Prepared, content: FileContent): void {
  const state = stateOf(entry.target);
  const descriptor = openSync(entry.temporary ?? entry.target, entry.temporary === null ? "w" : "wx");
  try {
    if (typeof content === "function") content((bytes, position) => writeFully(descriptor, bytes, position));
    else for (const piece of pieces(content)) writeFully(descriptor, piece, null);
    if (entry.temporary !== null) {
      if (state !== null) fchmodSync(descriptor, state.mode & 0o7777);
      fsyncSync(descriptor);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** At a position, or where the last piece ended. */
function writeFully(descriptor: number, bytes: Uint8Array, position: number | null): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(
      descriptor,
      bytes,
      done,
      bytes.length - done,
      position === null ? null : position + done,
    );
  }
}

function pieces(content: string | Uint8Array | Iterable<Uint8Array>): Iterable<Uint8Array> {
  if (typeof content === "string") return [new TextEncoder().encode(content)];
  return content instanceof Uint8Array ? [content] : content;
}

/**
 * Makes a folder and those above it, and adds the new ones to `made`. One by one: Node's recursive mkdir never returns
 * below /proc. Errors: those of the system call.
 */
export function makeFolders(folder: string, made: string[] = []): void {
  if (existsSync(folder)) return;
  makeFolders(dirname(folder), made);
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw error;
  }
  made.push(folder);
}

function cleanUp(prepared: readonly Prepared[], made: readonly string[]): void {
  for (const entry of prepared) if (entry.temporary !== null) removeQuietly(entry.temporary);
  for (const folder of [...made].reverse()) {
    try {
      rmdirSync(folder);
    } catch {
      return;
    }
  }
}

/** A rename is on the disk only when its folder is; file systems that cannot sync a folder (EINVAL, Windows) do so by themselves. */
function syncFolder(folder: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(folder, "r");
  } catch {
    return;
  }
  try {
    fsyncSync(descriptor);
  } catch {
    return;
  } finally {
    closeSync(descriptor);
  }
}

function stateOf(path: string): Stats | null {
  return statSync(path, { throwIfNoEntry: false }) ?? null;
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    return;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Eight hex digits that stand for this machine (FNV-1a of its name): tells our leftovers from those of other machines. */
function machineMark(): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(hostname())) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
