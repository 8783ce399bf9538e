import type { Cell } from "./cell.js";
import { determinant } from "./matrix3.js";

/** Smaller frames are searched pair by pair. */
const fewAtoms = 96;

/** An atom in more images than this is left to the direct search: a list of candidates must hold them all. */
const mostImages = 2048;

/** Centres of one grid cell share one list of candidates: enough of them to be worth making it. */
const atomsPerCell = 24;

/**
 * Cells per axis of the grid in which a frame is searched; zeros: no grid, every pair is tried.
 *
 * @param fractions smallest and largest fractions of the atoms, 3 + 3
 * @param images of the compact cell within the cutoff
 */
export function gridOf(
  atoms: number,
  { faceDistances, pbc, vectors }: Cell,
  rcut: number,
  fractions: ArrayLike<number>,
  images: number,
): [number, number, number] {
  if (atoms < fewAtoms || images > mostImages) return [0, 0, 0];
  const axes = [0, 1, 2] as const;
  const extent = axes.map((a) => (pbc[a] ? 1 : fractions[3 + a] - fractions[a]) * faceDistances[a]);
  const occupied = axes.map((a) => Math.max((fractions[3 + a] - fractions[a]) * faceDistances[a], rcut / 4));
  const skew = faceDistances[0] * faceDistances[1] * faceDistances[2];
  const volume = (occupied[0] * occupied[1] * occupied[2] * Math.abs(determinant(vectors))) / skew;
  let edge = Math.min(Math.max(Math.cbrt((atomsPerCell * volume) / atoms), rcut / 3), 4 * rcut);
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
