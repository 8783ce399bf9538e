import type { Lines } from "../text/lines.js";
import { shown } from "../text/numbers.js";
import { elementOfName } from "./species.js";

/**
 * The atomic number of every atom of a file of VASP, whose atoms stand in blocks of a species (`Ta_pv` and `Ta/1a2b3c` are tantalum).
 *
 * @param counts atoms of each block, whole numbers
 * @param remedy what the message for a name without an element ends with
 * @throws AtomgradError FORMAT
 */
export function atomsOfBlocks(
  lines: Lines,
  names: readonly string[],
  counts: readonly number[],
  remedy = "",
): Int32Array {
  const atomicNumbers = new Int32Array(announcedAtoms(lines, counts));
  let start = 0;
  names.forEach((name, k) => {
    const z = elementOfName(name.replace(/[_/].*$/, ""));
    if (z === null) throw lines.error(`${shown(name)} is no element${remedy}`);
    atomicNumbers.fill(z, start, (start += counts[k]));
  });
  return atomicNumbers;
}

/** Atoms of all blocks. @throws AtomgradError FORMAT for more than the file can hold */
export function announcedAtoms(lines: Lines, counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (6 * total > lines.size)
    throw lines.error(`${total} atoms are announced, more than a file of ${lines.size} bytes can hold`);
  return total;
}
