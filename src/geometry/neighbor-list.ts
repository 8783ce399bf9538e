import { neighbourCount, neighbourFill, type SearchSpace } from "../../kernels/neighbours/op.js";
import type { DeviceName } from "../tensor/backend.js";
import { isOpen } from "../tensor/device.js";
import { AtomgradError } from "../tensor/error.js";
import { scope } from "../tensor/scope.js";
import { tensor } from "../tensor/tensor.js";
import { completeCell, faceDistances, inverse, type Matrix3 } from "./cell.js";

/** A full directed neighbour list, sorted by centre, neighbour and offset. */
export interface NeighborList {
  /** Number of pairs E. */
  readonly count: number;
  /** Row 0: neighbour j (source), row 1: centre i (target); [2][E]. */
  readonly edgeIndex: readonly [Int32Array, Int32Array];
  /** [E, 3] integer cell offsets of the neighbour. */
  readonly edgeShift: Int32Array;
  /** [E, 3] r_j + shift . cell - r_i with the positions as given, angstrom. */
  readonly edgeVector: Float64Array;
  /** [E] angstrom */
  readonly distance: Float64Array;
  /** [N + 1] pairs of centre i are ptr[i] .. ptr[i + 1]. */
  readonly ptr: Int32Array;
}

export interface NeighborListOptions {
  /** Also pairs exactly at the cutoff. */
  inclusive?: boolean;
}

const mostImages = 2 ** 22;

/**
 * All pairs closer than `rcut` (strictly), images of an atom included, an atom with itself excluded. Any triclinic or
 * left-handed cell, any mixture of periodic directions, atoms outside the cell, cutoffs larger than the cell.
 *
 * @param positions [N, 3] angstrom, never wrapped in the result
 * @param cell 9 numbers, rows are lattice vectors; vectors of non-periodic directions may be zero; null: no cell
 * @param pbc periodic directions
 *
 * Errors: VALUE for non-finite positions, a periodic cell without volume, a cutoff that is not positive.
 */
export function neighborList(
  positions: ArrayLike<number>,
  cell: Matrix3 | null,
  pbc: boolean | readonly [boolean, boolean, boolean],
  rcut: number,
  options: NeighborListOptions = {},
): NeighborList {
  if (!(rcut > 0) || !Number.isFinite(rcut))
    throw new AtomgradError("VALUE", `neighborList: rcut is ${rcut}; give a positive length`);
  if (positions.length % 3 !== 0)
    throw new AtomgradError("SHAPE", `neighborList: ${positions.length} coordinates are not rows of three`);
  const periodic = typeof pbc === "boolean" ? [pbc, pbc, pbc] : pbc;
  const given = Float64Array.from(positions);
  const bad = given.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0)
    throw new AtomgradError(
      "VALUE",
      `neighborList: position of atom ${Math.floor(bad / 3)} is ${given[bad]}`,
    );
  if (cell === null && periodic.some(Boolean))
    throw new AtomgradError("VALUE", "neighborList: periodic directions need a cell");
  return search(given, completeCell(cell, periodic), periodic, rcut, options.inclusive ?? false);
}

function search(
  given: Float64Array,
  cell: Float64Array,
  periodic: readonly boolean[],
  rcut: number,
  inclusive: boolean,
): NeighborList {
  const n = given.length / 3;
  const inverseCell = inverse(cell);
  const { wrapped, offset } = wrap(given, cell, inverseCell, periodic);
  const images = imagesWithin(faceDistances(inverseCell), periodic, rcut);
  const imageVectors = vectorsOf(images, cell);
  const device: DeviceName = isOpen("cpu") ? "cpu" : "reference";
  return scope(() => {
    const place = (data: Float64Array | Int32Array, shape: number[]) => tensor(data, shape, { device });
    const space: SearchSpace = {
      positions: place(given, [n, 3]),
      wrapped: place(wrapped, [n, 3]),
      offset: place(offset, [n, 3]),
      cell: place(cell, [3, 3]),
      image: place(images, [images.length / 3, 3]),
      imageVector: place(imageVectors, [3, images.length / 3]),
    };
    const ptr = new Int32Array(n + 1);
    neighbourCount(space, rcut, inclusive)
      .dataSync()
      .forEach((count, i) => (ptr[i + 1] = ptr[i] + count));
    const count = ptr[n];
    const [neighbour, shift, vector, distance] = neighbourFill(
      space,
      place(ptr, [n + 1]),
      count,
      rcut,
      inclusive,
    ).map((t) => t.dataSync());
    const target = new Int32Array(count);
    for (let i = 0; i < n; i++) target.fill(i, ptr[i], ptr[i + 1]);
    return {
      count,
      edgeIndex: [neighbour as Int32Array, target] as const,
      edgeShift: shift as Int32Array,
      edgeVector: vector as Float64Array,
      distance: distance as Float64Array,
      ptr,
    };
  });
}

/** Positions inside the cell along periodic directions, and the whole cells taken off. */
function wrap(
  given: Float64Array,
  cell: Float64Array,
  inverseCell: Float64Array,
  periodic: readonly boolean[],
) {
  const wrapped = given.slice();
  const offset = new Int32Array(given.length);
  for (let i = 0; i < given.length; i += 3)
    for (let a = 0; a < 3; a++) {
      if (!periodic[a]) continue;
      const f =
        given[i] * inverseCell[a] + given[i + 1] * inverseCell[3 + a] + given[i + 2] * inverseCell[6 + a];
      const whole = Math.floor(f);
      if (Math.abs(whole) > 2 ** 30)
        throw new AtomgradError(
          "VALUE",
          `neighborList: atom ${i / 3} lies ${whole} cells away; check its position`,
        );
      offset[i + a] = whole;
      for (let b = 0; b < 3; b++) wrapped[i + b] -= whole * cell[3 * a + b];
    }
  return { wrapped, offset };
}

/** Images -n .. n per periodic axis in rising order, n = ceil(rcut / face distance). */
function imagesWithin(faces: readonly number[], periodic: readonly boolean[], rcut: number): Int32Array {
  const reach = faces.map((h, a) => (periodic[a] ? Math.ceil(rcut / h) : 0));
  const total = reach.reduce((p, r) => p * (2 * r + 1), 1);
  if (total > mostImages)
    throw new AtomgradError(
      "VALUE",
      `neighborList: rcut ${rcut} reaches ${total} images of the cell; check the cell and its units`,
    );
  const images: number[] = [];
  for (let x = -reach[0]; x <= reach[0]; x++)
    for (let y = -reach[1]; y <= reach[1]; y++)
      for (let z = -reach[2]; z <= reach[2]; z++) images.push(x, y, z);
  return Int32Array.from(images);
}

function vectorsOf(images: Int32Array, cell: Float64Array): Float64Array {
  const count = images.length / 3;
  const vectors = new Float64Array(3 * count);
  for (let k = 0; k < count; k++)
    for (let b = 0; b < 3; b++)
      vectors[b * count + k] =
        images[3 * k] * cell[b] + images[3 * k + 1] * cell[3 + b] + images[3 * k + 2] * cell[6 + b];
  return vectors;
}
