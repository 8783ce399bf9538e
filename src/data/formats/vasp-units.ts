/** eV/angstrom^3 per kilobar: 0.1 GPa over 160.2176634 GPa angstrom^3/eV (exact e of SI 2019). */
const perKilobar = 0.1 / 160.2176634;

/**
 * Stress of VASP, nine numbers in kB, as stress in eV/angstrom^3. VASP prints what the cell feels, positive under
 * compression; here stress is positive under tension.
 */
export function stressOfKilobar(kilobar: ArrayLike<number>): Float64Array {
  return Float64Array.from(kilobar, (value) => -perKilobar * value);
}
