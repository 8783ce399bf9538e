import { atomicNumberOf, symbolOf } from "../elements.js";
import type { Structure } from "../structure.js";

/** Names of places without an element. */
const dummies = new Set(["X", "Xx", "XX", "Du"]);

/** The column, or the key of a record, that holds what atoms are called where some of these names are no elements. */
export const ownNames = "species_name";

/** What the names of atoms say; `names` is null where all are symbols as this package writes them. */
export interface Species {
  readonly atomicNumbers: Int32Array;
  readonly names: readonly string[] | null;
}

/**
 * Atomic numbers of names: symbols in any case (D and T are hydrogen), whole numbers from 1 on, X for a dummy. Null with the
 * index of the first name that is none of these.
 */
export function readSpecies(words: readonly string[]): Species | number {
  const atomicNumbers = new Int32Array(words.length);
  let same = true;
  for (let k = 0; k < words.length; k++) {
    const word = words[k];
    const found = elementOfName(word);
    if (found === null) return k;
    atomicNumbers[k] = found;
    same &&= symbolOf(found) === word;
  }
  return { atomicNumbers, names: same ? null : words };
}

/** The atomic number a name stands for: 0 for a dummy, null for a name that is no element. */
export function elementOfName(word: string): number | null {
  const exact = atomicNumberOf(word);
  if (exact !== null) return exact;
  if (dummies.has(word)) return 0;
  if (/^[1-9]\d{0,2}$/.test(word)) return Number(word) <= 118 ? Number(word) : null;
  return /^[A-Za-z]{1,2}$/.test(word)
    ? atomicNumberOf(word[0].toUpperCase() + word.slice(1).toLowerCase())
    : null;
}

/** The name of an atom as it is written: the file's own where it had one, else the symbol. */
export function speciesName({ species, atomicNumbers }: Structure, atom: number): string {
  return species?.[atom] ?? symbolOf(atomicNumbers[atom]);
}

/** Whether atoms are called by names that are neither elements nor dummies, which few programs open. */
export function hasOwnNames({ species }: Structure): boolean {
  return species !== null && species.some((name) => elementOfName(name) === null);
}

/** The same name where it is an element's or a dummy's, X in place of all others. */
export function knownName(structure: Structure, atom: number): string {
  const name = speciesName(structure, atom);
  return structure.species !== null && elementOfName(name) === null ? "X" : name;
}
