import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { fileError } from "./read-file.js";

/**
 * The system folders that the `systems` of an input mean (deepmd.md 1.9). One string is searched, itself included, for
 * folders that hold `type.raw`; the folders of a list are taken as they are, in their order. Found folders are sorted
 * by path; symbolic links are followed once.
 *
 * @param patterns glob patterns (`rglob_patterns`): keep only folders whose path below the root ends like one of them
 * @throws AtomgradError FILE when a folder is missing or nothing is found
 */
export function findDeepmdSystems(
  systems: string | readonly string[],
  patterns: readonly string[] | null = null,
): string[] {
  if (typeof systems !== "string") {
    if (patterns !== null) {
      throw new AtomgradError(
        "CONFIG",
        'rglob_patterns: only one folder can be searched; give "systems" as one string',
      );
    }
    systems.forEach(checkSystem);
    return [...systems];
  }
  refuseOtherFormats(systems);
  const found: string[][] = [];
  search(systems, [], new Set(), found);
  const kept =
    patterns === null ? found : found.filter((path) => patterns.some((pattern) => endsLike(path, pattern)));
  if (kept.length === 0) {
    const what =
      patterns === null ? "" : ` that matches ${patterns.map((text) => JSON.stringify(text)).join(", ")}`;
    throw new AtomgradError(
      "FILE",
      `${basename(systems)}: no folder with type.raw${what} in "${systems}"; name a folder of DeePMD systems`,
    );
  }
  return kept.map((path) => join(systems, ...path)).sort();
}

function checkSystem(folder: string): void {
  refuseOtherFormats(folder);
  if (existsSync(join(folder, "type.raw"))) return;
  const reason = existsSync(folder)
    ? `holds no type.raw; to search the folders in it give "systems" as one string, not as a list`
    : "no such folder; paths are relative to the working directory";
  throw new AtomgradError("FILE", `${basename(folder)}: "${folder}": ${reason}`);
}

function refuseOtherFormats(path: string): void {
  const found = /\.(hdf5|h5)(#|$)/.test(path) ? "HDF5" : /\.lmdb\/?$/.test(path) ? "LMDB" : null;
  if (found === null) return;
  throw new AtomgradError(
    "FORMAT",
    `${basename(path.replace(/#.*/, ""))}: a folder of systems (deepmd/npy) is needed here, no ${found} data; train, test and eval take them as they are`,
  );
}

function search(root: string, path: readonly string[], visited: Set<string>, found: string[][]): void {
  const folder = join(root, ...path);
  let names: string[];
  try {
    const real = realpathSync(folder);
    if (visited.has(real)) return;
    visited.add(real);
    names = readdirSync(folder).sort();
  } catch (error) {
    throw fileError(error, folder, "read");
  }
  if (names.includes("type.raw")) found.push([...path]);
  for (const name of names) {
    if (name.startsWith("set.")) continue;
    const isFolder = statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (isFolder) search(root, [...path, name], visited, found);
  }
}

/** Whether the last components of `path` match the pattern's; `**` stands for any number of components. */
function endsLike(path: readonly string[], pattern: string): boolean {
  return path.length > 0 && matches(path, ["**", ...pattern.split("/").filter((part) => part !== "")]);
}

function matches(path: readonly string[], parts: readonly string[]): boolean {
  if (parts.length === 0) return path.length === 0;
  const [part, ...rest] = parts;
  if (part === "**") {
    return path.some((_, k) => matches(path.slice(k), rest)) || matches([], rest);
  }
  return path.length > 0 && componentPattern(part).test(path[0]) && matches(path.slice(1), rest);
}

/** A glob component (`*`, `?`, `[abc]`, `[!abc]`) as an anchored regular expression. */
function componentPattern(glob: string): RegExp {
  const source = glob.replace(/\[(!?)([^\]/]+)\]|[\\^$.|?*+()[\]{}]/g, (found, not: string, set: string) => {
    if (found === "*") return "[^/]*";
    if (found === "?") return "[^/]";
    if (set !== undefined) return `[${not === "!" ? "^" : ""}${set.replace(/[\\\]^]/g, "\\$&")}]`;
    return `\\${found}`;
  });
  try {
    return new RegExp(`^${source}$`);
  } catch (error) {
    throw new AtomgradError("CONFIG", `rglob_patterns: "${glob}" is not a pattern; use *, ?, [abc] and **`, {
      cause: error,
    });
  }
}
