import { existsSync } from "node:fs";
import { join } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { readText } from "./read-file.js";

const maxTextBytes = 1 << 26;

/** What the type files of a system folder say, before any renumbering. */
export interface TypeFiles {
  /** [atoms] as they stand in `type.raw`. */
  readonly types: Int32Array;
  /** `type_map.raw`, or null where the folder has none. */
  readonly names: readonly string[] | null;
}

/** Reads `type.raw` and `type_map.raw`; `label` names the folder in messages. */
export function readTypeFiles(folder: string, label: string): TypeFiles {
  const typeLabel = `${label}/type.raw`;
  const words = splitWords(readText(join(folder, "type.raw"), maxTextBytes, typeLabel));
  if (words.length === 0)
    throw new AtomgradError("FORMAT", `${typeLabel}: empty; one type number per atom is needed`);
  const types = Int32Array.from(words, (word, atom) => {
    if (/^[-+]?\d{1,9}$/.test(word)) return Number(word);
    const found = JSON.stringify(word.slice(0, 40));
    throw new AtomgradError("FORMAT", `${typeLabel}: entry ${atom} is ${found}; whole numbers are needed`);
  });
  return { types, names: readTypeMap(folder, label) };
}

function readTypeMap(folder: string, label: string): string[] | null {
  const path = join(folder, "type_map.raw");
  if (!existsSync(path)) return null;
  const mapLabel = `${label}/type_map.raw`;
  const names = splitWords(readText(path, maxTextBytes, mapLabel));
  const double = names.find((name, k) => names.indexOf(name) !== k);
  if (double !== undefined) {
    throw new AtomgradError(
      "FORMAT",
      `${mapLabel}: ${JSON.stringify(double)} stands there twice; name each type once`,
    );
  }
  return names;
}

function splitWords(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/** The names that types of data are renumbered to. */
export interface TypeNaming {
  /** The model's type map: types are renumbered to it by name. */
  readonly typeMap?: readonly string[];
  /** What messages call it where it is not `the model's type_map`. */
  readonly typeMapName?: string;
}

/** How messages call the names that types are renumbered to. */
export function typeMapNameOf({ typeMapName = "the model's type_map" }: TypeNaming): string {
  return typeMapName;
}

/**
 * Renumbers types by name, in place, from the data's names to those of `to`. Types are left as they are where either
 * list is missing, but must lie inside that of `to`. Every negative type (virtual atom) becomes -1.
 *
 * @param where names the file and the row of an entry, for messages
 */
export function remapTypes(
  types: Int32Array,
  names: readonly string[] | null,
  to: TypeNaming,
  label: string,
  where: (entry: number) => string,
): void {
  const { typeMap = null } = to;
  const numbers = names !== null && typeMap !== null ? names.map((name) => typeMap.indexOf(name)) : null;
  const known = names ?? typeMap;
  for (let k = 0; k < types.length; k++) {
    const type = types[k];
    if (type < 0) {
      types[k] = -1;
    } else if (known !== null && type >= known.length) {
      const file = names !== null ? "type_map.raw" : typeMapNameOf(to);
      const listed = `${file} names ${known.length} (${shorten(known)})`;
      throw new AtomgradError("VALUE", `${where(k)} is type ${type}, but ${listed}; correct one of them`);
    } else if (numbers !== null && numbers[type] < 0) {
      const found = `element ${JSON.stringify(names![type])} (type ${type}, used by ${where(k)})`;
      throw new AtomgradError(
        "VALUE",
        `${label}/type_map.raw: ${found} is not in ${typeMapNameOf(to)} (${shorten(typeMap!)}); add it there or leave this system out`,
      );
    } else if (numbers !== null) {
      types[k] = numbers[type];
    }
  }
}

function shorten(names: readonly string[]): string {
  return names.length <= 12 ? names.join(" ") : `${names.slice(0, 12).join(" ")} ... ${names.length} in all`;
}
