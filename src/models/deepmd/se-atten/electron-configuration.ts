import { AtomgradError } from "../../../tensor/error.js";
import { elementSymbols } from "../../../data/elements.js";

/** Subshells in the order of the vector, and the order in which they fill (Madelung). */
const boxes = "1s 2s 2p 3s 3p 3d 4s 4p 4d 4f 5s 5p 5d 5f 6s 6p 6d 7s 7p".split(" ");
const filling = "1s 2s 2p 3s 3p 4s 3d 4p 5s 4d 5p 6s 4f 5d 6p 7s 5f 6d 7p".split(" ");
const orbitals: Readonly<Record<string, number>> = { s: 1, p: 3, d: 5, f: 7 };

/** Elements that do not follow the filling rule (spec 2.8). */
const exceptions: Readonly<Record<string, string>> = {
  Cr: "3d5 4s1",
  Cu: "3d10 4s1",
  Nb: "4d4 5s1",
  Mo: "4d5 5s1",
  Ru: "4d7 5s1",
  Rh: "4d8 5s1",
  Pd: "4d10 5s0",
  Ag: "4d10 5s1",
  La: "5d1 4f0",
  Ce: "4f1 5d1",
  Gd: "4f7 5d1",
  Pt: "5d9 6s1",
  Au: "5d10 6s1",
  Ac: "6d1 5f0",
  Th: "6d2 5f0",
  Pa: "5f2 6d1",
  U: "5f3 6d1",
  Np: "5f4 6d1",
  Cm: "5f7 6d1",
  Ds: "6d9 7s1",
  Rg: "6d10 7s1",
};

/** Two entries per orbital. */
export const configurationWidth = 2 * boxes.reduce((n, shell) => n + orbitals[shell[1]], 0);

/** One row per element: every orbital empty (-1,-1), single (-1,1) or double (1,1), scaled by 1/sqrt(width). */
export function electronConfigurations(typeMap: readonly string[]): Float64Array {
  const rows = new Float64Array(typeMap.length * configurationWidth);
  typeMap.forEach((symbol, t) => {
    const number = elementSymbols.indexOf(symbol) + 1;
    if (number === 0)
      throw new AtomgradError(
        "CONFIG",
        `use_econf_tebd: type_map entry "${symbol}" is not an element symbol; electron configurations need elements`,
      );
    rows.set(configuration(symbol, number), t * configurationWidth);
  });
  return rows.map((x) => x / Math.sqrt(configurationWidth));
}

function configuration(symbol: string, electrons: number): Float64Array {
  const occupation = new Map<string, number>();
  let left = electrons;
  for (const shell of filling) {
    const n = Math.min(left, 2 * orbitals[shell[1]]);
    occupation.set(shell, n);
    left -= n;
  }
  for (const word of exceptions[symbol]?.split(" ") ?? [])
    occupation.set(word.slice(0, 2), Number(word.slice(2)));
  const row: number[] = [];
  for (const shell of boxes) row.push(...orbitalPairs(occupation.get(shell)!, orbitals[shell[1]]));
  return Float64Array.from(row);
}

/** Hund's rule: every orbital gets one electron before any gets two; the paired ones stand first. */
function orbitalPairs(electrons: number, count: number): number[] {
  const paired = Math.max(0, electrons - count);
  const occupied = Math.min(electrons, count);
  const pairs: number[] = [];
  for (let k = 0; k < count; k++) {
    if (k < paired) pairs.push(1, 1);
    else pairs.push(-1, k < occupied ? 1 : -1);
  }
  return pairs;
}
