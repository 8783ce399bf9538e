import { AtomgradError } from "../tensor/error.js";
import { RandomStream } from "../tensor/philox.js";

/** A function of positions [N, 3] (angstrom, row-major) and optionally a cell [3, 3] (rows are lattice vectors). */
export type StructureFunction = (positions: Float64Array, cell: Float64Array | null) => ArrayLike<number>;

export interface SymmetryOptions {
  cell?: Float64Array | null;
  /** Largest allowed difference relative to the largest value (default 1e-9). */
  tolerance?: number;
  /** Random motions tried (default 4). */
  trials?: number;
  seed?: number;
}

/**
 * Asserts that `f` does not change when the structure is moved, rotated or inverted as a whole.
 * Throws NUMERIC naming the motion and the element that changed.
 */
export function assertInvariant(
  f: StructureFunction,
  positions: Float64Array,
  options: SymmetryOptions = {},
): void {
  check(f, positions, options, (values) => Float64Array.from(values));
}

/**
 * Asserts that `f`, whose values are vectors [M, 3] (forces, dipoles), rotates and inverts with the structure and does not
 * change when it is moved.
 */
export function assertEquivariant(
  f: StructureFunction,
  positions: Float64Array,
  options: SymmetryOptions = {},
): void {
  check(f, positions, options, (values, rotation) => transform(Float64Array.from(values), rotation));
}

function check(
  f: StructureFunction,
  positions: Float64Array,
  { cell = null, tolerance = 1e-9, trials = 4, seed = 1 }: SymmetryOptions,
  expected: (values: ArrayLike<number>, rotation: Float64Array) => Float64Array,
): void {
  const random = new RandomStream(seed, 17);
  const before = f(positions, cell);
  for (let trial = 0; trial < trials; trial++) {
    const rotation = randomRotation(random);
    const inverts = trial % 2 === 1;
    if (inverts) rotation.forEach((x, k) => (rotation[k] = -x));
    const shift = Float64Array.from({ length: 3 }, () => 5 * random.normal());
    const moved = transform(positions, rotation).map((x, k) => x + shift[k % 3]);
    const after = f(moved, cell === null ? null : transform(cell, rotation));
    const wanted = expected(before, rotation);
    compare(after, wanted, tolerance, `trial ${trial}: rotated${inverts ? ", inverted" : ""} and moved`);
  }
}

function compare(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number, what: string): void {
  let scale = 1e-12;
  for (let k = 0; k < wanted.length; k++) scale = Math.max(scale, Math.abs(wanted[k]));
  for (let k = 0; k < wanted.length; k++)
    if (!(Math.abs(found[k] - wanted[k]) <= tolerance * scale))
      throw new AtomgradError(
        "NUMERIC",
        `${what}: value ${k} is ${found[k]}, expected ${wanted[k]} (tolerance ${tolerance * scale})`,
      );
}

/** Rows times the rotation. */
function transform(rows: Float64Array, rotation: Float64Array): Float64Array {
  const out = new Float64Array(rows.length);
  for (let r = 0; r < rows.length; r += 3)
    for (let a = 0; a < 3; a++) for (let b = 0; b < 3; b++) out[r + a] += rows[r + b] * rotation[3 * a + b];
  return out;
}

/** A uniformly random rotation matrix, from a random unit quaternion. */
function randomRotation(random: RandomStream): Float64Array {
  const q = Array.from({ length: 4 }, () => random.normal());
  const length = Math.hypot(...q);
  const [w, x, y, z] = q.map((c) => c / length);
  return Float64Array.of(
    1 - 2 * (y * y + z * z),
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    1 - 2 * (x * x + z * z),
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    1 - 2 * (x * x + y * y),
  );
}
