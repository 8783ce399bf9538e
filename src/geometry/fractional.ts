import { AtomgradError } from "../tensor/error.js";
import { determinant, inverse, rowsTimes } from "./matrix3.js";
import type { Matrix3 } from "./matrix3.js";

/*
 * Row vectors, and a cell whose rows are the lattice vectors a, b, c: x = f C. Every rule needs the whole 3 x 3 matrix;
 * dividing by lengths or by the diagonal is right only for cells along the axes.
 */

/** Fractional coordinates [N, 3] of positions, or of displacements: f = x C^-1. Errors: VALUE for a cell without volume. */
export function toFractional(rows: ArrayLike<number>, cell: Matrix3): Float64Array {
  return rowsTimes(rows, inverse(checked(cell)));
}

/** Positions, or displacements, [N, 3] from fractional coordinates: x = f C. */
export function toCartesian(rows: ArrayLike<number>, cell: Matrix3): Float64Array {
  return rowsTimes(rows, checked(cell));
}

/**
 * Components of Cartesian vectors [N, 3] along the lattice vectors (contravariant): phi = F C^-1, so that
 * F = phi_a a + phi_b b + phi_c c. The same rule as for displacements; `toCartesian` leads back.
 */
export function alongLattice(vectors: ArrayLike<number>, cell: Matrix3): Float64Array {
  return toFractional(vectors, cell);
}

/**
 * Minus the derivative of the energy by fractional coordinates, [N, 3] in eV, from forces in eV/angstrom (covariant):
 * -dE/df = F C^T, since dx/df = C. Not F C^-1: that is what a displacement does, not a derivative.
 */
export function fractionalForces(forces: ArrayLike<number>, cell: Matrix3): Float64Array {
  return rowsTimes(forces, transposed(checked(cell)));
}

/** Forces in eV/angstrom from -dE/df: F = (-dE/df) C^-T. */
export function cartesianForces(fractional: ArrayLike<number>, cell: Matrix3): Float64Array {
  return rowsTimes(fractional, transposed(inverse(checked(cell))));
}

/**
 * Displacements [N, 3] reduced by whole lattice vectors to fractional components in [-1/2, 1/2]. That is the shortest
 * image where the displacement is short against the cell.
 */
export function minimumImage(displacements: ArrayLike<number>, cell: Matrix3): Float64Array {
  const fractional = toFractional(displacements, cell);
  return toCartesian(
    fractional.map((value) => value - Math.round(value)),
    cell,
  );
}

function transposed(m: Matrix3): Float64Array {
  return Float64Array.of(m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]);
}

function checked(cell: Matrix3): Matrix3 {
  if (cell.length !== 9) {
    throw new AtomgradError(
      "SHAPE",
      `a cell of ${cell.length} numbers; 9 are needed: three rows, the lattice vectors`,
    );
  }
  const volume = determinant(cell);
  if (Number.isFinite(volume) && volume !== 0) return cell;
  throw new AtomgradError("VALUE", "the cell has no volume; three independent lattice vectors are needed");
}
