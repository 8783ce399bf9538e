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

/**
 * Renumbers types by name, in place, from the data's names to the model's. Types are left as they are where either
 * list is missing, but must lie inside the model's. Every negative type (virtual atom) becomes -1.
 *
 * @param where names the file and the row of an entry, for messages
 */
export function remapTypes(
  types: Int32Array,
  names: readonly string[] | null,
  modelNames: readonly string[] | null,
  label: string,
  where: (entry: number) => string,
): void {
  const to = names !== null && modelNames !== null ? names.map((name) => modelNames.indexOf(name)) : null;
  const known = names ?? modelNames;
  for (let k = 0; k < types.length; k++) {
    const type = types[k];
    if (type < 0) {
      types[k] = -1;
    } else if (known !== null && type >= known.length) {
      const file = names !== null ? "type_map.raw" : "the model's type_map";
      const listed = `${file} names ${known.length} (${shorten(known)})`;
      throw new AtomgradError("VALUE", `${where(k)} is type ${type}, but ${listed}; correct one of them`);
    } else if (to !== null && to[type] < 0) {
      const found = `element ${JSON.stringify(names![type])} (type ${type}, used by ${where(k)})`;
      throw new AtomgradError(
        "VALUE",
        `${label}/type_map.raw: ${found} is not in the model's type_map (${shorten(modelNames!)}); add it there or leave this system out`,
      );
    } else if (to !== null) {
      types[k] = to[type];
    }
  }
}

function shorten(names: readonly string[]): string {
  return names.length <= 12 ? names.join(" ") : `${names.slice(0, 12).join(" ")} ... ${names.length} in all`;
}
