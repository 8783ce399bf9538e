import type { Cell } from "./cell.js";

/** More than this is not kept between the passes (512 MiB): the second searches again. */
const mostWords = 2 ** 27;

/** Centres of a block in frames without a grid (kernels/neighbours/space.h). */
export const directCentres = 32;

/** What a frame without a store needs: a word a block that says so. */
const fewestWords = 1;

/**
 * Words of the search's store an atom needs on average, with some to spare (kernels/neighbours/pairs.h says what stands there);
 * blocks that need more are searched twice.
 *
 * @param density atoms in a cubic angstrom where there are any
 * @param grid cells per axis; zeros: none
 * @param extent of the atoms along each axis, angstrom
 * @param images of the compact cell within the cutoff
 */
export function storeWords(
  atoms: number,
  density: number,
  rcut: number,
  grid: readonly number[],
  extent: readonly number[],
  images: number,
): number {
  const cells = grid[0] * grid[1] * grid[2];
  const [a, b, c] = extent.map((x, axis) => (cells > 0 ? x / grid[axis] : x));
  const sphere = (4 / 3) * Math.PI * rcut ** 3;
  const around =
    a * b * c + 2 * rcut * (a * b + b * c + c * a) + Math.PI * rcut * rcut * (a + b + c) + sphere;
  const most = atoms * Math.max(1, images);
  const neighbours = Math.min(density * sphere, most);
  const candidates = Math.min(density * around, most);
  const centres =
    cells > 0 ? Math.max(1, (0.6 * atoms) / cells) : Math.min(directCentres, Math.max(1, atoms));
  const shared = 1.25 * (1.5 * candidates + 4 * Math.min(images, candidates) + centres / 2 + 40);
  return Math.ceil(0.65 * neighbours + shared / centres) + fewestWords;
}

/** Words per atom and the first word of each frame; all `fewestWords` where that would be too much. */
export function placeStores(words: Int32Array, framePtr: Int32Array): { first: Int32Array; total: number } {
  const first = new Int32Array(words.length);
  const sum = (): number => {
    let total = 0;
    for (let f = 0; f < words.length; f++) {
      first[f] = total;
      total += words[f] * (framePtr[f + 1] - framePtr[f]);
      if (total > mostWords) return Infinity;
    }
    return total;
  };
  let total = sum();
  if (total > mostWords) {
    words.fill(fewestWords);
    total = sum();
  }
  return { first, total };
}

/** Lengths of the atoms' extent along each axis of a cell, angstrom. */
export function extentOf({ faceDistances, pbc }: Cell, fractions: ArrayLike<number>): number[] {
  return faceDistances.map((h, a) => (pbc[a] ? 1 : Math.max(0, fractions[3 + a] - fractions[a])) * h);
}
