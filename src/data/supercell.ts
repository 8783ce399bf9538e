import { AtomgradError } from "../tensor/error.js";
import { determinant, inverse, type Matrix3, rowsTimes } from "../geometry/matrix3.js";
import type { Field, Structure } from "./structure.js";

const mostCells = 1 << 20;

/**
 * A structure repeated in its lattice. Three numbers repeat it along a, b and c; nine whole numbers (rows) give the new lattice
 * vectors in units of the old ones, so that skewed supercells can be made. The cells follow each other in the order of
 * their offsets, atoms within in their order. Energy and virial grow with the number of cells, forces, tags, fixed flags and
 * arrays per atom are repeated, stress stays; further fields per frame are kept as they are.
 *
 * @throws AtomgradError VALUE for a structure without cell, for repeats in a direction that is not periodic, for numbers that are
 * not whole or give no volume
 */
export function supercell(structure: Structure, repeats: ArrayLike<number>): Structure {
  const matrix = repeats.length === 3 ? diagonal(repeats) : Array.from(repeats);
  const { cell, pbc } = structure;
  const fail = (what: string): never => {
    throw new AtomgradError("VALUE", `supercell: ${what}`);
  };
  if (cell === null) return fail("the structure has no cell");
  if (matrix.length !== 9 || !matrix.every((x) => Number.isSafeInteger(x)))
    return fail(`[${Array.from(repeats).join(", ")}]: give three whole numbers, or nine`);
  for (let k = 0; k < 9; k++)
    if ((!pbc[Math.floor(k / 3)] || !pbc[k % 3]) && matrix[k] !== Number(k % 4 === 0))
      return fail(
        `direction ${"abc"[pbc[k % 3] ? Math.floor(k / 3) : k % 3]} is not periodic and cannot be repeated`,
      );
  const count = Math.round(Math.abs(determinant(matrix)));
  if (count === 0 || count > mostCells)
    return fail(`${count} cells; between 1 and ${mostCells} are possible, check the numbers`);
  return repeated(structure, cellOffsets(matrix, count), rowsTimes(matrix, cell), cell);
}

function diagonal(repeats: ArrayLike<number>): number[] {
  return [repeats[0], 0, 0, 0, repeats[1], 0, 0, 0, repeats[2]];
}

/** The old cells inside the new one, [count, 3], in order. */
function cellOffsets(matrix: Matrix3, count: number): number[][] {
  const back = inverse(matrix);
  const range = [0, 1, 2].map((k) => {
    const column = [matrix[k], matrix[3 + k], matrix[6 + k]];
    return [
      column.reduce((sum, x) => sum + Math.min(0, x), 0),
      column.reduce((sum, x) => sum + Math.max(0, x), 0),
    ];
  });
  const found: number[][] = [];
  for (let i = range[0][0]; i <= range[0][1]; i++)
    for (let j = range[1][0]; j <= range[1][1]; j++)
      for (let k = range[2][0]; k <= range[2][1]; k++) {
        const fractions = rowsTimes([i, j, k], back);
        // Whole numbers over the determinant: halfway between two of them is safe from rounding.
        if (fractions.every((x) => x > -0.5 / count && x < 1 - 0.5 / count)) found.push([i, j, k]);
      }
  return found;
}

function repeated(
  structure: Structure,
  offsets: readonly number[][],
  cell: Float64Array,
  old: Float64Array,
): Structure {
  const times = offsets.length;
  const atoms = structure.atomicNumbers.length;
  const positions = new Float64Array(3 * atoms * times);
  offsets.forEach((offset, n) => {
    const shift = rowsTimes(offset, old);
    for (let k = 0; k < 3 * atoms; k++) positions[3 * atoms * n + k] = structure.positions[k] + shift[k % 3];
  });
  const again = <T extends Int32Array | Uint8Array | Float64Array>(data: T | null): T | null => {
    if (data === null) return null;
    const out = new (data.constructor as new (length: number) => T)(data.length * times);
    for (let n = 0; n < times; n++) out.set(data, n * data.length);
    return out;
  };
  const { energy, virial, species, arrays } = structure;
  return {
    ...structure,
    atomicNumbers: again(structure.atomicNumbers)!,
    species: species === null ? null : offsets.flatMap(() => species),
    positions,
    cell,
    energy: energy === null ? null : energy * times,
    forces: again(structure.forces),
    virial: virial?.map((value) => value * times) ?? null,
    tags: again(structure.tags),
    fixed: again(structure.fixed),
    arrays: new Map([...arrays].map(([name, field]) => [name, repeatField(field, times)])),
  };
}

function repeatField({ kind, shape, data }: Field, times: number): Field {
  const [atoms, ...inner] = shape;
  const grown = [atoms * times, ...inner];
  if (Array.isArray(data))
    return { kind, shape: grown, data: Array.from({ length: times }, () => data as string[]).flat() };
  const source = data as Float64Array;
  const out = new (source.constructor as Float64ArrayConstructor)(source.length * times);
  for (let n = 0; n < times; n++) out.set(source, n * source.length);
  return { kind, shape: grown, data: out };
}
