import { AtomgradError } from "../tensor/error.js";
import type { RandomStream } from "../tensor/philox.js";
import { type Tensor, tensor } from "../tensor/tensor.js";
import { assertRandom } from "./features.js";
import { multiply, type Square, transposed } from "./matrix.js";

/**
 * Rotations in e3nn's conventions: column vectors (x, y, z), y is the polar axis, and the Euler angles mean
 * R(alpha, beta, gamma) = R_y(alpha) R_x(beta) R_y(gamma). Angles in radians, quaternions (w, x, y, z), matrices of nine
 * numbers, row-major. None of this is differentiable.
 */
export interface Angles {
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
}

export type Vector = readonly [number, number, number];
export type Quaternion = readonly [w: number, x: number, y: number, z: number];

export function matrixX(angle: number): Square {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return Float64Array.of(1, 0, 0, 0, c, -s, 0, s, c);
}

export function matrixY(angle: number): Square {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return Float64Array.of(c, 0, s, 0, 1, 0, -s, 0, c);
}

export function matrixZ(angle: number): Square {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return Float64Array.of(c, -s, 0, s, c, 0, 0, 0, 1);
}

export function anglesToMatrix({ alpha, beta, gamma }: Angles): Square {
  return multiply(multiply(matrixY(alpha), matrixX(beta), 3), matrixY(gamma), 3);
}

/** (alpha, beta) with v / |v| = R(alpha, beta, 0) e_y; (0, pi/2) for the zero vector, as in e3nn. Exact near the poles too. */
export function xyzToAngles([x, y, z]: Vector): { alpha: number; beta: number } {
  const radius = Math.hypot(x, z);
  const beta = radius === 0 && y === 0 ? Math.PI / 2 : Math.atan2(radius, y);
  return { alpha: Math.atan2(x, z), beta };
}

export function anglesToXyz(alpha: number, beta: number): Vector {
  return [Math.sin(beta) * Math.sin(alpha), Math.cos(beta), Math.sin(beta) * Math.cos(alpha)];
}

export function inverseAngles({ alpha, beta, gamma }: Angles): Angles {
  return { alpha: -gamma, beta: -beta, gamma: -alpha };
}

/** Errors: VALUE unless the matrix is a rotation (orthogonal, determinant 1) to 1e-5. */
export function matrixToAngles(R: Square): Angles {
  assertRotation(R);
  const { alpha, beta } = xyzToAngles([R[1], R[4], R[7]]);
  const rest = multiply(transposed(anglesToMatrix({ alpha, beta, gamma: 0 }), 3), R, 3);
  return { alpha, beta, gamma: Math.atan2(rest[2], rest[0]) };
}

export function axisAngleToQuaternion(axis: Vector, angle: number): Quaternion {
  const [x, y, z] = unitAxis(axis);
  const s = Math.sin(angle / 2);
  return [Math.cos(angle / 2), s * x, s * y, s * z];
}

export function axisAngleToMatrix(axis: Vector, angle: number): Square {
  return quaternionToMatrix(axisAngleToQuaternion(axis, angle));
}

/** Of any length but 0. */
export function quaternionToMatrix(q: Quaternion): Square {
  const length = Math.hypot(...q);
  if (!(length > 0)) throw new AtomgradError("VALUE", "quaternionToMatrix: the quaternion is zero");
  const [w, x, y, z] = q.map((v) => v / length);
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

export function matrixToAxisAngle(R: Square): { axis: Vector; angle: number } {
  assertRotation(R);
  const angle = Math.acos(Math.min(1, Math.max(-1, (R[0] + R[4] + R[8] - 1) / 2)));
  const [x, y, z] = [R[7] - R[5], R[2] - R[6], R[3] - R[1]];
  const length = Math.hypot(x, y, z);
  return { axis: length > 0 ? [x / length, y / length, z / length] : [0, 0, 0], angle };
}

export function matrixToQuaternion(R: Square): Quaternion {
  const { axis, angle } = matrixToAxisAngle(R);
  return angle === 0 ? [1, 0, 0, 0] : axisAngleToQuaternion(axis, angle);
}

export function composeQuaternion(a: Quaternion, b: Quaternion): Quaternion {
  return [
    a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
    a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
    a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
    a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
  ];
}

/** Uniform over all rotations. */
export function randAngles(random: RandomStream): Angles {
  assertRandom("randAngles, randMatrix", random);
  const alpha = 2 * Math.PI * random.uniform();
  const gamma = 2 * Math.PI * random.uniform();
  return { alpha, beta: Math.acos(2 * random.uniform() - 1), gamma };
}

/** A rotation matrix [3,3] in float64, uniform over all rotations. */
export function randMatrix(random: RandomStream): Tensor {
  return tensor(anglesToMatrix(randAngles(random)), [3, 3]);
}

export function determinant(R: Square): number {
  return (
    R[0] * (R[4] * R[8] - R[5] * R[7]) -
    R[1] * (R[3] * R[8] - R[5] * R[6]) +
    R[2] * (R[3] * R[7] - R[4] * R[6])
  );
}

function assertRotation(R: Square): void {
  if (R.length !== 9) throw new AtomgradError("SHAPE", `a rotation has 9 numbers, got ${R.length}`);
  const gram = multiply(transposed(R, 3), R, 3);
  const error = Math.max(...gram.map((x, k) => Math.abs(x - (k % 4 === 0 ? 1 : 0))));
  if (!(error < 1e-5) || !(Math.abs(determinant(R) - 1) < 1e-5))
    throw new AtomgradError(
      "VALUE",
      `the matrix [${Array.from(R).join(", ")}] is not a rotation: its determinant is ${determinant(R)} and R^T R is off by ${error}`,
    );
}

function unitAxis([x, y, z]: Vector): Vector {
  const length = Math.hypot(x, y, z);
  if (!(length > 0)) throw new AtomgradError("VALUE", "the axis of a rotation must not be zero");
  return [x / length, y / length, z / length];
}
