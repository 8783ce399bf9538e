import type { Structure } from "../structure.js";

/** All-electron energies of the atoms H to Ar, Hartree. */
const atomEnergies = [
  -0.5, -2.9037, -7.4781, -14.6674, -24.6539, -37.845, -54.5892, -75.0673, -99.7339, -128.9376, -162.2546,
  -200.053, -242.346, -289.359, -341.259, -398.11, -460.148, -527.54,
];

export type EnergyUnit = "hartree" | "eV" | "meV" | "kcal/mol" | "kJ/mol";

const perHartree: readonly (readonly [EnergyUnit, number])[] = [
  ["hartree", 1],
  ["eV", 27.211386],
  ["meV", 27211.386],
  ["kcal/mol", 627.50947],
  ["kJ/mol", 2625.4996],
];

/**
 * The energy over the sum of its atoms' energies in Hartree: near the number of units in a Hartree when it is the total
 * energy of all electrons. NaN beyond argon.
 */
export function energyRatio({ atomicNumbers, energy }: Structure): number {
  let sum = 0;
  for (const z of atomicNumbers) sum += atomEnergies[z - 1] ?? NaN;
  return (energy ?? NaN) / sum;
}

/** The unit whose size fits the median of the ratios within 5 %; eV where none does. */
export function guessUnit(ratios: readonly number[]): EnergyUnit {
  if (ratios.length === 0 || ratios.some(Number.isNaN)) return "eV";
  const sorted = Float64Array.from(ratios).sort();
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  return perHartree.find(([, size]) => Math.abs(median / size - 1) <= 0.05)?.[0] ?? "eV";
}
