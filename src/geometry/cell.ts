import { AtomgradError } from "../tensor/error.js";

/** 3 x 3 numbers, row-major; rows are lattice vectors. */
export type Matrix3 = ArrayLike<number>;

/** Cells flatter than this fraction of a cube of their edges have no usable inverse. */
const flattest = 1e-10;

export function determinant(m: Matrix3): number {
  return (
    m[0] * (m[4] * m[8] - m[5] * m[7]) -
    m[1] * (m[3] * m[8] - m[5] * m[6]) +
    m[2] * (m[3] * m[7] - m[4] * m[6])
  );
}

/** Inverse: fractional = Cartesian . inverse. Errors: VALUE for a cell without volume. */
export function inverse(m: Matrix3): Float64Array {
  const det = determinant(m);
  const size = [0, 3, 6].reduce((p, k) => p * Math.hypot(m[k], m[k + 1], m[k + 2]), 1);
  if (!(Math.abs(det) > flattest * size))
    throw new AtomgradError(
      "VALUE",
      `the cell [${Array.from(m, (x) => x.toPrecision(4)).join(", ")}] has no volume`,
    );
  const c = (a: number, b: number, p: number, q: number): number => (m[a] * m[b] - m[p] * m[q]) / det;
  return Float64Array.of(
    c(4, 8, 5, 7),
    c(2, 7, 1, 8),
    c(1, 5, 2, 4),
    c(5, 6, 3, 8),
    c(0, 8, 2, 6),
    c(2, 3, 0, 5),
    c(3, 7, 4, 6),
    c(1, 6, 0, 7),
    c(0, 4, 1, 3),
  );
}

/** Distances between opposite faces, from the inverse: 1 / length of its columns. */
export function faceDistances(inverseCell: Matrix3): [number, number, number] {
  const column = (k: number): number =>
    1 / Math.hypot(inverseCell[k], inverseCell[k + 3], inverseCell[k + 6]);
  return [column(0), column(1), column(2)];
}

/**
 * The cell with its non-periodic vectors replaced by unit vectors perpendicular to all others, so that it has a volume whatever
 * stood there. Errors: VALUE when the periodic vectors do not span.
 */
export function completeCell(cell: Matrix3 | null, pbc: readonly boolean[]): Float64Array {
  const rows = [0, 1, 2].map((k) =>
    pbc[k] && cell !== null ? [cell[3 * k], cell[3 * k + 1], cell[3 * k + 2]] : undefined,
  );
  const basis: number[][] = [];
  for (const row of rows) if (row !== undefined) basis.push(perpendicular(row, basis));
  const filled = rows.map((row) => {
    if (row !== undefined) return row;
    const candidates = [0, 1, 2].map((axis) =>
      perpendicular(
        [0, 1, 2].map((b) => Number(b === axis)),
        basis,
      ),
    );
    const longest = candidates.reduce((a, b) => (length(b) > length(a) ? b : a));
    const unit = longest.map((x) => x / length(longest));
    basis.push(unit);
    return unit;
  });
  return Float64Array.from(filled.flat());
}

/** The part of v perpendicular to an orthogonal basis. */
function perpendicular(v: readonly number[], basis: readonly number[][]): number[] {
  let rest = [...v];
  for (const b of basis) {
    const square = b[0] ** 2 + b[1] ** 2 + b[2] ** 2;
    const along = square === 0 ? 0 : (rest[0] * b[0] + rest[1] * b[1] + rest[2] * b[2]) / square;
    rest = rest.map((x, k) => x - along * b[k]);
  }
  return rest;
}

function length(v: readonly number[]): number {
  return Math.hypot(v[0], v[1], v[2]);
}
