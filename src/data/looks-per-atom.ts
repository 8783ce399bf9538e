/** Quantities of a whole structure, by whatever method: `stress`, `total_dipole`, `wb97x_dz.quadrupole`. Plurals are those of atoms. */
const ofFrame =
  /(?:^|\.)(?:total_)?(?:stress|virial|dipole(?:_moment)?|quadrupole|octupole|polarizability)$/i;

/**
 * Whether a field of this name and shape is one per atom, in a format that does not tell: its first dimension is the number
 * of atoms, and its name is not known for a quantity of the whole structure.
 */
export function looksPerAtom(name: string, shape: readonly number[], atoms: number): boolean {
  return shape.length > 0 && shape[0] === atoms && !ofFrame.test(name);
}
