import { AtomgradError } from "../tensor/error.js";
import { showShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { assertNumber, assertNumbers, kindOf } from "../tensor/arguments.js";
import { multiply, type Square, transposed } from "./matrix.js";

/**
 * Rotations in e3nn's conventions: column vectors (x, y, z), y is the polar axis, and the Euler angles mean
 * R(alpha, beta, gamma) = R_y(alpha) R_x(beta) R_y(gamma). Angles in radians, quaternions (w, x, y, z), matrices of nine
 * numbers, row-major. None of this is differentiable. Errors: VALUE naming the argument that is not what it should be.
 */
export interface Angles {
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
}

export type Vector = readonly [number, number, number];

/** A rotation matrix as an argument: nine numbers, row-major, or a tensor [3,3]. */
export type RotationMatrix = ArrayLike<number> | Tensor;

/** Errors: VALUE unless the three angles are finite numbers. */
export function assertAngles(what: string, angles: Angles): void {
  const given = angles as Partial<Angles> | null | undefined;
  if (typeof given !== "object" || given === null)
    throw new AtomgradError(
      "VALUE",
      `${what} must be given as { alpha, beta, gamma } in radians, got ${kindOf(given)}`,
    );
  assertNumber(`${what}.alpha`, given.alpha);
  assertNumber(`${what}.beta`, given.beta);
  assertNumber(`${what}.gamma`, given.gamma);
}

export function assertVector(what: string, v: Vector): void {
  assertNumbers(what, v, 3, "[x, y, z]");
}

/** Of nine numbers, row-major, or a tensor [3,3]. */
export function determinant(matrix: RotationMatrix): number {
  const R = nineNumbers("determinant: matrix", matrix);
  return (
    R[0] * (R[4] * R[8] - R[5] * R[7]) -
    R[1] * (R[3] * R[8] - R[5] * R[6]) +
    R[2] * (R[3] * R[7] - R[4] * R[6])
  );
}

function nineNumbers(what: string, matrix: RotationMatrix): Square {
  if (matrix instanceof Tensor) {
    if (showShape(matrix.shape) !== "[3,3]")
      throw new AtomgradError("SHAPE", `${what} expected [3,3], got ${showShape(matrix.shape)}`);
    return Float64Array.from(matrix.dataSync());
  }
  assertNumbers(what, matrix, 9, "(a matrix [3,3], row-major) or a tensor [3,3]");
  return Float64Array.from(matrix);
}

/** Errors: VALUE unless the matrix is orthogonal with determinant 1, to 1e-5. */
export function rotationOf(what: string, matrix: RotationMatrix): Square {
  const R = nineNumbers(what, matrix);
  const gram = multiply(transposed(R, 3), R, 3);
  const error = Math.max(...gram.map((x, k) => Math.abs(x - (k % 4 === 0 ? 1 : 0))));
  if (!(error < 1e-5) || !(Math.abs(determinant(R) - 1) < 1e-5))
    throw new AtomgradError(
      "VALUE",
      `${what} [${Array.from(R).join(", ")}] is not a rotation: its determinant is ${determinant(R)} and R^T R is off by ${error}`,
    );
  return R;
}
