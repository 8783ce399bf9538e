import type { Cell } from "./cell.js";
import { determinant } from "./matrix3.js";

/** Smaller frames are searched pair by pair. */
const fewAtoms = 96;

/** An atom in more images than this is left to the direct search: a list of candidates must hold them all. */
const mostImages = 2048;

/** Centres of one grid cell share one list of candidates: enough of them to be worth making it. */
const atomsPerCell = 24;

const axes = [0, 1, 2] as const;

/** Atoms in a cubic angstrom of the part of a cell that they occupy. */
export function densityOf(
  atoms: number,
  { faceDistances, vectors }: Cell,
  rcut: number,
  fractions: ArrayLike<number>,
): number {
  let volume = Math.abs(determinant(vectors));
  for (const a of axes) volume *= Math.max(fractions[3 + a] - fractions[a], rcut / (4 * faceDistances[a]));
  return atoms / volume;
}

/**
 * Cells per axis of the grid in which a frame is searched; zeros: no grid, every pair is tried.
 *
 * @param fractions smallest and largest fractions of the atoms, 3 + 3
 * @param images of the compact cell within the cutoff
 */
export function gridOf(
  atoms: number,
  cell: Cell,
  rcut: number,
  fractions: ArrayLike<number>,
  images: number,
): [number, number, number] {
  const { faceDistances, pbc } = cell;
  if (atoms < fewAtoms || images > mostImages) return [0, 0, 0];
  const extent = axes.map((a) => (pbc[a] ? 1 : fractions[3 + a] - fractions[a]) * faceDistances[a]);
  const density = densityOf(atoms, cell, rcut, fractions);
  let edge = Math.min(Math.max(Math.cbrt(atomsPerCell / density), rcut / 3), 4 * rcut);
  for (;;) {
    const n = extent.map((x) => Math.min(1024, Math.max(1, Math.floor(x / edge)))) as [
      number,
      number,
      number,
    ];
    if (n[0] * n[1] * n[2] <= atoms) return n;
    edge *= 1.2;
  }
}
