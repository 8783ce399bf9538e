import { basename, resolve } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { filePart, formatToRead, formatToWrite } from "./formats/detect.js";
import type { ReadNote, StructureFormat, Wanted } from "./formats/format.js";
import { formatNamed } from "./formats/structure-formats.js";
import { checkTypeMap, withNamedTypes } from "./formats/type-names.js";
import { foreseenFrames } from "./formats/unforeseen.js";
import { parseFrames, selectFrames, selectWanted } from "./frames.js";
import type { Structure } from "./structure.js";

export interface ReadStructuresOptions {
  /** Name of the format; found from name and content by default. */
  readonly format?: string;
  /** A frame number or a slice `a:b:c` by Python's rules; all frames by default. */
  readonly frames?: string | number;
  /** Names of types without elements (LAMMPS, DeePMD), in the order of their numbers. */
  readonly typeMap?: readonly string[];
  /**
   * Is told what is odd about a file that can be read all the same: it ends early, as that of a calculation that still runs,
   * or holds what structures have no place for.
   */
  readonly onNote?: ReadNote;
}

export interface WriteStructuresOptions {
  /** Name of the format; taken from the file name by default. */
  readonly format?: string;
  /** Elements of a DeePMD type map, in order. */
  readonly typeMap?: readonly string[];
  /** Is told which fields the format has no place for. */
  readonly onNote?: (text: string) => void;
}

/** A file whose frames are read while they are iterated over. */
export interface OpenStructures {
  readonly format: StructureFormat;
  /** Can be iterated over several times; each time the file is read anew. */
  readonly frames: Iterable<Structure>;
}

/** Finds the format of a file and prepares to read it. Errors: FILE, FORMAT, CONFIG. */
export async function openStructures(
  path: string,
  options: ReadStructuresOptions = {},
): Promise<OpenStructures> {
  const format = options.format === undefined ? await formatToRead(path) : formatNamed(options.format);
  if (format.read === undefined)
    throw new AtomgradError(
      "CONFIG",
      `${basename(path)}: the format ${format.name} can be written, not read`,
    );
  const selection = options.frames === undefined ? null : parseFrames(String(options.frames));
  const { typeMap } = options;
  if (typeMap !== undefined) checkTypeMap(typeMap);
  await format.prepare?.();
  const name = basename(resolve(filePart(path)));
  const frames: Iterable<Structure> = {
    [Symbol.iterator]: () => {
      const all = (): Generator<Structure> =>
        someFrames(
          foreseenFrames(name, () => format.read!(path, options.onNote)),
          name,
        );
      const some = (wanted: Wanted): Generator<Structure | null> =>
        someFrames(
          foreseenFrames(name, () => format.readWanted!(path, wanted, options.onNote)),
          name,
        );
      const taken =
        selection === null
          ? all()
          : format.readWanted === undefined
            ? selectFrames(all(), selection, name)
            : selectWanted(some, selection, name);
      return typeMap === undefined ? taken : withNamedTypes(taken, typeMap, format.firstType ?? 0);
    },
  };
  return { format, frames };
}

/** Reads structures of any format into memory. Units and names: `Structure`. */
export async function readStructures(
  path: string,
  options: ReadStructuresOptions = {},
): Promise<Structure[]> {
  return [...(await openStructures(path, options)).frames];
}

/** Writes structures, all or nothing. Errors: FILE, CONFIG, and VALUE for what the format cannot hold. */
export async function writeStructures(
  path: string,
  structures: Iterable<Structure>,
  options: WriteStructuresOptions = {},
): Promise<void> {
  const format = options.format === undefined ? formatToWrite(path) : formatNamed(options.format);
  if (format.write === undefined)
    throw new AtomgradError(
      "CONFIG",
      `${basename(path)}: the format ${format.name} can be read, not written`,
    );
  if (options.typeMap !== undefined) checkTypeMap(options.typeMap);
  await format.prepare?.();
  format.write(path, structures, { typeMap: options.typeMap, onNote: options.onNote });
}

/** A file without frames is a mistake. */
function* someFrames<T extends Structure | null>(frames: Iterable<T>, name: string): Generator<T> {
  let empty = true;
  for (const frame of frames) {
    empty = false;
    yield frame;
  }
  if (empty)
    throw new AtomgradError("FORMAT", `${name}: holds no structure; check that the file is complete`);
}
