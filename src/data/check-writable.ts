import { accessSync, constants, type Stats, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { fileError } from "./read-file.js";

/**
 * Refuses an output that could not be written, before anything else is: its folder is missing or a file, or a folder is in
 * its place.
 *
 * @param key the option or key that names it, for the message
 */
export function checkWritableFile(path: string, key: string): void {
  const state = statOf(path);
  if (state?.isDirectory())
    throw new AtomgradError("FILE", `${basename(path)}: "${path}" is a folder; change ${key}`);
  check(path, state === undefined ? dirname(resolve(path)) : path, state === undefined, key);
}

/** The same for a folder that will be made where it is missing. */
export function checkWritableFolder(path: string, key: string): void {
  let folder = resolve(path);
  while (statOf(folder) === undefined && dirname(folder) !== folder) folder = dirname(folder);
  check(path, folder, true, key);
}

function check(path: string, target: string, isFolder: boolean, key: string): void {
  const name = basename(path) || path;
  try {
    const state = statSync(target);
    accessSync(target, constants.W_OK);
    if (isFolder && !state.isDirectory())
      throw new AtomgradError(
        "FILE",
        `${name}: cannot be written to "${path}": "${target}" is a file; change ${key}`,
      );
  } catch (error) {
    if (error instanceof AtomgradError) throw error;
    const reason = fileError(error, path, "write", name).message;
    throw new AtomgradError("FILE", `${reason}; change ${key}`, { cause: error });
  }
}

/** A part of the path that is a file answers with an error, not with "missing". */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
