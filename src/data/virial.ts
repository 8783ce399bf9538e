import { determinant } from "../geometry/matrix3.js";
import type { Structure } from "./structure.js";

/** The virial of a structure in eV, index 3a+b: as stored, or -volume times its stress; null where it has neither. */
export function virialOf({ virial, stress, cell }: Structure): Float64Array | null {
  if (virial !== null) return virial;
  if (stress === null || cell === null) return null;
  const volume = Math.abs(determinant(cell));
  return stress.map((value) => -volume * value);
}
