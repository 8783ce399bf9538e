import { AtomgradError } from "../../tensor/error.js";
import { atomicNumberOf, elementSymbols } from "../elements.js";
import type { Structure } from "../structure.js";

/** The name of an atom whose file knows its type by a number only. */
const bareType = /^Type_(\d{1,9})$/;

/** Whether a structure has atoms of which only the number of their type is known. */
export function hasBareTypes({ atomicNumbers, species }: Structure): boolean {
  return species !== null && atomicNumbers.includes(0) && species.some((name) => bareType.test(name));
}

/** A type map as it is given. Errors: CONFIG for names that are empty or stand twice. */
export function checkTypeMap(typeMap: readonly string[]): void {
  const bad = (what: string): AtomgradError =>
    new AtomgradError(
      "CONFIG",
      `--type-map ${typeMap.join(",").slice(0, 200)}: ${what}; each type has a name of its own`,
    );
  typeMap.forEach((name, k) => {
    if (name === "" || /\s/.test(name)) throw bad(`name ${k} is ${JSON.stringify(name)}`);
    if (typeMap.indexOf(name) !== k) throw bad(`${name} stands twice`);
  });
}

/**
 * Structures whose types without elements are called by the names of a type map.
 *
 * @param firstType number of the first type: 1 in LAMMPS, 0 in DeePMD
 * @throws AtomgradError CONFIG for a type that the map does not name
 */
export function* withNamedTypes(
  structures: Iterable<Structure>,
  typeMap: readonly string[],
  firstType: number,
): Generator<Structure> {
  for (const structure of structures)
    yield hasBareTypes(structure) ? named(structure, typeMap, firstType) : structure;
}

function named(structure: Structure, typeMap: readonly string[], firstType: number): Structure {
  const species = structure.species!.map((name) => {
    const type = bareType.exec(name);
    if (type === null) return name;
    const found = typeMap[Number(type[1]) - firstType];
    if (found !== undefined) return found;
    throw new AtomgradError(
      "CONFIG",
      `--type-map ${typeMap.join(",")}: has no name for the type ${type[1]} of the data, whose types begin with ${firstType}; give one name for each type`,
    );
  });
  const atomicNumbers = structure.atomicNumbers.map((z, k) =>
    z === 0 ? (atomicNumberOf(species[k]) ?? 0) : z,
  );
  const plain = atomicNumbers.every((z, k) => elementSymbols[z - 1] === species[k]);
  return { ...structure, atomicNumbers, species: plain ? null : species };
}
