import { shown } from "../text/numbers.js";

/** What one unit of LAMMPS is in those of this package: angstrom, eV/angstrom, angstrom/ps, e, g/mol. */
export interface LammpsUnits {
  readonly length: number;
  readonly force: number;
  readonly velocity: number;
  readonly charge: number;
  readonly mass: number;
}

/** Exact in SI since 2019. */
const elementary = 1.602176634e-19;
const avogadro = 6.02214076e23;
/** CODATA 2022. */
const bohr = 0.529177210544;
const hartree = 27.211386245981;
/** LAMMPS's atomic time unit, in which velocities of `electron` stand, in ps: that of the mass unit g/mol. */
const atomicTime = 1.03275e-3;
/** statcoulomb: a tenth of a coulomb over the speed of light in m/s. */
const statcoulomb = 0.1 / 299792458;

/** Units `metal`, which stand where a file says none. */
export const metal: LammpsUnits = { length: 1, force: 1, velocity: 1, charge: 1, mass: 1 };

const known: ReadonlyMap<string, LammpsUnits> = new Map([
  ["metal", metal],
  ["real", { ...metal, force: 4184 / (avogadro * elementary), velocity: 1000 }],
  ["electron", { ...metal, length: bohr, force: hartree / bohr, velocity: bohr / atomicTime }],
  [
    "si",
    {
      length: 1e10,
      force: 1e-10 / elementary,
      velocity: 1e-2,
      charge: 1 / elementary,
      mass: 1e3 * avogadro,
    },
  ],
  [
    "cgs",
    {
      length: 1e8,
      force: 1e-15 / elementary,
      velocity: 1e-4,
      charge: statcoulomb / elementary,
      mass: avogadro,
    },
  ],
  [
    "micro",
    {
      length: 1e4,
      force: 1e-19 / elementary,
      velocity: 1e-2,
      charge: 1e-12 / elementary,
      mass: 1e-12 * avogadro,
    },
  ],
  ["nano", { length: 10, force: 1e-22 / elementary, velocity: 1e-2, charge: 1, mass: 1e-18 * avogadro }],
]);

/**
 * The units of a name that a file gives (https://docs.lammps.org/units.html).
 *
 * @param refuse makes the error for units that cannot become eV and angstrom, such as `lj`
 */
export function lammpsUnits(name: string, refuse: (what: string) => Error): LammpsUnits {
  const found = known.get(name);
  if (found !== undefined) return found;
  throw refuse(
    `the units ${shown(name)} cannot be turned into eV and angstrom; known: ${[...known.keys()].join(", ")}`,
  );
}

/** Numbers times a factor; as they are where it is 1. */
export function scaled(values: Float64Array, factor: number): Float64Array {
  return factor === 1 ? values : values.map((value) => factor * value);
}
